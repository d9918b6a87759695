"""A user with this ds1: signs on at a server over TLS, publishes, watches, calls and is called. A thread of its own answers
the server and the peer; the test asks and waits.

    with Person(server, "bob@example.org", "secret") as bob:
        bob.sign_on("auto")
        bob.watch("sip:alice@example.org")
        session = bob.call("sip:alice@example.org")
        bob.wait("active", session=session)
"""

import math
import re
import select
import socket
import threading
import time
import traceback
import uuid

from beckon_harness import LIMIT, Failure, Silence
from sip_user import SipUser

from ds1 import presence
from ds1.endpoint import Endpoint
from ds1.session import DECLINED, NORMAL


def tone(hertz, rate=8000, size=8000):
    """A voice: makes samples of a sine."""
    at = 0

    def more(count):
        nonlocal at
        at += count
        return [round(size * math.sin(2 * math.pi * hertz * (at - count + i) / rate)) for i in range(count)]
    return more


def share_of_tone(samples, hertz, rate=8000):
    """How much of the power lies at that frequency: 1.0 is nothing else (Goertzel)."""
    power = sum(each * each for each in samples)
    if not power:
        return 0.0
    real = sum(each * math.cos(2 * math.pi * hertz * i / rate) for i, each in enumerate(samples))
    imaginary = sum(each * math.sin(2 * math.pi * hertz * i / rate) for i, each in enumerate(samples))
    return 2 * (real * real + imaginary * imaginary) / (len(samples) * power)


class Person:
    def __init__(self, server, account, password, hertz=440):
        self.server, self.account, self.password = server, account, password
        self.sip = SipUser(server, account, password, "tls")
        self.is_cut = False    # the server has closed the connection
        self.aor = f"sip:{account}"
        self.instance = f'"<urn:uuid:{uuid.uuid4()}>"'
        self.endpoint = Endpoint(self.aor, self._on_event)
        self.endpoint.voice = lambda: tone(hertz)
        self.hertz = hertz
        self.events = []       # (name, session, members)
        self.taken = 0         # of `wait`: events before this are not given again
        self.presence = {}     # AOR -> pairs of basic status and offer
        self.finals = {}       # (branch, method) -> answer
        self.etag = None
        self.fault = None      # of the thread
        self.changed = threading.Condition(threading.RLock())
        self.wake, self.alarm = socket.socketpair()
        self.ends = False
        self.thread = threading.Thread(target=self._run, daemon=True)

    # The thread

    def _run(self):
        try:
            while not self.ends:
                limit = max(0.0, self.endpoint.next_deadline() - time.monotonic())
                lines = [self.endpoint.socket, self.wake] + ([] if self.is_cut else [self.sip.socket])
                select.select(lines, [], [], limit)
                with self.changed:
                    if self.ends:
                        return
                    self._receive()
                    self.endpoint.receive()
                    self.endpoint.run_due()
                    self.changed.notify_all()
        except Exception as error:
            traceback.print_exc(limit=6)
            with self.changed:
                self.fault = error
                self.changed.notify_all()

    def _receive(self):
        try:
            while not self.is_cut and (message := self.sip.poll()):
                self._on_message(message)
        except (Failure, OSError):
            self.is_cut = True  # direct sessions go on

    def _on_event(self, name, session, members):
        self.events.append((name, session, members))

    def _on_message(self, message):
        if message.is_response:
            if message.status >= 200:
                self.finals[message.key] = message
        elif message.method == "NOTIFY":
            self.sip.answer(message, 200, "OK")
            kind, body = message.get("Event", "").split(";")[0], message.body
            if kind == "presence" and body:
                aor = re.search(rb'entity="([^"]+)"', body).group(1).decode()
                self.presence[aor] = presence.read(body)
                for _, offer in self.presence[aor]:
                    if offer:
                        self.endpoint.learn(aor, offer.device, offer.ident)
            elif kind == "presence.winfo" and body:
                self.endpoint.permits.update(presence.permits(body))
        else:
            self.sip.answer(message, 405, "Method Not Allowed", tag="p")

    # What a test asks for

    def until(self, holds, what, limit=LIMIT):
        """Waits until `holds()` gives something, and gives it."""
        deadline = time.monotonic() + limit
        with self.changed:
            while not (found := holds()):
                if self.fault:
                    raise Failure(f"{self.aor}: {self.fault}")
                if not self.changed.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    raise Silence(f"{self.aor}: waited {limit:.3g} s for {what}")
            return found

    def wait(self, name, session=None, limit=LIMIT):
        """The members of the next such event, of that session if one is named; events before it are not given again."""
        def next_one():
            for at in range(self.taken, len(self.events)):
                if self.events[at][0] == name and session in (None, self.events[at][1]):
                    self.taken = at + 1
                    return {"session": self.events[at][1], **self.events[at][2]}
            return None
        return self.until(next_one, f"{name} (has {[each[0] for each in self.events[-8:]]})", limit)

    def forget(self):
        with self.changed:
            self.taken = len(self.events)

    def count(self, name):
        with self.changed:
            return sum(each[0] == name for each in self.events)

    def ask(self, method, uri, headers=(), body=b""):
        """Sends a request and gives its final answer; a challenge is answered."""
        with self.changed:
            request = self.sip.request(method, uri, headers, body, self.aor if method == "REGISTER" else None)
            self.sip.send(request)
        answer = self._final(request)
        if answer.status in (401, 407):
            with self.changed:
                request = self.sip.authorised(request, answer)
                self.sip.send(request)
            answer = self._final(request)
        if not 200 <= answer.status < 300:
            raise Failure(f"{self.aor}: {method} {uri}: {answer.first}")
        return answer

    def _final(self, request):
        return self.until(lambda: self.finals.get(request.key), f"an answer to {request.first}")

    def sign_on(self, mode, basic="open"):
        """REGISTER, the own watchers, and PUBLISH with what can be received directly."""
        answer = self.ask("REGISTER", f"sip:{self.sip.domain}",
                          [("Contact", f"<{self.sip.contact}>;+sip.instance={self.instance}"), ("Supported", "gruu, outbound")])
        if "beckon-direct" not in answer.get("Supported", ""):
            raise Failure("the server does not say that it knows direct sessions: no secret for it")
        self.ask("SUBSCRIBE", self.aor, [("Event", "presence.winfo"), ("Expires", "600")])
        self.publish(mode, basic)

    def sign_on_again(self, mode):
        """After the server has died and come back: what it promised is asked for afresh."""
        self.until(lambda: self.is_cut, "the end of the connection")
        with self.changed:
            self.sip.close()
            self.sip = SipUser(self.server, self.account, self.password, "tls")
            self.etag, self.is_cut = None, False
            self.presence.clear()
        self.sign_on(mode)

    def publish(self, mode, basic="open", candidates=None):
        """A new epoch, in place of what was published before."""
        with self.changed:
            epoch, secret = self.endpoint.new_epoch()
            self.endpoint.mode = presence.MODES[mode]
            body = presence.document(self.endpoint, epoch, secret, basic, mode, self.sip.contact, candidates)
        headers = [("Event", "presence"), ("Expires", "600"), ("Content-Type", "application/pidf+xml")]
        headers += [("Require", "beckon-direct")] if mode != "off" else []
        headers += [("SIP-If-Match", self.etag)] if self.etag else []
        answer = self.ask("PUBLISH", self.aor, headers, body)
        if answer.has("Warning"):
            raise Failure(f"the server's warning: {answer.get('Warning')}")
        self.etag = answer.get("SIP-ETag")

    def watch(self, aor):
        self.ask("SUBSCRIBE", aor, [("Event", "presence"), ("Expires", "600"), ("Accept", "application/pidf+xml")])

    def offer_of(self, aor, mode=None):
        """Waits for a tuple of that user with a grant, of that mode if one is named."""
        def offered():
            return next((offer for basic, offer in self.presence.get(aor, ())
                         if basic == "open" and offer and offer.psk and mode in (None, offer.mode)), None)
        return self.until(offered, f"a grant of {aor}")

    def call(self, aor, call=None):
        """Dials the device whose grant is there, with the own tone as voice."""
        offer = self.offer_of(aor)
        with self.changed:
            return self.endpoint.dial(aor, offer, tone(self.hertz), call=call)

    def answer(self, session):
        with self.changed:
            self.endpoint.pins.setdefault(session.peer, {session.body.ident[:32]} if session.body.ident else set())
            session.answer()

    def reject(self, session):
        with self.changed:
            session.reject(DECLINED)

    def hang_up(self, session):
        with self.changed:
            session.leave(NORMAL)

    def move(self):
        with self.changed:
            self.endpoint.move()

    def hears(self, session, hertz, samples=8000):
        """Waits for a second of sound, and gives the share of a tone in the last half of it."""
        with self.changed:
            begin = len(session.heard)
        self.until(lambda: len(session.heard) >= begin + samples, "sound")
        with self.changed:
            return share_of_tone(session.heard[begin + samples // 2:begin + samples], hertz)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        with self.changed:
            self.ends = True
        self.alarm.send(b"x")
        self.thread.join(LIMIT)
        self.endpoint.close()
        self.sip.close()


