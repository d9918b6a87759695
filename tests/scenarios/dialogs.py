"""Who is in a call, and what waits in a mailbox: phones and a voicemail system publish, people watch; and the calls that
the server forwards, of phones that publish nothing.
"""

import re
import signal

from story import ALICE, BOB, Agent, check, equal, restart_with, run
from sip_user import Dialog, SipUser
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
    """kill -9 while alice talks: watchers that have the state are sent no copy, a new one sees the same calls; their end arrives, and nothing sticks"""
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
            each.wait("connection", state="up")
        with Agent(server, *ALICE) as console:
            console.run("subscribe", to=alice.aor, package="dialog")
            after = see(console, "confirmed", "early", document="full")
        for each in (alice, bob):
            equal({d["id"] for d in after["dialogs"]}, {d["id"] for d in before[each]["dialogs"]}, "the ids")
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


CAROL = ("carol@example.org", "red queen")


class Caller(SipUser):
    """A phone that publishes nothing, by hand."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def until(self, what):
        """The next message with that status or method; others are passed over."""
        while True:
            message = self.receive()
            if (message.status if message.is_response else message.method) == what:
                return message

    def ask(self, method, uri, status=200, to=None):
        """Sends a request, answers the challenge, and gives the answer, which must have that status."""
        request = self.request(method, uri, to=to)
        self.send(request)
        challenge = self.until(401 if method == "REGISTER" else 407)
        request = self.authorised(request, challenge)
        self.send(request)
        return request, self.until(status) if status else None

    def call(self, callee):
        """Calls, and is answered; the dialog of this side."""
        request, _ = self.ask("INVITE", callee.aor, status=None)
        invite = callee.until("INVITE")
        callee.answer(invite, 180, "Ringing", tag="t")
        self.until(180)
        callee.answer(invite, 200, "OK", tag="t")
        answer = self.until(200)
        dialog = Dialog(request, callee.contact)
        dialog.peer, dialog.route = answer.get("To"), [value for _, value in answer.all("Record-Route")][::-1]
        self.send(self.request("ACK", dialog.target, [("CSeq", request.get("CSeq").replace("INVITE", "ACK"))], dialog=dialog))
        callee.until("ACK")
        return dialog


def add_carol(server):
    """bob may see all of her calls."""
    server.add_user(*CAROL)
    restart_with(server, 'dialog_watchers = ["sip:bob@example.org"]\n')


def watch_carol(bob):
    """She has no device yet."""
    bob.run("register")
    bob.run("subscribe", to="sip:carol@example.org", package="dialog")
    see_carol(bob, document="full", registered=False)


def see_carol(bob, *states, **members):
    return bob.wait("dialogs", lambda e: sorted(d["state"] for d in e["dialogs"]) == sorted(states), of="sip:carol@example.org",
                    **members)


def a_phone_dies(server):
    """carol's phone dies in mid-call, and its connection with it: her lamp goes out; a call to her other phone goes on"""
    add_carol(server)
    with Agent(server, *BOB) as bob, Caller(server, *ALICE, "udp") as alice, Caller(server, *CAROL, "udp") as desk:
        watch_carol(bob)
        with Caller(server, *CAROL, "tcp") as mobile:
            mobile.ask("REGISTER", "sip:example.org", to=mobile.aor)
            see_carol(bob, document="full", registered=True)
            alice.call(mobile)
            see_carol(bob, "confirmed")
        see_carol(bob, document="full", registered=False)
        desk.ask("REGISTER", "sip:example.org", to=desk.aor)
        dialog = alice.call(desk)
        see_carol(bob, "confirmed")
        alice.send(alice.request("BYE", dialog.target, dialog=dialog))
        bye = desk.until("BYE")
        desk.answer(bye, 200, "OK")
        equal(see_carol(bob, "terminated")["dialogs"][0]["event"], "remote-bye", "why it ended")


def restart_during_a_forwarded_call(server):
    """kill -9 while carol talks: the server forgets the call, her lamp goes out by a full document, and shows the next call"""
    add_carol(server)
    with Agent(server, *BOB) as bob, Caller(server, *ALICE, "udp") as alice, Caller(server, *CAROL, "udp") as carol:
        watch_carol(bob)
        carol.ask("REGISTER", "sip:example.org", to=carol.aor)
        alice.call(carol)
        before = see_carol(bob, "confirmed")
        server.stop(signal.SIGKILL)
        bob.wait("connection", state="down")
        bob.forget()
        server.start()
        after = see_carol(bob, document="full", registered=True)
        check(after["version"] > before["version"], "the version rises")
        alice.call(carol)
        see_carol(bob, "confirmed")


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


if __name__ == "__main__":
    run([two_phones, restart_during_a_call, blocked, a_phone_dies, restart_during_a_forwarded_call, message_waiting])
