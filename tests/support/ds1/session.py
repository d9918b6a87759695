"""One direct session, from either side: SRTP in two phases, control messages, checks, and the machines of caller and callee
(DIRECT_SESSIONS 4 to 8). It asks its endpoint for time, timers and the socket.
"""

import os
import random
import struct

from ds1 import keys
from ds1.keys import Refused
from ds1.packets import (ACK, ANSWER, APP, BYE, HELLO, MAPPED, REJECT, REQUEST, RINGING, RR, SR, STATE, SUCCESS, USERNAME, Crypt,
                         Stun, app, bye, compound, decode_pcmu, encode_pcmu, mapped, parts, rtp)

SENT, IN_RINGING, ANSWERED, ACTIVE, YIELDING, DEAD = "sent", "ringing", "answered", "active", "yielding", "dead"
BUSY, DECLINED, NO_ANSWER, NOT_MEDIA, NOT_EXTENSION, GLARE, ELSEWHERE, NOT_MODE, OVERLOAD, NORMAL, LOST, REVOKED = range(1, 13)
HELLO_TIMES = (0, 0.02, 0.06, 0.14, 0.3, 0.62, 1.26)  # seconds
CONTROL_TIMES = (0, 0.1, 0.2, 0.4, 0.8, 1.6)
BYE_TIMES = (0, 0.1, 0.3)
FRAME = 160  # samples of PCMU in 20 ms


class Session:
    """What both sides share. `ways`: the direction of what it sends, and of what it gets."""

    def __init__(self, endpoint, peer, body, own, ways):
        self.endpoint, self.peer, self.body, self.own_keys = endpoint, peer, body, own
        self.out_way, self.in_way = ways
        self.tag, self.state, self.reason = body.tag, SENT, None
        self.out, self.into = {}, {}
        self.open_phase(0, own.phase0)
        self.phase = 0         # of what is sent
        self.ssrc, self.peer_ssrcs = None, []
        self.sequence, self.timestamp = random.randrange(1 << 15), random.getrandbits(32)
        self.number = 0        # of the last control message
        self.pending = None    # the number that waits for its ACK
        self.bye_sent = False
        self.checks = {}       # transaction -> address
        self.validated = None  # where the peer answers
        self.sources = []      # where it sent from before that
        self.received, self.sent_to = {}, {}  # octets of each address
        self.consent = None
        self.heard = []        # samples
        self.voice = None      # samples for 20 ms, made when they are due
        self.frames_in, self.frames_out = {0: 0, 1: 0}, {0: 0, 1: 0}
        self.cname = os.urandom(12).hex()

    # To the endpoint

    def tell(self, event, **members):
        self.endpoint.tell(event, session=self, **members)

    def after(self, seconds, action):
        self.endpoint.after(seconds, lambda: None if self.state == DEAD else action())

    def transmit(self, octets, to):
        if self.is_guarded() and to != self.validated:
            if self.sent_to.get(to, 0) + len(octets) > 3 * self.received.get(to, 0):
                return False
        self.sent_to[to] = self.sent_to.get(to, 0) + len(octets)
        self.endpoint.transmit(octets, to)
        return True

    def is_guarded(self):
        return False

    def control_targets(self):
        return [self.validated] if self.validated else self.sources[:4]

    def media_target(self):
        return self.validated or (self.sources[0] if self.sources else None)

    # SRTP

    def open_phase(self, number, masters):
        mki = self.tag + bytes([number])
        self.out[number] = Crypt(masters[self.out_way], mki)
        self.into[number] = Crypt(masters[self.in_way], mki)

    def on_srtp(self, octets, source):
        """True if it authenticates, so it is this session's."""
        phase = octets[-1]
        if phase not in self.into:
            return False
        is_rtcp = 192 <= octets[1] <= 223
        ssrc = struct.unpack(">I", octets[4:8] if is_rtcp else octets[8:12])[0]
        if not self.is_source(ssrc):
            return False
        try:
            text = self.into[phase].open_rtcp(octets) if is_rtcp else self.into[phase].open(octets)
        except Refused:
            return False
        if ssrc not in self.peer_ssrcs:
            self.peer_ssrcs.append(ssrc)
        self.received[source] = self.received.get(source, 0) + len(octets)
        if phase == 1:
            self.on_phase1(source)
        if is_rtcp:
            self.on_rtcp(text)
        else:
            self.on_rtp(text, source, phase)
        return True

    def is_source(self, ssrc):
        return ssrc in self.peer_ssrcs

    def on_phase1(self, source):
        pass

    def on_rtp(self, packet, source, phase):
        if self.state in (ANSWERED, ACTIVE) or (self.state == SENT and phase == 0):
            if packet[1] & 127 == self.body.media[0].pt:
                self.frames_in[phase] += 1
                if not self.heard:
                    self.tell("media")
                self.heard += decode_pcmu(packet[12:])
        if self.state != DEAD and self.validated and source != self.validated:
            self.send_check(source)  # it may have moved

    def on_rtcp(self, packet):
        for kind, count, body in parts(packet):
            if kind == BYE:
                end = 4 * count
                text = body[end + 1:end + 1 + body[end]] if len(body) > end else b""
                if not self.bye_sent:
                    self.send_bye(NORMAL)
                if self.state != DEAD:
                    self.on_bye(int(text) if text.isdigit() else NORMAL)
            elif kind == APP and body[4:8] == b"BKDS" and len(body) >= 12:
                self.on_control(count, body[8], body[9], body[12:])
            elif kind in (SR, RR):
                self.tell("report")

    # Media

    def may_send(self):
        return False

    def tick(self):
        """Every 20 ms."""
        to = self.media_target()
        self.timestamp += FRAME
        if not self.voice or not self.may_send() or not to:
            return
        packet = rtp(self.body.media[0].pt, self.sequence, self.timestamp, self.ssrc, encode_pcmu(self.voice(FRAME)))
        if self.transmit(self.out[self.phase].protect(packet), to):
            self.frames_out[self.phase] += 1
        self.sequence += 1

    # Control messages

    def send_rtcp(self, last):
        packet = self.out[self.phase].protect_rtcp(compound(self.ssrc, self.cname, last))
        for to in self.control_targets():
            self.transmit(packet, to)

    def send_reliably(self, subtype, reason=0, more=b""):
        self.number += 1
        self.pending = number = self.number

        def repeat():
            if self.pending == number:
                self.send_rtcp(app(self.ssrc, subtype, number, reason, more))
        repeat()
        for each in CONTROL_TIMES[1:]:
            self.endpoint.after(each, repeat)  # a REJECT is repeated after the end, too

    def acknowledge(self, number):
        self.send_rtcp(app(self.ssrc, ACK, number))

    # Checks and consent

    def start_checks(self, at_once):
        self.consent = self.endpoint.now()
        if at_once:
            self.check_all()
        else:
            self.after(random.uniform(4, 6), self.check_all)
        self.watch_consent()

    def check_all(self):
        for to in self.control_targets():
            self.send_check(to)
        self.after(random.uniform(4, 6), self.check_all)

    def send_check(self, to):
        transaction = os.urandom(12)
        self.checks[transaction] = to
        request = Stun(REQUEST, transaction, [(USERNAME, self.tag.hex().encode())])
        self.transmit(request.octets(self.own_keys.stun[self.out_way]), to)

    def on_check(self, request, source):
        """True if it is this session's."""
        if not request.has_integrity(self.own_keys.stun[self.in_way]):
            return False
        self.received[source] = self.received.get(source, 0) + len(request.raw)
        if self.state != DEAD:
            answer = Stun(SUCCESS, request.transaction, [(MAPPED, mapped(source, request.transaction))])
            self.endpoint.transmit(answer.octets(self.own_keys.stun[self.in_way]), source)
            self.on_peer_check()
        return True

    def on_peer_check(self):
        pass

    def on_check_response(self, response):
        to = self.checks.get(response.transaction)
        if to is None:
            return False
        if response.kind == SUCCESS and response.has_integrity(self.own_keys.stun[self.out_way]):
            del self.checks[response.transaction]
            if self.validated != to:
                self.tell("path", address=to)
            self.validated = to
            self.consent = self.endpoint.now()
        return True

    def watch_consent(self):
        if self.endpoint.now() - self.consent >= 30:
            self.leave(LOST)
        else:
            self.after(1, self.watch_consent)

    # The end

    def send_bye(self, reason):
        self.bye_sent = True
        self.send_rtcp(bye([self.ssrc], reason))

    def leave(self, reason):
        if self.state == DEAD:
            return
        for each in BYE_TIMES:
            self.endpoint.after(each, lambda: self.send_bye(reason))
        self.bye_sent = True
        self.end(reason)

    def end(self, reason, by_peer=False):
        if self.state == DEAD:
            return
        self.state, self.reason = DEAD, reason
        self.tell("ended", reason=reason, by_peer=by_peer)

    def on_bye(self, reason):
        self.end(reason, by_peer=True)


class Caller(Session):
    """DIRECT_SESSIONS 8, caller. `offer`: the callee's device, as its presence shows it."""

    def __init__(self, endpoint, peer, offer, body, hello, context, eph, expects_auto):
        super().__init__(endpoint, peer, body, keys.Keys(context), (b"c2s", b"s2c"))
        self.offer, self.hello, self.eph, self.expects_auto = offer, hello, eph, expects_auto
        self.ssrc = body.media[0].ssrc
        self.legs = {os.urandom(12): address for address in offer.candidates[:4]}
        self.sources = list(self.legs.values())[:1]
        self.is_quiet = False
        self.reached = False
        self.late = False

    def start(self):
        for each in HELLO_TIMES:
            self.after(each, self.send_hellos)
        self.tick()  # media goes with the HELLO
        self.after(0.5, self.be_quiet)
        self.after(2, lambda: None if self.reached else self.end(LOST))

    def send_hellos(self):
        if not self.reached:
            for transaction, to in self.legs.items():
                self.endpoint.transmit(Stun(REQUEST, transaction, [(HELLO, self.hello)]).octets(), to)

    def be_quiet(self):
        self.is_quiet = self.is_quiet or not self.reached

    def is_source(self, ssrc):
        """The callee's SSRC is learned from its first packet."""
        return ssrc in self.peer_ssrcs or (not self.peer_ssrcs and ssrc != self.ssrc)

    def may_send(self):
        if self.state == SENT:
            return self.expects_auto and not self.is_quiet
        return self.state in (ANSWERED, ACTIVE)

    def control_targets(self):
        return [self.validated] if self.validated else list(self.legs.values())

    def on_response(self, response, source):
        if response.transaction not in self.legs:
            return self.on_check_response(response)
        if response.kind != SUCCESS:
            self.tell("hint", code=response.get(0x0009))  # 438, 400: a hint only
            return True
        state = response.get(STATE)
        if not response.has_integrity(self.own_keys.stun[b"c2s"]) or not state or len(state) < 4:
            self.tell("ignored")
            return True
        if self.state == DEAD:
            self.on_late()
            return True
        self.on_reached(self.legs[response.transaction])
        if self.state == SENT:
            if state[0] == 1:
                self.ring()
            elif state[0] == 2:
                self.state = ANSWERED
                self.tell("answered")
                self.after(3, lambda: self.leave(LOST) if self.state == ANSWERED else None)
            elif state[0] == 3:
                self.on_refused(state[1])
        return True

    def on_refused(self, reason):
        """Refused for glare it waits for the peer's HELLO, in whose favour the endpoint ends it (9)."""
        if reason != GLARE:
            self.end(reason, by_peer=True)
        elif self.state != YIELDING:
            self.state = YIELDING
            self.tell("yielding")
            self.after(2, lambda: self.end(GLARE, by_peer=True))

    def on_reached(self, address):
        if not self.reached:
            self.reached, self.is_quiet, self.validated = True, False, address
            self.start_checks(at_once=False)

    def ring(self):
        if self.state != IN_RINGING:
            self.state = IN_RINGING
            self.tell("ringing")
            self.after(65, lambda: self.leave(NO_ANSWER) if self.state == IN_RINGING else None)

    def on_control(self, subtype, number, reason, more):
        if subtype == ACK:
            if self.pending == number:
                self.pending = None
            return
        if self.state == DEAD:
            self.on_late()
            return
        if subtype == ANSWER and self.state not in (ACTIVE, YIELDING):
            if len(more) != 32:
                return
            se = keys.x25519(self.endpoint.device, more)
            self.open_phase(1, self.own_keys.phase1(keys.x25519(self.eph, more), se, self.body.eph, more))
            self.phase = 1
            if self.state != ANSWERED:
                self.tell("answered")
            self.state = ACTIVE
            self.acknowledge(number)
            self.start_checks(at_once=True)
            self.endpoint.on_won(self)
            self.tell("active")
            return
        self.acknowledge(number)
        if self.state in (SENT, IN_RINGING, ANSWERED):
            if subtype == RINGING:
                self.ring()
            elif subtype == REJECT:
                self.on_refused(reason)

    def on_late(self):
        if not self.late and not self.bye_sent:
            self.late = True
            self.send_bye(ELSEWHERE)


class Callee(Session):
    """DIRECT_SESSIONS 8, callee; `source`: where the first copy of the HELLO came from."""

    def __init__(self, endpoint, peer, body, own, caller_device, verified, source, octets):
        super().__init__(endpoint, peer, body, own, (b"s2c", b"c2s"))
        self.caller_device, self.verified = caller_device, verified
        self.peer_ssrcs = [each.ssrc for each in body.media]
        self.ssrc = random.getrandbits(32)
        self.sources, self.received = [source], {source: octets}
        self.said = None          # state and reason of the response
        self.early = False        # media in phase 0: never of a session that rang (7)
        self.responses = []       # when the last were sent
        self.last_check = None

    def is_guarded(self):
        return True

    def may_send(self):
        return self.state == ACTIVE or (self.early and self.state == ANSWERED)

    def respond(self, transaction, to):
        now = self.endpoint.now()
        self.responses = [each for each in self.responses if now - each < 1]
        if len(self.responses) < 10:
            self.responses.append(now)
            answer = Stun(SUCCESS, transaction, [(MAPPED, mapped(to, transaction)), (STATE, bytes([*self.said, 0, 0]))])
            self.transmit(answer.octets(self.own_keys.stun[b"c2s"]), to)

    def refuse(self, reason, transaction, source):
        self.said = (3, reason)
        self.respond(transaction, source)
        self.state, self.reason = DEAD, reason
        self.tell("refused", reason=reason)

    def ring(self, transaction, source):
        self.said, self.state = (1, 0), IN_RINGING
        self.respond(transaction, source)
        self.send_reliably(RINGING)
        self.last_check = self.endpoint.now()
        self.after(60, lambda: self.reject(NO_ANSWER) if self.state == IN_RINGING else None)
        self.watch_caller()
        self.tell("incoming", mode="ask")

    def watch_caller(self):
        if self.state == IN_RINGING and self.endpoint.now() - self.last_check >= 15:
            self.end(LOST)
        elif self.state == IN_RINGING:
            self.after(1, self.watch_caller)

    def on_peer_check(self):
        self.last_check = self.endpoint.now()

    def answer_at_once(self, transaction, source, early):
        self.said, self.early = (2, 0), early
        self.respond(transaction, source)
        self.tell("incoming", mode="auto")
        self.answer()

    def answer(self):
        secret, public = keys.x25519_pair()
        ee, se = keys.x25519(secret, self.body.eph), keys.x25519(secret, self.caller_device)
        self.open_phase(1, self.own_keys.phase1(ee, se, self.body.eph, public))
        self.said, self.state = (2, 0), ANSWERED
        self.send_reliably(ANSWER, more=public)
        self.start_checks(at_once=True)
        self.after(3, lambda: self.leave(LOST) if self.state == ANSWERED else None)

    def reject(self, reason):
        if self.state == IN_RINGING:
            self.said = (3, reason)
            self.send_reliably(REJECT, reason)
            self.end(reason)

    def hello_again(self, transaction, source, octets):
        if self.state == DEAD and (not self.said or self.said[0] != 3):
            return
        self.received[source] = self.received.get(source, 0) + octets
        if source not in self.sources:
            self.sources.append(source)
        self.respond(transaction, source)

    def media_target(self):
        return self.validated or self.sources[0]

    def on_response(self, response, source):
        return self.on_check_response(response)

    def on_control(self, subtype, number, reason, more):
        if subtype == ACK and self.pending == number:
            self.pending = None

    def on_phase1(self, source):
        if self.state == ANSWERED:
            self.state, self.phase, self.validated = ACTIVE, 1, source
            self.send_check(source)
            self.tell("active")
