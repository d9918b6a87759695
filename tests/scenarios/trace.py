"""What `beckond trace` and `beckon --trace` show, and that no secret is in it."""

import json
import re
import socket
import subprocess

from story import ALICE, BOB, Agent, check, equal, restart_with, run
from beckon_harness import LIMIT, Process


def trace(server, *options):
    out = subprocess.run([server.beckond, "trace", "--data", server.data, *options], capture_output=True, text=True,
                         encoding="utf-8", timeout=60)
    equal(out.returncode, 0, f"exit code ({out.stderr})")
    return out.stdout


def no_secret(text, *known):
    """Nothing that answers a challenge, opens a direct session or is a password stands in a text."""
    check(not re.search(r'(response|cnonce|rspauth)\s*=\s*"?[0-9a-zA-Z]', text), "an answer to a challenge is shown")
    check(not re.search(r"<(\w+:)?(secret|ticket|psk|grant)\b[^>]*>[^*]", text), "a secret of a direct session is shown")
    for secret in (ALICE[1], BOB[1], *known):
        check(secret not in text, f"{secret!r} is shown")


def ladder(server):
    """a registration with a password is a ladder of four messages, with nothing secret in it"""
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        rows = [line for line in trace(server).splitlines() if re.match(r"\d\d:\d\d:\d\d\.\d{3} ", line)]
        whats = [re.search(r"(◀|▶).*[│┼]\s+(\S+ \S+)", row).group(1, 2) for row in rows]
        equal(whats, [("▶", "REGISTER sip:example.org"), ("◀", "401 Unauthorized"), ("▶", "REGISTER sip:example.org"),
                      ("◀", "200 OK")], "the ladder")
        whole = trace(server, "--full")
        check("alice is at tls " in whole, "the column is named")
        check('username="alice"' in whole and "response=***" in whole, "the answer to the challenge is masked")
        no_secret(whole)


def direct_secrets(server):
    """secrets and grants of direct sessions are in no trace, neither of the server nor of an agent"""
    texts = []
    with Agent(server, *ALICE, options=["--full"]) as alice, Agent(server, *BOB, options=["--full"]) as bob:
        for each in (alice, bob):
            each.run("register")
        alice.run("subscribe", to=alice.aor, package="presence.winfo")
        alice.wait("watchers", document="full")
        alice.run("publish", basic="open", direct="auto")
        alice.wait("publication", direct=True)
        bob.run("subscribe", to=alice.aor)
        alice.run("allow", watcher=bob.aor, direct="auto")
        bob.wait("presence", where=lambda e: any(t.get("direct", {}).get("granted") for t in e["tuples"]))
        texts += [json.dumps(event) for agent in (alice, bob) for event in agent.events if event["event"] == "trace"]
        texts.append(trace(server, "--full"))
        texts.append(trace(server, "--json", "--full"))
    for text in texts:
        no_secret(text.replace('\\"', '"'))
    for name in ("secret", "grant"):
        check(re.search(rf"<{name}\b[^>]*>\*\*\*<", texts[-1]), f"a masked {name} is there")
    lines = [json.loads(line) for line in texts[-1].splitlines()]
    for line in lines:
        error = next(iter(Agent._validator.iter_errors(line)), None)
        check(error is None, f"a line follows the contract: {error}")
    mine = [json.loads(line) for line in trace(server, "--json", "--about", BOB[0]).splitlines()]
    check(0 < len(mine) < len(lines), "a trace about one user is a part")
    for line in mine:
        check("sip:" + BOB[0] in (line["from"], line["to"], line.get("request_uri")), f"a line of bob's: {line['summary']}")
    one = [json.loads(line) for line in trace(server, "--json", "--about", mine[0]["call_id"]).splitlines()]
    equal({line["call_id"] for line in one}, {mine[0]["call_id"]}, "Call-IDs of a trace about one")


def writing(server):
    """what people write to each other is shown only where it is asked for"""
    said = "Curiouser and curiouser"
    texts = {}
    with Agent(server, *BOB, options=["--full"]) as bob, Agent(server, *ALICE, options=["--texts"]) as alice:
        for each in (alice, bob):
            each.run("register")
        alice.run("message", to=bob.aor, text=said)
        bob.wait("message", text=said)
        for name, agent in (("alice", alice), ("bob", bob)):
            texts[name] = "".join(event.get("text", "") for event in agent.events if event["event"] == "trace")
    for name, options in (("full", ["--full"]), ("texts", ["--texts"]), ("json", ["--json", "--texts"])):
        texts[name] = trace(server, *options)
    equal({name for name, text in texts.items() if said in text}, {"alice", "texts", "json"}, "who shows the message")
    check("MESSAGE sip:bob@example.org" in texts["full"], "the message itself is shown")
    for text in texts.values():
        no_secret(text.replace('\\"', '"'))


def odd_messages(server):
    """what cannot be read and what comes twice is marked; URI passwords are masked"""
    host, port = server.listen["udp"].rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind((host, 0))
        wire.settimeout(LIMIT)
        options = (f"OPTIONS sip:bob:{BOB[1]}@example.org SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{wire.getsockname()[1]}"
                   ";branch=z9hG4bKtrace;rport\r\nFrom: <sip:carol@example.com>;tag=1\r\nTo: <sip:bob@example.org>\r\n"
                   "Call-ID: odd\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode()
        broken = options.replace(b"CSeq: 1", b"CSeq 1").replace(b"Max-Forwards: 70", b"Authorization: Basic c2VjcmV0")
        for message in (broken, options, options):
            wire.sendto(message, (host, int(port)))
            wire.recv(65535)
    text = trace(server, "--full")
    rows = [line for line in text.splitlines() if "OPTIONS sip:" in line and "▶" in line]
    equal([(" malformed: " in row, row.endswith(" again")) for row in rows], [(True, False), (False, False), (False, True)],
          "marks of the rows")
    no_secret(text, "c2VjcmV0")


def follow(server):
    """with --follow new messages are shown, and the command ends with the server"""
    follower = Process([server.beckond, "trace", "--data", server.data, "--follow", "--json"])
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        seen = []
        while len(seen) < 4:
            seen.append(json.loads(follower.lines.get(timeout=LIMIT)))
        equal([line.get("status", 0) for line in seen], [0, 401, 0, 200], "what the follower saw")
        alice.quit()
    server.stop()
    equal(follower.wait(), 0, "exit code of the follower")


def people(server):
    """a user sees the ladder of the own messages"""
    out = subprocess.run([server.binaries / "beckon", "--account", ALICE[0], "--server", server.uri("tls"), "--ca",
                          server.certificate, "--state", server.data / "s", "--trace", "--full", "register"],
                         env={"BECKON_PASSWORD": ALICE[1]}, capture_output=True, text=True, encoding="utf-8", timeout=60)
    equal(out.returncode, 0, f"exit code ({out.stderr})")
    check("401 Unauthorized" in out.stdout and "◀" in out.stdout and "▶" in out.stdout, "the ladder")
    no_secret(out.stdout)


def nothing_remembered(server):
    """a server that keeps no messages shows none"""
    restart_with(server, "[trace]\nmessages = 0\n")
    with Agent(server, *ALICE) as alice:
        alice.run("register")
    equal(trace(server), "", "the trace")


run([ladder, direct_secrets, writing, odd_messages, follow, people, nothing_remembered])
