"""One device's UDP port for direct sessions: admits HELLOs, finds the session of a datagram, dials (DIRECT_SESSIONS 5, 6, 9).

It belongs to one thread at a time; `Person` runs it. What happens is told to `on_event(name, session, members)`.
"""

import dataclasses
import heapq
import itertools
import os
import random
import socket
import time

from ds1 import keys
from ds1.keys import ASK, AUTO, Body, Cover, Line, Refused
from ds1.packets import ERROR, ERROR_CODE, HELLO, REQUEST, USERNAME, Stun
from ds1.session import (ACTIVE, ANSWERED, BUSY, DEAD, ELSEWHERE, FRAME, GLARE, IN_RINGING, NOT_EXTENSION, NOT_MEDIA, NOT_MODE, SENT,
                         YIELDING, Callee, Caller)

PCMU = 0  # the one payload type here
HELD, HELD_OCTETS, HELD_TIME = 32, 65536, 0.16


@dataclasses.dataclass
class Offer:
    """A `<direct>` of a peer, as its presence shows it."""
    mode: int
    epoch: bytes
    device: bytes
    candidates: list
    codecs: list  # pairs of payload type and name
    ident: tuple  # key, fingerprint, signature; or ()
    ticket: bytes = b""
    psk: bytes = b""


def open_port(host="127.0.0.1"):
    port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    port.bind((host, 0))
    port.setblocking(False)
    return port


class Endpoint:
    def __init__(self, aor, on_event, host="127.0.0.1"):
        self.aor, self.on_event = aor, on_event
        self.socket = open_port(host)
        self.address = self.socket.getsockname()
        self.device, self.device_public = keys.x25519_pair()
        self.seed = os.urandom(32)  # of the ident
        self.ident = keys.ident_public(self.seed)
        self.signature = keys.sign(self.seed, aor, self.device_public)
        self.mode = 0               # published
        self.epochs = {}            # id -> secret
        self.permits = {}           # AOR -> mode, as winfo tells
        self.blocked = set()
        self.pins = {}              # AOR -> ident keys
        self.verified = set()       # pairs of AOR and device key
        self.seen = {}              # (epoch, enc) -> (MAC, session or None)
        self.hellos = {}            # AOR -> when its last came
        self.errors = []            # when the last 438 and 400 were sent
        self.sessions = []
        self.held = []              # (when, octets, source): media before its HELLO
        self.timers, self.order = [], itertools.count()
        self.next_tick = self.now()
        # Faults that a test sets: what these are true for is not sent, or is not seen.
        self.loses = self.misses = lambda octets, address: False
        self.voice = None           # for sessions that come: makes the samples of a number
        self.robot = False
        self.refusal = None         # a reason that a test has for every HELLO

    now = staticmethod(time.monotonic)

    def tell(self, event, session=None, **members):
        self.on_event(event, session, members)

    def transmit(self, octets, to):
        if not self.loses(octets, to):
            try:
                self.socket.sendto(octets, to)
            except OSError:
                pass  # nobody at the other end: as if it were lost

    def move(self):
        """Goes on at another port, as behind a NAT that forgot its binding."""
        self.socket.close()
        self.socket = open_port(self.address[0])

    # Time

    def after(self, seconds, action):
        if seconds == 0:
            action()
        else:
            heapq.heappush(self.timers, (self.now() + seconds, next(self.order), action))

    def next_deadline(self):
        return min(self.next_tick, self.timers[0][0] if self.timers else self.next_tick)

    def run_due(self):
        now = self.now()
        while self.timers and self.timers[0][0] <= now:
            heapq.heappop(self.timers)[2]()
        while self.next_tick <= now:
            self.next_tick += FRAME / 8000
            for each in self.sessions:
                each.tick()

    # What is published, and who is trusted

    def new_epoch(self):
        """Epoch and secret to publish; the one before stays for 30 s."""
        epoch, secret = os.urandom(4), os.urandom(32)
        for old in self.epochs:
            self.after(30, lambda old=old: self.epochs.pop(old, None))
        self.epochs[epoch] = secret
        return epoch, secret

    def learn(self, aor, device, ident):
        """An identity that a presence shows or a HELLO carries: the first is pinned (13)."""
        if not ident or not keys.is_signed(ident[0], ident[2], aor, device, ident[1]):
            return
        pins = self.pins.setdefault(aor, {ident[0]})
        if ident[0] in pins:
            self.verified.add((aor, device))

    # Dialling

    def dial(self, aor, offer, voice=None, want=AUTO, call=None):
        """`call`: the CALL of the HELLO, random if it is not given."""
        is_verified = (aor, offer.device) in self.verified
        expects_auto = offer.mode == AUTO and want == AUTO and is_verified
        codec = next((pt for pt, name in offer.codecs if name.upper() == "PCMU"), None)
        if not offer.psk or not offer.mode or codec is None:
            raise Refused("no grant, or no codec in common")
        eph, eph_public = keys.x25519_pair()
        body = Body(self.make_tag(), (Line(keys.AUDIO, 1, codec, random.getrandbits(32)),), eph_public, call or os.urandom(8),
                    AUTO if expects_auto else ASK, ident=self.ident + bytes(32) + self.signature)
        hello, context = keys.make_hello(self.device, offer.device, offer.epoch, offer.ticket, offer.psk, body.octets())
        session = Caller(self, aor, offer, body, hello, context, eph, expects_auto)
        session.voice = voice
        self.sessions.append(session)
        session.start()
        return session

    def make_tag(self):
        while True:
            tag = os.urandom(3)
            if not any(each.tag == tag for each in self.sessions):
                return tag

    def on_won(self, leg):
        for each in self.sessions:
            if each is not leg and isinstance(each, Caller) and each.body.call == leg.body.call:
                each.leave(ELSEWHERE)

    # Datagrams (6)

    def receive(self):
        while True:
            try:
                octets, source = self.socket.recvfrom(65535)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error of something sent before
            try:
                if not self.misses(octets, source):
                    self.on_datagram(octets, source)
            except Refused as error:
                self.tell("dropped", why=str(error))

    def on_datagram(self, octets, source):
        if not octets:
            return
        if octets[0] <= 3:
            self.on_stun(Stun.parse(octets), source)
        elif 128 <= octets[0] <= 191 and len(octets) >= 16:
            found = [each for each in self.sessions if each.tag == octets[-4:-1]]
            if not found:
                self.hold(octets, source)
            any(each.on_srtp(octets, source) for each in found)

    def hold(self, octets, source):
        now = self.now()
        self.held = [each for each in self.held if now - each[0] < HELD_TIME]
        if len(self.held) < HELD and sum(len(each[1]) for each in self.held) + len(octets) <= HELD_OCTETS:
            self.held.append((now, octets, source))

    def on_stun(self, message, source):
        if message.kind != REQUEST:
            any(each.on_response(message, source) for each in self.sessions)
        elif (hello := message.get(HELLO)) is not None:
            self.on_hello(hello, message, source)
        elif (name := message.get(USERNAME)) is not None:
            any(each.on_check(message, source) for each in self.sessions if each.tag.hex().encode() == name)

    def hint(self, message, source, code, text):
        """438 or 400, without integrity, at most 20 a second."""
        now = self.now()
        self.errors = [each for each in self.errors if now - each < 1]
        if len(self.errors) < 20:
            self.errors.append(now)
            value = bytes([0, 0, code // 100, code % 100]) + text.encode()
            self.transmit(Stun(ERROR, message.transaction, [(ERROR_CODE, value)]).octets(), source)

    def on_hello(self, octets, message, source):
        cover = Cover.parse(octets)
        if cover.version != 1:
            return self.hint(message, source, 400, "Unknown Version")
        secret = self.epochs.get(cover.epoch)
        if secret is None:
            return self.hint(message, source, 438, "Unknown Epoch")
        if (known := self.seen.get((cover.epoch, cover.enc))) is not None:
            mac, session = known
            if mac != cover.mac:
                raise Refused("the enc of another HELLO")
            if session is None:
                raise Refused("a HELLO that came before")
            return session.hello_again(message.transaction, source, len(message.raw))
        ticket_mode, aor = keys.open_ticket(secret, cover.epoch, cover.ticket)
        if aor in self.blocked or self.permits.get(aor) == 0:
            raise Refused(f"{aor} is blocked")
        psk = keys.psk_of(secret, cover.ticket)
        if not cover.has_good_mac(psk):
            raise Refused("the MAC")
        now = self.now()
        recent = self.hellos[aor] = [each for each in self.hellos.get(aor, []) if now - each < 10]
        if len(recent) >= 5:
            raise Refused(f"too many of {aor}")
        recent.append(now)
        self.seen[cover.epoch, cover.enc] = (cover.mac, None)
        device, context, text = cover.open(self.device, psk)
        body = Body.parse(text)
        session = self.admit(aor, ticket_mode, device, context, body, message, source)
        self.seen[cover.epoch, cover.enc] = (cover.mac, session)
        held, self.held = self.held, []
        for when, packet, origin in held:
            if now - when < HELD_TIME and packet[-4:-1] == body.tag:
                session.on_srtp(packet, origin)

    def admit(self, aor, ticket_mode, device, context, body, message, source):
        if body.ident:
            self.learn_of_caller(aor, device, body.ident)
        is_verified = (aor, device) in self.verified
        session = Callee(self, aor, body, keys.Keys(context), device, is_verified, source, len(message.raw))
        session.voice = self.voice() if self.voice else None
        mode = min(ticket_mode, self.permits.get(aor, ASK), self.mode, body.want, AUTO if is_verified else ASK)
        is_busy = any(each.state in (ANSWERED, ACTIVE) for each in self.sessions) and not self.robot
        self.sessions.append(session)
        transaction = message.transaction
        glare = self.glare(session)
        if self.refusal:
            session.refuse(self.refusal, transaction, source)
        elif body.demands_unknown:
            session.refuse(NOT_EXTENSION, transaction, source)
        elif not any(each.kind == keys.AUDIO and each.pt == PCMU for each in body.media):
            session.refuse(NOT_MEDIA, transaction, source)
        elif mode == 0:
            session.refuse(NOT_MODE, transaction, source)
        elif glare is not None:
            session.refuse(glare, transaction, source)
        elif is_busy and mode == AUTO:
            session.refuse(BUSY, transaction, source)
        elif mode == AUTO or (session.wins_glare and is_verified):
            session.answer_at_once(transaction, source, early=mode == AUTO)
        else:
            session.ring(transaction, source)
        return session

    def learn_of_caller(self, aor, device, ident):
        """A HELLO's ident verifies the device key if it is pinned; it is pinned itself only when the user accepts the call."""
        key, fingerprint, signature = ident[:32], ident[32:64], ident[64:]
        if key in self.pins.get(aor, ()) and keys.is_signed(key, signature, aor, device, fingerprint):
            self.verified.add((aor, device))

    def glare(self, session):
        """Reason to refuse a HELLO of someone whom we are calling (9), or None; our own legs may end."""
        session.wins_glare = False
        legs = [each for each in self.sessions
                if isinstance(each, Caller) and each.peer == session.peer and each.state in (SENT, IN_RINGING, YIELDING)]
        if not legs:
            return None
        ours, theirs = legs[0].body.call, session.body.call
        is_known = any(each.offer.device == session.caller_device for each in legs)
        if is_known and ours < theirs and legs[0].state != YIELDING:
            return GLARE
        for each in legs:
            each.leave(BUSY if is_known and ours == theirs else GLARE)
        if is_known and ours == theirs:
            return BUSY
        session.wins_glare = True
        return None

    def close(self):
        for each in self.sessions:
            if each.state != DEAD:
                each.leave(10)
        self.socket.close()
