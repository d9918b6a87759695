"""Who is admitted, and what a refused client is answered."""

import hashlib
import re
import socket
import subprocess
import urllib.request

from story import ALICE, BOB, Agent, Server, check, equal, run, until


def beckon(server, account, password, *words):
    out = subprocess.run([server.binaries / "beckon", "--account", account, "--server", server.uri("tls"), "--ca",
                          server.certificate, "--state", server.data / "states" / account, *words],
                         env={"BECKON_PASSWORD": password}, capture_output=True, text=True, timeout=60)
    return out


def wrong_password(server):
    """a wrong password is reported clearly, with exit code 4"""
    out = beckon(server, ALICE[0], "not-hers", "register")
    equal(out.returncode, 4, "exit code")
    check("refuses this name or password" in out.stdout, f"a clear message, not {out.stdout!r}")


def right_password(server):
    """the right one registers, with exit code 0"""
    out = beckon(server, *ALICE, "register")
    equal(out.returncode, 0, f"exit code ({out.stdout}{out.stderr})")


def ask(server, user, authorization="", source="127.0.0.1"):
    """One REGISTER over UDP; the answer without what differs from request to request."""
    host, port = server.listen["udp"].rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port_of_ours:
        port_of_ours.bind((source, 0))
        port_of_ours.settimeout(20)
        here = f"{source}:{port_of_ours.getsockname()[1]}"
        unique = f"{id(port_of_ours):x}{user}"
        port_of_ours.sendto(
            (f"REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{unique};rport\r\n"
             f"From: <sip:{user}@example.org>;tag=a\r\nTo: <sip:{user}@example.org>\r\nCall-ID: {unique}\r\n"
             f"CSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nContact: <sip:{user}@{here}>\r\n{authorization}"
             f"Content-Length: 0\r\n\r\n").encode(), (host, int(port)))
        return port_of_ours.recv(65535).decode()


def shape(answer):
    """Header names in order, and the challenge with its values made equal."""
    lines = answer.split("\r\n")
    return [lines[0]] + [re.sub(r'(nonce|opaque)="[^"]*"', r'\1=""', line) if line.startswith("WWW-Authenticate")
                         else line.split(":")[0] for line in lines[1:]]


def unknown_user(server):
    """an unknown user gets exactly the answers of a known one"""
    equal(shape(ask(server, "nobody")), shape(ask(server, "alice")), "the challenge")
    answers = []
    for user in ("alice", "nobody"):
        nonce = re.search(r'algorithm=MD5.*?nonce="([^"]+)"|nonce="([^"]+)".*?algorithm=MD5', ask(server, user))
        nonce = nonce.group(1) or nonce.group(2)
        answers.append(shape(ask(server, user,
                                 f'Authorization: Digest username="{user}", realm="example.org", nonce="{nonce}", '
                                 f'uri="sip:example.org", response="{"0" * 32}", algorithm=MD5, qop=auth, '
                                 f'cnonce="c", nc=00000001\r\n')))
    equal(answers[0], answers[1], "the refusal")


def strongest_algorithm(server):
    """SHA-256 and MD5 are offered, the stronger first; the client takes it"""
    algorithms = re.findall(r"algorithm=([^,\r]+)", ask(server, "alice"))
    equal(algorithms, ["SHA-256", "MD5"], "algorithms offered")


def counter(server, name):
    with urllib.request.urlopen(f"http://{server.listen['admin']}/metrics", timeout=20) as answer:
        return int(re.search(rf"^beckon_{name} (\d+)$", answer.read().decode(), re.M).group(1))


def try_password(server, user, password, source):
    """The status of a REGISTER with this password, after its challenge."""
    challenge = next(line for line in ask(server, user, source=source).split("\r\n") if "algorithm=MD5" in line)
    nonce = re.search(r'nonce="([^"]+)"', challenge).group(1)

    def digest(text):
        return hashlib.md5(text.encode()).hexdigest()

    response = digest(f"{digest(f'{user}:example.org:{password}')}:{nonce}:00000001:c:auth:"
                      f"{digest('REGISTER:sip:example.org')}")
    return int(ask(server, user, f'Authorization: Digest username="{user}", realm="example.org", nonce="{nonce}", '
                                 f'uri="sip:example.org", response="{response}", algorithm=MD5, qop=auth, '
                                 f'cnonce="c", nc=00000001\r\n', source).split()[1])


def configured(server, toml):
    """Another server, with this configuration."""
    config = server.data / "other.toml"
    config.write_text(toml)
    return Server(server.binaries, options=[*server.options, "--config", config])


def guessing(server):
    """a client that guesses is slowed down, even when it then guesses right; the user's own device continues, and may register anew"""
    with configured(server, "[guessing]\nfree = 3\npause_seconds = 300\n") as strict:
        strict.add_user(*ALICE)
        with Agent(strict, *ALICE) as alice:
            alice.run("register")
            for number in range(3):
                equal(try_password(strict, "alice", f"guess-{number}", "127.0.0.2"), 401, "a wrong password")
            equal(try_password(strict, "alice", ALICE[1], "127.0.0.2"), 401, "the right one, from the guesser")
            equal(counter(strict, "credentials_unseen_total"), 1, "credentials refused unseen")
            alice.run("publish", basic="open")
            equal(beckon(strict, *ALICE, "register").returncode, 0, "exit code of a new login where she was before")
        process = strict.process
        strict.stop()
    logged = [line for line in process.errors if "too many wrong passwords" in line]
    equal(len(logged), 1, "lines in the log")
    check("sip:alice@example.org from 127.0.0.2" in logged[0] and "response" not in logged[0], f"user and source: {logged}")


def flood(server):
    """requests without credentials beyond the rate are dropped, for that source alone"""
    with configured(server, "trusted_networks = []\n"
                            "[limits]\nunauthenticated_per_second = 1\nunauthenticated_burst = 2\n") as strict:
        strict.add_user(*ALICE)
        host, port = strict.listen["udp"].rsplit(":", 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as loud:
            loud.bind(("127.0.0.2", 0))
            for number in range(20):
                loud.sendto(f"OPTIONS sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2;branch=z9hG4bKf{number};rport"
                            f"\r\nFrom: <sip:x@example.org>;tag=a\r\nTo: <sip:example.org>\r\nCall-ID: flood\r\n"
                            f"CSeq: {number} OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n".encode(),
                            (host, int(port)))
            until(lambda: counter(strict, "sip_dropped_total") + counter(strict, "sip_requests_total") >= 20,
                  "every request is counted as served or dropped")
            check(counter(strict, "sip_dropped_total") > 0, "some are dropped")
        check(ask(strict, "alice").startswith("SIP/2.0 401"), "another source is answered")


def no_server(server):
    """a server that is not there: exit code 3 and why"""
    address = server.listen["tls"]
    server.stop()
    out = subprocess.run([server.binaries / "beckon", "--account", ALICE[0], "--server", f"tls:{address}", "--ca",
                          server.certificate, "--state", server.data / "s", "register"],
                         env={"BECKON_PASSWORD": "x"}, capture_output=True, text=True, timeout=60)
    equal(out.returncode, 3, "exit code")
    check("refused" in out.stderr, f"a reason, not {out.stderr!r}")


def wrong_certificate(server):
    """a certificate that no trusted authority signed: exit code 9"""
    out = subprocess.run([server.binaries / "beckon", "--account", ALICE[0], "--server", server.uri("tls"),
                          "--state", server.data / "s", "register"],
                         env={"BECKON_PASSWORD": "x"}, capture_output=True, text=True, timeout=60)
    equal(out.returncode, 9, f"exit code ({out.stderr})")


def secrets_at_rest(server):
    """no password and no secret of a direct session is in any file of the server"""
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        alice.run("publish", basic="open", direct="auto")
        alice.wait("publication", direct=True)
        for path in server.data.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                check(b"wonderland" not in data, f"the password stands in {path.name}")
                check(b"secret" not in data.replace(b"secret_", b""), f"a secret stands in {path.name}")


def operator_log(server):
    """the log has a line for each registration, failed login, decision about a watcher and message, and nothing private"""
    equal(beckon(server, ALICE[0], "not-hers", "register").returncode, 4, "exit code of a wrong password")
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        alice.run("register")
        bob.run("subscribe", to=ALICE[0])
        alice.run("message", to=BOB[0], text="white-rabbit")
        alice.run("allow", watcher=BOB[0])
        bob.wait("subscription", to=alice.aor, state="active")
        bob.run("register")
        bob.wait("message")
        bob.run("message", to=ALICE[0], text="white-rabbit")
    process = server.process
    server.stop()
    for wanted in (r"auth.* login failed: sip:alice@example\.org from 127\.0\.0\.1: wrong password",
                   r"registrar.* sip:alice@example\.org (created|registered) sip:\S+ from 127\.0\.0\.1",
                   r"subscription.* sip:bob@example\.org watches sip:alice@example\.org \(presence\): pending",
                   r"subscription.* sip:bob@example\.org watches sip:alice@example\.org \(presence\): active",
                   r"message.* from sip:alice@example\.org to sip:bob@example\.org: stored",
                   r"message.* from sip:bob@example\.org to sip:alice@example\.org: delivered"):
        lines = [line for line in process.errors if re.search(wanted, line)]
        equal(len(lines), 1, f"lines that match {wanted} in {process.errors}")
    for private in ("white-rabbit", "wonderland", "not-hers", "response="):
        check(not any(private in line for line in process.errors), f"{private} is not logged")


run([wrong_password, right_password, unknown_user, strongest_algorithm, guessing, flood, no_server, wrong_certificate, secrets_at_rest, operator_log])
