"""Who is in a call, and what waits in a mailbox: phones and a voicemail system publish, people watch."""

import re
import signal

from story import ALICE, BOB, Agent, check, equal, run
from wire import Wire, authorised


class Device:
    """A device of alice that publishes over UDP, by hand."""

    def __init__(self, server, package, content_type):
        self.wire, self.package, self.content_type = Wire(server, "udp"), package, content_type
        self.number, self.etag = 1, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.__exit__()

    def publish(self, body):
        match = f"SIP-If-Match: {self.etag}\r\n" if self.etag else ""
        answer = authorised(self.wire, "PUBLISH", "sip:alice@example.org", self.number,
                            f"Event: {self.package}\r\nExpires: 600\r\n{match}Content-Type: {self.content_type}\r\n", body.encode())
        check(answer.startswith("SIP/2.0 200"), f"the PUBLISH is answered 200, not {answer[:40]!r}")
        self.number, self.etag = self.number + 2, re.search(r"SIP-ETag: ([^\r]+)", answer).group(1)


class Phone(Device):
    def __init__(self, server):
        super().__init__(server, "dialog", "application/dialog-info+xml")

    def shows(self, *calls):
        """Publishes these calls, each a Call-ID and a state; all with carol."""
        dialogs = "".join(
            f'<dialog id="line1" call-id="{call}" direction="recipient"><state>{state}</state><remote>'
            f'<identity display="Carol">sip:carol@example.org</identity></remote></dialog>' for call, state in calls)
        self.publish(f'<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" '
                     f'entity="sip:alice@example.org">{dialogs}</dialog-info>')


def see(agent, *states, **members):
    """The next event "dialogs" with these states, in any order."""
    return agent.wait("dialogs", lambda e: sorted(d["state"] for d in e["dialogs"]) == sorted(states), of="sip:alice@example.org",
                      **members)


def watch(alice, bob):
    """alice watches her own calls, bob may watch them, too."""
    for each in (alice, bob):
        each.run("register")
    alice.run("subscribe", to=alice.aor, package="dialog")
    see(alice, document="full")
    bob.run("subscribe", to=alice.aor, package="dialog")
    bob.wait("subscription", to=alice.aor, state="pending")
    alice.run("allow", watcher=bob.aor)
    see(bob, document="full")


def two_phones(server):
    """both phones of alice ring, one answers, the call ends; bob sees that, and alice with whom"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob, Phone(server) as desk, Phone(server) as mobile:
        watch(alice, bob)
        desk.shows(("call-1", "early"))
        see(alice, "early", document="partial")
        see(bob, "early", document="partial")
        mobile.shows(("call-2", "early"))
        for each in (alice, bob):
            ringing = see(each, "early", "early")
            check(ringing["dialogs"][0]["id"] != ringing["dialogs"][1]["id"], "the phones' dialogs have different ids")
        desk.shows(("call-1", "confirmed"))
        talking = see(alice, "confirmed", "early")
        equal({d["remote_name"] for d in talking["dialogs"]}, {"Carol"}, "who alice talks to, as she sees it")
        equal({tuple(sorted(d)) for d in see(bob, "confirmed", "early")["dialogs"]}, {("id", "state")}, "what bob sees of it")
        mobile.shows()
        for each in (alice, bob):
            see(each, "confirmed", "terminated")
        desk.shows(("call-1", "terminated"))
        for each in (alice, bob):
            see(each, "terminated")
        bob.run("unsubscribe", to=alice.aor, package="dialog")
        bob.forget()
        bob.run("subscribe", to=alice.aor, package="dialog")
        see(bob, document="full")


def restart_during_a_call(server):
    """kill -9 while alice talks: watchers get full state, the end of the call arrives, and nothing of it sticks"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob, Phone(server) as desk, Phone(server) as mobile:
        watch(alice, bob)
        desk.shows(("call-1", "confirmed"))
        mobile.shows(("call-2", "early"))
        before = {}
        for each in (alice, bob):
            before[each] = see(each, "confirmed", "early")
        equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
        for each in (alice, bob):
            each.wait("connection", state="down")
            each.forget()
        server.start()
        for each in (alice, bob):
            after = see(each, "confirmed", "early", document="full")
            check(after["version"] > before[each]["version"], "the version rises")
            equal([d["id"] for d in after["dialogs"]], [d["id"] for d in before[each]["dialogs"]], "the ids")
        desk.shows()
        mobile.shows(("call-2", "terminated"))
        for each in (alice, bob):
            each.wait("dialogs", lambda e: all(d["state"] == "terminated" for d in e["dialogs"]))
            each.run("unsubscribe", to=alice.aor, package="dialog")
            each.forget()
            each.run("subscribe", to=alice.aor, package="dialog")
            see(each, document="full")


def blocked(server):
    """whom alice blocks sees her calls no more, and cannot ask again"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        watch(alice, bob)
        alice.run("block", watcher=bob.aor)
        bob.wait("subscription", to=alice.aor, state="terminated")
        equal(bob.run("subscribe", ok=False, to=alice.aor, package="dialog")["cause"], "refused", "bob's second try")


def message_waiting(server):
    """a voicemail system tells alice what waits for her, over a kill -9; bob is not told"""
    with (Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob,
          Device(server, "message-summary", "application/simple-message-summary") as voicemail):
        for each in (alice, bob):
            each.run("register")
        alice.run("subscribe", to=alice.aor, package="message-summary")
        alice.wait("message-summary", waiting=False)
        voicemail.publish("Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n")
        wanted = [{"class": "voice-message", "new": 2, "old": 8, "urgent_new": 0, "urgent_old": 2}]
        equal(alice.wait("message-summary", waiting=True)["classes"], wanted, "what waits")
        equal(bob.run("subscribe", ok=False, to=alice.aor, package="message-summary")["cause"], "refused", "bob's question")
        server.stop(signal.SIGKILL)
        alice.wait("connection", state="down")
        alice.forget()
        server.start()
        equal(alice.wait("message-summary", waiting=True)["classes"], wanted, "what waits after the restart")
        voicemail.publish("Messages-Waiting: no\r\nVoice-Message: 0/10\r\n")
        alice.wait("message-summary", waiting=False)


run([two_phones, restart_during_a_call, blocked, message_waiting])
