"""Who may come in, and what he hears who may not."""

import re
import socket
import subprocess

from story import ALICE, Agent, check, equal, run


def beckon(server, account, password, *words):
    out = subprocess.run([server.binaries / "beckon", "--account", account, "--server", server.uri("tls"), "--ca",
                          server.certificate, "--state", server.data / "states" / account, *words],
                         env={"BECKON_PASSWORD": password}, capture_output=True, text=True, timeout=60)
    return out


def wrong_password(server):
    """a wrong password is told clearly, with exit code 4"""
    out = beckon(server, ALICE[0], "not-hers", "register")
    equal(out.returncode, 4, "exit code")
    check("refuses this name or password" in out.stdout, f"a clear message, not {out.stdout!r}")


def right_password(server):
    """the right one registers, with exit code 0"""
    out = beckon(server, *ALICE, "register")
    equal(out.returncode, 0, f"exit code ({out.stdout}{out.stderr})")


def ask(server, user, authorization=""):
    """One REGISTER over UDP; the answer without what differs from request to request."""
    host, port = server.listen["udp"].rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port_of_ours:
        port_of_ours.bind((host, 0))
        port_of_ours.settimeout(20)
        here = f"{host}:{port_of_ours.getsockname()[1]}"
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
    """an unknown user hears exactly what a known one hears"""
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
    """a certificate nobody vouches for: exit code 9"""
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


run([wrong_password, right_password, unknown_user, strongest_algorithm, no_server, wrong_certificate, secrets_at_rest])
