"""Receipts, typing notices and copies: what alice hears of her messages, and what other programs make of them."""

import contextlib
import os
import pty
import select
import subprocess
import tempfile
import time
import zlib

from story import ALICE, BOB, LIMIT, Agent, Failure, check, equal, run
from sip_user import SipUser

CPIM = "message/cpim"


@contextlib.contextmanager
def registered(server, *accounts):
    with contextlib.ExitStack() as stack:
        agents = [stack.enter_context(Agent(server, *each)) for each in accounts]
        for agent in agents:
            agent.run("register")
        yield agents


class Device(SipUser):
    """A device by hand over TCP, which is registered."""

    def __init__(self, server, account, password):
        super().__init__(server, account, password, "tcp")
        self.came = []  # requests that came while an answer was waited for
        self.accomplish(self.request("REGISTER", f"sip:{self.domain}", [("Expires", "600")], to=self.aor))

    def accomplish(self, request):
        """Sends a request until it is accepted; gives the answer."""
        self.send(request)
        answer = self.response()
        if answer.status in (401, 407):
            self.send(self.authorised(request, answer))
            answer = self.response()
        check(answer.status // 100 == 2, f"{request.method}: {answer.first}")
        return answer

    def response(self):
        while not (message := self.receive()).is_response:
            self.came.append(message)
        return message

    def message(self):
        """The next MESSAGE that comes, not answered yet."""
        message = self.came.pop(0) if self.came else self.receive()
        check(message.method == "MESSAGE" and not message.is_response, f"a MESSAGE: {message.first}")
        return message

    def accept(self, message, status=200):
        self.answer(message, status, "Whatever", [("Accept", "text/plain")] if status == 415 else [], tag="d")


def cpim(sender, recipient, number, text, wanted):
    return (f"From: <{sender}>\r\nTo: <{recipient}>\r\nDateTime: 2026-11-21T04:00:00Z\r\nNS: imdn <urn:ietf:params:imdn>\r\n"
            f"imdn.Message-ID: {number}\r\nimdn.Disposition-Notification: {wanted}\r\n\r\n"
            f"Content-Type: text/plain\r\n\r\n{text}").encode()


def both_ways(server):
    """alice asks and hears that bob's device has her message; his answer asks by itself, as hers has shown that she can"""
    with registered(server, ALICE, BOB) as (alice, bob):
        plain = alice.run("message", to=bob.aor, text="plain")
        equal((plain["state"], plain["receipts"]), ("delivered", False), "the plain one")
        sent = alice.run("message", to=bob.aor, text="hi", receipts="ask")
        equal((sent["state"], sent["receipts"]), ("delivered", True), "the other")
        came = bob.wait("message", text="hi")
        equal(came["message_id"], sent["message_id"], "its id")
        check("claimed_from" not in came, "one sender")
        receipt = alice.wait("receipt", message_id=sent["message_id"])
        equal((receipt["state"], receipt["from"], receipt["to"]), ("delivered", bob.aor, bob.aor), "receipt")
        answer = bob.run("message", to=alice.aor, text="ho")
        equal(answer["receipts"], True, "receipts were asked for")
        bob.wait("receipt", message_id=answer["message_id"], state="delivered")
        equal(alice.wait("message", text="ho")["message_id"], answer["message_id"], "its id")
        silent = bob.run("message", to=alice.aor, text="hush", receipts="none")
        equal(silent["receipts"], False, "receipts were asked for")


def at_a_terminal(server):
    """what a person sees at a terminal is displayed, and its sender hears so, unless the person does not want that"""
    for option, states in [([], ["delivered", "displayed"]), (["--no-read-receipts"], ["delivered"])]:
        with registered(server, ALICE) as (alice,), tempfile.TemporaryDirectory() as state:
            terminal, screen = pty.openpty()
            bob = subprocess.Popen(
                [server.binaries / "beckon", "--account", BOB[0], "--server", server.uri("tls"), "--ca", server.certificate,
                 "--state", state, *option, "--stay", "register"],
                env={"BECKON_PASSWORD": BOB[1]}, stdin=subprocess.DEVNULL, stdout=screen, stderr=subprocess.STDOUT)
            os.close(screen)
            seen = read_until(terminal, "register: done")
            sent = alice.run("message", to="sip:" + BOB[0], text="look", receipts="ask")
            for each in states:
                alice.wait("receipt", message_id=sent["message_id"], state=each)
            read_until(terminal, "alice: look", seen)
            last = alice.run("message", to="sip:" + BOB[0], text="that was all", receipts="ask")
            alice.wait("receipt", message_id=last["message_id"], state="delivered")
            told = [each["state"] for each in alice.events if each.get("message_id") == sent["message_id"]
                    and each["event"] == "receipt"]
            equal(told, states, "receipts")
            bob.terminate()
            bob.wait(LIMIT)
            os.close(terminal)


def read_until(terminal, text, seen=""):
    deadline = time.monotonic() + LIMIT
    while text not in seen:
        if not select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise Failure(f"waited for {text!r} on the terminal: {seen!r}")
        seen += os.read(terminal, 65536).decode()
    return seen


def refused_form(server):
    """a program that answers 415 to message/cpim gets the text once more, alone; this is remembered over a restart"""
    with contextlib.closing(Device(server, *BOB)) as bob, tempfile.TemporaryDirectory() as state:
        with Agent(server, *ALICE, state=state) as alice:
            alice.run("register")
            number = alice.send("message", to=bob.aor, text="hi", receipts="ask")
            refused = bob.message()
            equal(refused.get("Content-Type"), CPIM, "type")
            bob.accept(refused, 415)
            again = bob.message()
            equal((again.get("Content-Type"), again.body), ("text/plain;charset=UTF-8", b"hi"), "the text")
            equal(again.get("Call-ID"), refused.get("Call-ID"), "Call-ID")
            bob.accept(again)
            result = alice.wait("result", id=number)
            equal((result["ok"], result["receipts"]), (True, False), "result")
            alice.quit()
        with Agent(server, *ALICE, state=state) as alice:
            alice.run("register")
            number = alice.send("message", to=bob.aor, text="still there?", receipts="ask")
            plain = bob.message()
            equal(plain.body, b"still there?", "the text")
            bob.accept(plain, 603)
            result = alice.wait("result", id=number)
            equal((result["ok"], result["cause"], result["status"]), (False, "refused", 603), "a 6xx")


def refused_receipts(server):
    """a program that answers 415 to a receipt gets no further one; a copy of a message is shown once and told once"""
    with contextlib.closing(Device(server, *ALICE)) as alice, registered(server, BOB) as (bob,):
        body = cpim(alice.aor, bob.aor, "m1", "once", "positive-delivery, display")
        for _ in range(2):
            alice.accomplish(alice.request("MESSAGE", bob.aor, [("Content-Type", CPIM)], body))
        receipt = alice.message()
        check(b"<message-id>m1</message-id>" in receipt.body and b"<delivered/>" in receipt.body, f"receipt: {receipt}")
        alice.accept(receipt, 415)
        bob.wait("message", text="once", message_id="m1")
        alice.accomplish(alice.request("MESSAGE", bob.aor, [("Content-Type", CPIM)],
                                       cpim(alice.aor, bob.aor, "m2", "twice", "positive-delivery")))
        bob.wait("message", text="twice", message_id="m2")
        equal([each["text"] for each in bob.events if each["event"] == "message"], ["once", "twice"], "messages")
        number = bob.send("message", to=alice.aor, text="that was all", receipts="none")
        last = alice.message()
        equal(last.body, b"that was all", "what comes next")
        alice.accept(last)
        bob.wait("result", id=number)


def claims(server):
    """a sender who names another inside the message is shown as who sent it, with the claim beside it"""
    with contextlib.closing(Device(server, *ALICE)) as alice, registered(server, BOB) as (bob,):
        alice.accomplish(alice.request("MESSAGE", bob.aor, [("Content-Type", CPIM)],
                                       cpim("sip:carol@example.org", bob.aor, "m1", "hi", "")))
        came = bob.wait("message", text="hi")
        equal((came["from"], came["claimed_from"], came["sent"]),
              (alice.aor, "sip:carol@example.org", "2026-11-21T04:00:00Z"), "who says what")


def typing(server):
    """bob sees that alice types until she stops or her message comes; a program that refuses such notices gets no more"""
    with registered(server, ALICE, BOB) as (alice, bob):
        for ends in ("stop", "message"):
            alice.run("typing", to=bob.aor)
            alice.run("typing", to=bob.aor)
            equal(bob.wait("typing", state="active")["from"], alice.aor, "who types")
            alice.run("typing", to=bob.aor, stop=True) if ends == "stop" else alice.run("message", to=bob.aor, text="hi")
            bob.wait("typing", state="idle")
        bob.wait("message", text="hi")
        bob.quit()
        with contextlib.closing(Device(server, *BOB)) as device:
            number = alice.send("typing", to=device.aor)
            notice = device.message()
            equal(notice.get("Content-Type"), "application/im-iscomposing+xml", "type")
            device.accept(notice, 415)
            equal(alice.wait("result", id=number)["status"], 415, "status")
            equal(alice.run("typing", to=device.aor, ok=False)["status"], 415, "status")
            number = alice.send("message", to=device.aor, text="hi")
            message = device.message()
            equal(message.body, b"hi", "what comes next")
            device.accept(message)
            alice.wait("result", id=number)


def one_device(server):
    """a message to the GRUU of one device reaches that one only (RFC 5627)"""
    with registered(server, ALICE, BOB, BOB) as (alice, first, second):
        to = first.last("registration")["gruu"]
        check(";gr=" in to, f"a GRUU: {to}")
        alice.run("message", to=to, text="for one")
        alice.run("message", to=first.aor, text="for all")
        for each in (first, second):
            each.wait("message", text="for all")
        equal([[e["text"] for e in each.events if e["event"] == "message"] for each in (first, second)],
              [["for one", "for all"], ["for all"]], "messages of the two")


def linphone(server):
    """a liblinphone's forms: namespaces of its own in message/cpim, notifications deflated, named by the Call-ID of a plain text"""
    with contextlib.closing(Device(server, *ALICE)) as alice, registered(server, BOB) as (bob,):
        body = (f"From: <{alice.aor}>\r\nTo: <{bob.aor}>\r\nDateTime: 2026-11-21T04:00:00Z\r\n"
                "NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: cKvKgLzk3E\r\n"
                "imdn.Disposition-Notification: positive-delivery, negative-delivery, display\r\n"
                "NS: linphone-ephemeral <http://www.linphone.org/xsds/imdn.xsd>\r\nlinphone-ephemeral.Time: 60\r\n\r\n"
                "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: 5\r\n\r\nhello").encode()
        alice.accomplish(alice.request("MESSAGE", bob.aor, [("Content-Type", CPIM)], body))
        equal(bob.wait("message", text="hello")["message_id"], "cKvKgLzk3E", "its id")
        receipt = alice.message()
        check(b"Content-Disposition: notification" in receipt.body and b"<delivered/>" in receipt.body, f"{receipt.body}")
        alice.accept(receipt)

        number = bob.send("message", to=alice.aor, text="plain", receipts="none")
        plain = alice.message()
        alice.accept(plain)
        sent = bob.wait("result", id=number)
        for kind, status in (("delivery", "delivered"), ("display", "displayed")):
            imdn = ('<?xml version="1.0" encoding="UTF-8"?><imdn xmlns="urn:ietf:params:xml:ns:imdn" '
                    'xmlns:imdn="http://www.linphone.org/xsds/imdn.xsd">'
                    f"<message-id>{plain.get('Call-ID')}</message-id><datetime>2026-11-21T04:00:00Z</datetime>"
                    f"<{kind}-notification><status><{status}/></status></{kind}-notification></imdn>")
            alice.accomplish(alice.request("MESSAGE", bob.aor, [("Content-Type", "message/imdn+xml"),
                                                                ("Content-Encoding", "deflate"), ("Priority", "non-urgent")],
                                           zlib.compress(imdn.encode())))
            bob.wait("receipt", message_id=sent["message_id"], state=status)
        bob.run("history", **{"with": alice.aor})
        equal([each["state"] for each in bob.wait("history")["messages"] if each["text"] == "plain"], ["displayed"],
              "the archive has it, too")


run([both_ways, at_a_terminal, refused_form, refused_receipts, claims, linphone, typing, one_device])
