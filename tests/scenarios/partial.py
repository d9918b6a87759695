"""Partial notification (RFC 5263): what changed goes over the wire, and the whole state is shown."""

import re
import signal
import subprocess
import time

from story import ALICE, BOB, LIMIT, Agent, check, equal, run
from wire import Wire, authorised

DIFF = "application/pidf-diff+xml"


def publish(alice, note, basic="open"):
    alice.run("publish", basic=basic, note=note, activity="meeting", direct="off")


class Watcher:
    """bob by hand, over UDP: subscribes as in RFC 5263 5 and answers NOTIFYs."""

    def __init__(self, wire):
        self.wire, self.seen = wire, 0
        answer = authorised(wire, "SUBSCRIBE", "sip:alice@example.org", 1,
                            f"Event: presence\r\nExpires: 600\r\nContact: <sip:bob@{wire.here}>\r\n"
                            f"Accept: application/pidf+xml;q=0.3,\r\n {DIFF};q=1\r\n", user=BOB, to="alice")  # F1
        equal(answer[:11], "SIP/2.0 200", "answer to SUBSCRIBE")  # F2

    def next(self):
        """The next NOTIFY that is no repetition: its body."""
        deadline = time.monotonic() + LIMIT
        while True:
            self.wire.socket.settimeout(max(0.01, deadline - time.monotonic()))
            text = self.wire.receive()
            if not text.startswith("NOTIFY "):
                continue
            head, body = text.split("\r\n\r\n", 1)
            kept = [line for line in head.split("\r\n")[1:] if re.match(r"(Via|From|To|Call-ID|CSeq):", line)]
            self.wire.send("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]))
            number = int(re.search(r"CSeq: (\d+)", head).group(1))
            if number <= self.seen or not body:
                continue
            self.seen = number
            check(f"Content-Type: {DIFF}" in head, "the type is that of partial documents")
            return body


def part(body):
    root, version = re.search(r'<p:(pidf-full|pidf-diff) [^>]*version="(\d+)"', body).groups()
    return root, int(version)


def by_hand(server):
    """full state with version 1, then what changed with version 2; after kill -9 full state with a higher one"""
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        alice.run("allow", watcher="sip:bob@example.org")
        publish(alice, "one")
        with Wire(server, "udp") as wire:
            watcher = Watcher(wire)
            full = watcher.next()  # F3, F4
            equal(part(full), ("pidf-full", 1), "the first document")
            check(">one<" in full, "the state is in it")
            publish(alice, "two")
            changed = watcher.next()  # F5, F6
            equal(part(changed), ("pidf-diff", 2), "the second document")
            check(">two<" in changed and "<p:replace" in changed and "meeting" not in changed, "only the note changed")
            check(len(changed) < len(full), "it is shorter")
            equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
            server.start()
            root, version = part(again := watcher.next())
            equal(root, "pidf-full", "after the restart")
            check(version > 2, "versions rise over a restart")
            check(">two<" in again, "the state is in it")


def shown(server):
    """beckon applies what changed and shows the whole state, over a restart of the server too"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        for each in (alice, bob):
            each.run("register")
        alice.run("allow", watcher=bob.aor)
        publish(alice, "one")
        bob.run("subscribe", to=alice.aor)
        bob.wait("presence", where=lambda e: "one" in str(e))
        publish(alice, "two", "closed")
        seen = bob.wait("presence", where=lambda e: "two" in str(e), of=alice.aor)
        equal((seen["basic"], seen["activities"]), ("closed", ["meeting"]), "what bob sees")
        out = subprocess.run([server.beckond, "trace", "--data", server.data, "--full"], capture_output=True, text=True,
                             encoding="utf-8", timeout=60).stdout
        check(f"Content-Type: {DIFF}" in out, "bob's agent asks for what changed")
        equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
        for each in (alice, bob):
            each.wait("connection", state="down")
            each.forget()
        server.start()
        bob.wait("presence", where=lambda e: "two" in str(e), of=alice.aor)
        publish(alice, "three")
        seen = bob.wait("presence", where=lambda e: "three" in str(e), of=alice.aor)
        equal((seen["basic"], seen["activities"]), ("open", ["meeting"]), "what bob sees")


run([by_hand, shown])
