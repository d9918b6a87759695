"""Two endpoints of this ds1 talk to each other on loopback, without server and without `beckon`: auto, ask, declined, both at
once, HELLOs and control messages that are lost, a copied HELLO. Run: /usr/bin/python3 tests/support/ds1/alone.py
"""

import os
import pathlib
import select
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from ds1 import keys  # noqa: E402
from ds1.endpoint import Endpoint, Offer, open_port  # noqa: E402
from ds1.packets import HELLO, REQUEST, Stun  # noqa: E402
from ds1.person import share_of_tone, tone  # noqa: E402
from ds1.session import GLARE  # noqa: E402

ALICE, BOB = "sip:alice@example.org", "sip:bob@example.org"
LIMIT = 20


class Pair:
    """alice and bob, who let each other talk at once and know each other's keys."""

    def __init__(self):
        self.events = []
        self.alice, self.bob = (self.make(aor, hertz) for aor, hertz in ((ALICE, 600), (BOB, 440)))
        for one, other in ((self.alice, self.bob), (self.bob, self.alice)):
            one.permits[other.aor] = keys.AUTO
            one.learn(other.aor, other.device_public, (other.ident, bytes(32), other.signature))

    def make(self, aor, hertz):
        end = Endpoint(aor, lambda name, session, members: self.events.append((aor, name, members)))
        end.voice, end.mode = (lambda: tone(hertz)), keys.AUTO
        end.published = end.new_epoch()
        return end

    def call(self, caller, callee, mode=keys.AUTO, call=None):
        epoch, secret = callee.published
        ticket = keys.make_ticket(secret, epoch, mode, caller.aor, os.urandom(12))
        offer = Offer(mode, epoch, callee.device_public, [callee.address], [(0, "PCMU")],
                      (callee.ident, bytes(32), callee.signature), ticket, keys.psk_of(secret, ticket))
        return caller.dial(callee.aor, offer, tone(600 if caller is self.alice else 440), call=call)

    def until(self, holds, what):
        deadline = time.monotonic() + LIMIT
        ends = (self.alice, self.bob)
        while not holds():
            now = time.monotonic()
            if now > deadline:
                raise SystemExit(f"FAILED: waited {LIMIT} s until {what}: {self.events[-8:]}")
            select.select([each.socket for each in ends], [], [], max(0.0, min(each.next_deadline() for each in ends) - now))
            for each in ends:
                each.receive()
                each.run_due()

    def talk(self, session, other):
        """Both are active, and each hears the other's tone."""
        self.until(lambda: session.state == other.state == "active", "both are active")
        for each in (session, other):
            begin = len(each.heard)
            self.until(lambda: len(each.heard) >= begin + 8000, "there is a second of sound")  # noqa: B023
            hertz = 440 if each.endpoint is self.alice else 600
            share = share_of_tone(each.heard[-4000:], hertz)
            check(share > 0.9, f"{each.endpoint.aor} hears {hertz} Hz, share {share:.3f}")

    def hang_up(self, session, other):
        session.leave(10)
        self.until(lambda: other.state == "dead", "the other is told")
        check(other.reason == 10, f"the reason is {other.reason}")


def check(good, what):
    if not good:
        raise SystemExit(f"FAILED: {what}")


def auto():
    """answered at once, the first packets in phase 0, the rest in phase 1"""
    pair = Pair()
    session = pair.call(pair.bob, pair.alice)
    pair.until(lambda: pair.alice.sessions, "the HELLO comes")
    other = pair.alice.sessions[0]
    pair.talk(session, other)
    check(session.frames_out[0] > 0 and other.frames_in[1] > other.frames_in[0], f"phases: {other.frames_in}")
    pair.hang_up(session, other)


def ask():
    """rings, answered; rings, declined; nothing is heard before"""
    pair = Pair()
    for answers in (True, False):
        session = pair.call(pair.bob, pair.alice, keys.ASK)
        pair.until(lambda: session.state == "ringing", "it rings")  # noqa: B023
        other = pair.alice.sessions[-1]
        check(not other.heard and not session.heard, "silence while it rings")
        if answers:
            other.answer()
            pair.talk(session, other)
            pair.hang_up(session, other)
        else:
            other.reject(2)
            pair.until(lambda: session.state == "dead", "bob is told")  # noqa: B023
            check(session.reason == 2, f"the reason is {session.reason}")


def both():
    """of two who call each other the smaller CALL survives, on whichever side"""
    for hers, his in ((bytes(8), b"\xff" * 8), (b"\xff" * 8, bytes(8))):
        pair = Pair()
        legs = {pair.alice: pair.call(pair.alice, pair.bob, call=hers), pair.bob: pair.call(pair.bob, pair.alice, call=his)}
        winner, loser = (pair.alice, pair.bob) if hers < his else (pair.bob, pair.alice)
        pair.until(lambda: legs[loser].state == "dead", "the loser withdraws")  # noqa: B023
        check(legs[loser].reason == GLARE, f"the reason is {legs[loser].reason}")
        pair.until(lambda: any(each.state == "active" for each in loser.sessions), "the survivor is there")  # noqa: B023
        survivor = next(each for each in loser.sessions if each.state == "active")
        pair.talk(legs[winner], survivor)


def losses():
    """two HELLOs and three control messages of each side are lost, so media is there before its HELLO"""
    pair = Pair()
    left = {"hello": 2, "control": 3}

    def loses(octets, _):
        kind = "hello" if octets[0] == 0 and octets[20:22] == b"\xcb\x01" else \
            "control" if octets[0] >= 128 and 192 <= octets[1] <= 223 else None
        if kind:
            left[kind] -= 1
        return kind is not None and left[kind] >= 0

    pair.alice.loses = pair.bob.loses = loses
    session = pair.call(pair.bob, pair.alice)
    pair.until(lambda: pair.alice.sessions, "the HELLO comes")
    other = pair.alice.sessions[0]
    pair.talk(session, other)
    check(sum(other.frames_in.values()) >= sum(session.frames_out.values()) - 2, "no packet was lost for good")


def copied():
    """a HELLO that a third address repeats gets the answer there, and little else, while the voices go on"""
    pair, thief = Pair(), open_port()
    session = pair.call(pair.bob, pair.alice)
    pair.until(lambda: session.state == "active", "it is active")
    copy = Stun(REQUEST, os.urandom(12), [(HELLO, session.hello)]).octets()
    thief.sendto(copy, pair.alice.address)
    other = pair.alice.sessions[0]
    pair.talk(session, other)
    got = 0
    while select.select([thief], [], [], 0)[0]:
        got += len(thief.recv(65535))
    check(0 < got <= 3 * len(copy), f"{got} octets for {len(copy)}")
    pair.hang_up(session, other)
    thief.sendto(copy, pair.alice.address)
    session = pair.call(pair.bob, pair.alice)  # what comes after the copy: when it is there, the copy was judged
    pair.until(lambda: session.state == "active", "the next call is active")
    check(len(pair.alice.sessions) == 2, "the copy makes no session")


if __name__ == "__main__":
    for story in (auto, ask, both, losses, copied):
        print(f"{story.__name__}: {story.__doc__}", flush=True)
        story()
    print("5 passed, 0 failed")
