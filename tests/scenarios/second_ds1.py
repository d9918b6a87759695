"""Direct sessions between `beckon`, as alice, and a second implementation of the specification, as bob (tests/support/ds1): they
talk in every mode, and what must be refused is refused (DIRECT_SESSIONS 14).
"""

import math
import os
import random
import select
import signal
import struct
import tempfile
import wave

from story import ALICE, BOB, LIMIT, Agent, check, equal, run, until  # first: it finds tests/support
from xcap import RULES, Curl
from ds1.endpoint import open_port
from ds1.keys import ASK, AUTO
from ds1.packets import ERROR, ERROR_CODE, HELLO, REQUEST, STATE, SUCCESS, Stun
from ds1.person import Person, share_of_tone

ALICE_AOR, BOB_AOR = f"sip:{ALICE[0]}", f"sip:{BOB[0]}"
ALICE_HERTZ, BOB_HERTZ = 600, 440
GOOD = 0.8  # share of the tone that was sent


def rules(direct):
    return ('<cr:ruleset xmlns="urn:ietf:params:xml:ns:pres-rules" xmlns:cr="urn:ietf:params:xml:ns:common-policy" '
            f'xmlns:d="urn:beckon:params:xml:ns:direct:1"><cr:rule id="a"><cr:conditions><cr:identity><cr:one id="{ALICE_AOR}"/>'
            "</cr:identity></cr:conditions><cr:actions><sub-handling>allow</sub-handling></cr:actions><cr:transformations>"
            "<provide-services><all-services/></provide-services><provide-persons><all-persons/></provide-persons>"
            f"<provide-all-attributes/><d:provide-direct>{direct}</d:provide-direct></cr:transformations></cr:rule></cr:ruleset>")


def has_grant(event, mode):
    return any(each.get("direct", {}).get("granted") and each["direct"]["mode"] == mode for each in event["tuples"])


def permits_bob(event, mode):
    return any(each["aor"] == BOB_AOR and each["mode"] == mode for each in event["permits"])


class Pair:
    """alice and bob, each of whom may call the other in these modes; alice plays her tone and records what she hears."""

    def __init__(self, server, alice_mode="auto", bob_mode="auto"):
        self.folder = tempfile.TemporaryDirectory()
        self.heard = os.path.join(self.folder.name, "heard.wav")
        self.alice = Agent(server, *ALICE)
        self.bob = Person(server, *BOB, hertz=BOB_HERTZ)
        self.server, self.alice_mode, self.bob_mode = server, alice_mode, bob_mode

    def __enter__(self):
        alice, bob = self.alice.__enter__(), self.bob.__enter__()
        check(Curl(self.server, BOB).put("pres-rules/index", rules(self.bob_mode), RULES).status in (200, 201), "bob's rules are taken")
        alice.run("register")
        alice.run("subscribe", to=alice.aor, package="presence.winfo")
        alice.run("allow", watcher=BOB_AOR, direct=self.alice_mode)
        alice.run("publish", basic="open", direct="auto")
        bob.sign_on("auto")
        bob.watch(ALICE_AOR)
        alice.run("subscribe", to=BOB_AOR)
        alice.wait("presence", of=BOB_AOR, where=lambda e: has_grant(e, self.bob_mode))
        alice.wait("watchers", where=lambda e: permits_bob(e, self.alice_mode))
        bob.offer_of(ALICE_AOR, {"ask": ASK, "auto": AUTO}[self.alice_mode])
        bob.until(lambda: bob.endpoint.permits.get(ALICE_AOR), "alice's permit")
        voice = os.path.join(self.folder.name, "voice.wav")
        with wave.open(voice, "wb") as file:
            file.setparams((1, 2, 48000, 0, "NONE", ""))
            file.writeframes(b"".join(struct.pack("<h", round(8000 * math.sin(2 * math.pi * ALICE_HERTZ * i / 48000)))
                                      for i in range(48000)) * 20)
        alice.run("media", play=voice, record=self.heard)
        alice.forget()
        return self

    def __exit__(self, *_):
        self.alice.__exit__()
        self.bob.__exit__()
        self.folder.cleanup()

    def both_hear(self, session, call):
        """Each hears the other's tone; then alice ends the call, and bob is told."""
        share = self.bob.hears(session, ALICE_HERTZ)
        check(share > GOOD, f"alice's tone at bob: {share:.3f}")

        def received():
            self.alice.run("statistics", call=call)
            return self.alice.wait("call-statistics", call=call)["received"]
        until(lambda: received() >= 80, "alice has got 80 frames")
        self.alice.run("hangup", call=call)
        self.alice.wait("call", call=call, state="ended")
        equal(self.bob.wait("ended", session)["reason"], 10, "the reason at bob")
        figures = self.alice.wait("call-statistics", call=call)
        with wave.open(self.heard, "rb") as file:
            rate, step = file.getframerate(), file.getnchannels()
            octets = file.readframes(file.getnframes())
        samples = struct.unpack(f"<{len(octets) // 2}h", octets)[::step]
        check(len(samples) > rate, f"alice recorded {len(samples)} samples")
        share = share_of_tone(samples[rate // 2:rate], BOB_HERTZ, rate)
        check(share > GOOD, f"bob's tone at alice: {share:.3f}")
        return figures

    def answers(self):
        """alice's session that is answered by itself."""
        return self.alice.wait("call", direction="in", state="answered")["call"]


def calls_auto(server):
    """bob calls alice: no INVITE, she answers at once, each hears the other, and all of it is in phase 1 soon"""
    with Pair(server) as pair:
        session = pair.bob.call(ALICE_AOR)
        call = pair.answers()
        pair.alice.wait("call", call=call, state="active", verified=True)
        pair.bob.wait("active", session)
        pair.both_hear(session, call)
        check(session.frames_out[0] > 0, "bob's first packets go with the HELLO, in phase 0")
        check(session.frames_in[1] > session.frames_in[0], f"phase 1 carries alice's voice: {session.frames_in}")
        states = [each["state"] for each in pair.alice.events if each["event"] == "call" and each["call"] == call]
        equal(states, ["answered", "active", "ended"], "what alice is told, each once")


def is_called_auto(server):
    """alice calls bob, who answers at once; each hears the other"""
    with Pair(server) as pair:
        call = pair.alice.run("call", to=BOB_AOR, by="direct")["call"]
        session = pair.bob.wait("incoming")["session"]
        check(session.verified, "bob knows alice's key from her presence")
        pair.alice.wait("call", call=call, state="active")
        pair.bob.wait("active", session)
        pair.both_hear(session, call)
        check(session.frames_in[0] > 0, "alice's first packets came in phase 0")


def calls_ask(server):
    """bob may only ring: alice answers, they hear each other, and no microphone was open before; then she declines"""
    with Pair(server, alice_mode="ask") as pair:
        session = pair.bob.call(ALICE_AOR)
        pair.bob.wait("ringing", session)
        call = pair.alice.wait("call", direction="in", state="ringing")["call"]
        pair.alice.run("answer", call=call)
        pair.bob.wait("active", session)
        pair.both_hear(session, call)
        equal((session.frames_out[0], session.frames_in[0]), (0, 0), "frames in phase 0, out and in")
        session = pair.bob.call(ALICE_AOR)
        call = pair.alice.wait("call", direction="in", state="ringing")["call"]
        pair.alice.run("reject", call=call)
        equal(pair.bob.wait("ended", session)["reason"], 2, "declined, at bob")


def dial_again(alice, **arguments):
    """Attempts to one user start 2 s apart (5); what comes earlier is refused."""
    results = []

    def is_dialled():
        results.append(alice.run("call", ok=None, to=BOB_AOR, **({"by": "direct"} | arguments)))
        return results[-1]["ok"]
    until(is_dialled, "alice may dial again")
    return results[-1]["call"]


def is_called_ask(server):
    """alice may only ring at bob: he answers, they hear each other; then he declines"""
    with Pair(server, bob_mode="ask") as pair:
        call = pair.alice.run("call", to=BOB_AOR, by="direct")["call"]
        session = pair.bob.wait("incoming")["session"]
        pair.alice.wait("call", call=call, state="ringing")
        pair.bob.answer(session)
        pair.alice.wait("call", call=call, state="active")
        pair.both_hear(session, call)
        equal((session.frames_out[0], session.frames_in[0]), (0, 0), "frames in phase 0, out and in")
        call = dial_again(pair.alice)
        pair.bob.reject(pair.bob.wait("incoming")["session"])
        equal(pair.alice.wait("call", call=call, state="ended")["reason"], "declined", "the reason at alice")


def other_device(server):
    """a device of bob's with a key that alice does not know rings, though he may talk at once"""
    with Pair(server) as pair, Person(server, *BOB) as other:
        other.sign_on("auto")
        other.watch(ALICE_AOR)
        other.offer_of(ALICE_AOR, AUTO)
        session = other.call(ALICE_AOR)
        event = pair.alice.wait("call", direction="in")
        equal((event["state"], event["verified"]), ("ringing", False), "alice's session")
        other.wait("ringing", session)
        other.until(lambda: session.state == "ringing", "ringing")
        equal(session.heard, [], "what bob's other device hears")
        other.hang_up(session)
        pair.alice.wait("call", state="ended")


def glare(server):
    """alice and bob call each other: the attempt with the smaller CALL becomes the one call, with the number she knows"""
    for call, survivor in ((bytes(7) + b"\1", "bob's"), (b"\xff" * 8, "alice's")):
        with Pair(server) as pair:
            is_dialled = False
            pair.bob.endpoint.misses = lambda octets, _: is_hello(octets) and not is_dialled  # noqa: B023
            number = pair.alice.run("call", to=BOB_AOR, by="direct")["call"]
            session = pair.bob.call(ALICE_AOR, call)
            is_dialled = True
            pair.alice.wait("call", call=number, state="active")
            survived = session if survivor == "bob's" else pair.bob.wait("incoming")["session"]
            pair.bob.until(lambda: survived.state == "active", f"{survivor} session is active")  # noqa: B023
            pair.both_hear(survived, number)
            states = [(each["call"], each["state"]) for each in pair.alice.events if each["event"] == "call"]
            equal(states, [(number, each) for each in ("dialing", "answered", "active", "ended")], f"alice's calls, {survivor} survives")


def robot(server):
    """alice takes three sessions at a time, as she published; the fourth caller is told that she is busy"""
    with Pair(server) as pair:
        pair.alice.run("publish", basic="open", direct="auto", sessions=3)
        pair.alice.wait("publication", state="published")
        sessions = [pair.bob.call(ALICE_AOR) for _ in range(3)]
        for each in sessions:
            pair.bob.until(lambda: each.state == "active", "a session is active")  # noqa: B023
        equal(pair.bob.wait("ended", pair.bob.call(ALICE_AOR))["reason"], 1, "the fourth")
        for each in sessions:
            share = pair.bob.hears(each, ALICE_HERTZ)
            check(share > GOOD, f"alice's tone: {share:.3f}")
            pair.bob.hang_up(each)


def is_hello(octets):
    return octets[0] == 0 and octets[20:22] == struct.pack(">H", HELLO)


def losses(server):
    """two copies of the HELLO are lost, so media comes before it; then the ANSWERs of each side: the talk is whole all the same"""
    with Pair(server) as pair:
        left = 2

        def loses_hello(octets, _):
            nonlocal left
            left -= is_hello(octets)
            return is_hello(octets) and left >= 0

        pair.bob.endpoint.loses = loses_hello
        session = pair.bob.call(ALICE_AOR)
        call = pair.answers()
        pair.bob.wait("active", session)
        figures = pair.both_hear(session, call)
        check(left < 0, "copies were lost")
        equal(figures["lost"], 0, "packets that alice misses")

        answers = 3

        def misses_control(octets, _):
            nonlocal answers
            is_control = 192 <= octets[1] <= 223 and octets[0] >= 128
            answers -= is_control
            return is_control and answers >= 0

        pair.bob.endpoint.loses = lambda octets, to: False
        pair.bob.endpoint.misses = misses_control
        session = pair.bob.call(ALICE_AOR)
        call = pair.answers()
        pair.bob.wait("active", session)
        pair.both_hear(session, call)
        check(answers < 0, "ANSWERs were lost")


def moves(server):
    """bob's address changes in the middle of a call: alice checks the new one and follows"""
    with Pair(server) as pair:
        session = pair.bob.call(ALICE_AOR)
        call = pair.answers()
        pair.bob.wait("active", session)
        pair.bob.hears(session, ALICE_HERTZ)
        pair.bob.move()
        pair.both_hear(session, call)


def crash(server):
    """the server is killed in mid-call, which goes on; it comes back, both publish again, and bob calls with a new grant"""
    with Pair(server) as pair:
        before = pair.bob.offer_of(ALICE_AOR)
        session = pair.bob.call(ALICE_AOR)
        call = pair.answers()
        pair.bob.wait("active", session)
        server.stop(signal.SIGKILL)
        share = pair.bob.hears(session, ALICE_HERTZ)
        check(share > GOOD, f"alice's tone at bob without a server: {share:.3f}")
        server.start()
        pair.both_hear(session, call)
        pair.bob.sign_on_again("auto")
        pair.bob.watch(ALICE_AOR)
        check(pair.bob.offer_of(ALICE_AOR, AUTO).ticket != before.ticket, "the grant is a new one")
        pair.alice.wait("presence", of=BOB_AOR, where=lambda e: has_grant(e, "auto"))
        again = pair.bob.call(ALICE_AOR)
        call = pair.alice.wait("call", direction="in", where=lambda e: e["call"] != call)["call"]
        pair.bob.wait("active", again)
        pair.both_hear(again, call)


def refused(server):
    """bob refuses, for each reason of the specification: alice is told why, and by which cause"""
    rows = ((1, "busy", "unavailable"), (2, "declined", "refused"), (4, "media-not-supported", "no-direct"),
            (8, "mode-not-allowed", "refused"), (9, "overload", "unavailable"))
    with Pair(server) as pair:
        for number, word, cause in rows:
            pair.bob.endpoint.refusal = number
            call = dial_again(pair.alice)
            ended = pair.alice.wait("call", call=call, state="ended")
            equal((ended["reason_code"], ended["reason"].replace(" ", "-"), ended["cause"]), (number, word, cause), f"reason {number}")
        pair.bob.endpoint.refusal = None
        pair.alice.wait("call", call=dial_again(pair.alice), state="active")


def lied_to(server):
    """answers to alice's HELLO that anybody may forge, 438 and one with a wrong key, come first: the true one counts"""
    with Pair(server) as pair:
        lies = 0

        def lie(octets, source):
            nonlocal lies
            if is_hello(octets):
                lies += 1
                transaction = Stun.parse(octets).transaction
                error = Stun(ERROR, transaction, [(ERROR_CODE, bytes([0, 0, 4, 38]))])
                rejected = Stun(SUCCESS, transaction, [(STATE, bytes([3, 2, 0, 0]))])
                pair.bob.endpoint.transmit(error.octets(), source)
                pair.bob.endpoint.transmit(rejected.octets(bytes(32)), source)
            return False

        pair.bob.endpoint.misses = lie
        call = pair.alice.run("call", to=BOB_AOR, by="direct")["call"]
        pair.alice.wait("call", call=call, state="active")
        check(lies > 0, "lies were told")
        pair.both_hear(pair.bob.endpoint.sessions[-1], call)


def hostile_candidates(server):
    """addresses that alice must send nothing to, whoever publishes them, are no way to call"""
    with Pair(server) as pair:
        pair.bob.publish("auto", candidates=[("169.254.1.1", 40000), ("224.0.0.1", 40000), ("0.0.0.0", 40000),
                                             ("255.255.255.255", 40000), ("240.0.0.1", 40000), ("127.0.0.1", 80)])
        pair.alice.wait("presence", of=BOB_AOR, where=lambda e: "169.254.1.1" in str(e))
        equal(pair.alice.run("call", ok=False, to=BOB_AOR, by="direct")["cause"], "no-direct", "the cause")


def lowered(server):
    """alice lets bob only ring from now on: the grant that he still has for more rings, too; he cancels"""
    with Pair(server) as pair:
        offer = pair.bob.offer_of(ALICE_AOR, AUTO)
        pair.alice.run("allow", watcher=BOB_AOR, direct="ask")
        pair.alice.wait("watchers", where=lambda e: permits_bob(e, "ask"))
        with pair.bob.changed:
            session = pair.bob.endpoint.dial(ALICE_AOR, offer)
        call = pair.alice.wait("call", direction="in", state="ringing")["call"]
        pair.bob.wait("ringing", session)
        pair.bob.hang_up(session)
        equal(pair.alice.wait("call", call=call, state="ended")["reason_code"], 10, "the reason at alice")


def cancelled(server):
    """alice hangs up while it rings at bob, who is told at once"""
    with Pair(server, bob_mode="ask") as pair:
        call = pair.alice.run("call", to=BOB_AOR, by="direct")["call"]
        session = pair.bob.wait("incoming")["session"]
        pair.alice.wait("call", call=call, state="ringing")
        pair.alice.run("hangup", call=call)
        equal(pair.bob.wait("ended", session)["reason"], 10, "the reason at bob")


def fallback(server):
    """bob's device that offers direct sessions is deaf: an INVITE follows, which his other device takes, and the event of her call says why"""
    with Pair(server) as pair, Agent(server, *BOB) as phone:
        alice, bob = pair.alice, pair.bob
        phone.run("register")
        bob.endpoint.misses = lambda octets, _: True
        states = lambda call: [(each["state"], each["kind"]) for each in alice.events  # noqa: E731
                               if each["event"] == "call" and each["call"] == call]

        call = alice.run("call", to=BOB_AOR, by="direct")["call"]
        equal(alice.wait("call", call=call, state="ended")["cause"], "unreachable", "who asks for a direct session gets no other")
        call = dial_again(alice, by="best")
        check("--unproven" in alice.wait("warning")["text"], "alice knows bob's identity: she is asked before an INVITE stands in")
        alice.wait("call", call=call, state="ended")
        equal({kind for _, kind in states(call)}, {"direct"}, "no INVITE stood in")
        equal(phone.last("call"), None, "calls at bob's phone")

        call = dial_again(alice, by="best", unproven=True)
        event = alice.wait("call", call=call, kind="invite")
        check("400 ms" in event["why_not_direct"], f"why: {event}")
        incoming = phone.wait("call", direction="in", state="ringing", kind="invite")["call"]
        alice.wait("call", call=call, state="ringing")
        phone.run("answer", call=incoming)
        alice.wait("call", call=call, state="active", kind="invite", secured=True)
        phone.wait("call", call=incoming, state="active")
        alice.run("hangup", call=call)
        phone.wait("call", call=incoming, state="ended")

        # The same, but bob's device hears alice as soon as the INVITE is there: it answers, and his phone does not ring.
        rung = sum(each["event"] == "call" for each in phone.events)
        call = dial_again(alice, by="best", unproven=True)
        alice.wait("call", call=call, kind="invite")
        bob.endpoint.misses = lambda octets, _: False
        alice.wait("call", call=call, state="active", kind="direct")
        session = bob.wait("incoming")["session"]
        pair.both_hear(session, call)
        phone.run("snapshot")
        equal(sum(each["event"] == "call" for each in phone.events), rung, "what bob's phone tells of calls")


class Raw:
    """A socket that speaks to alice's port without a session: what comes to it, and how much."""

    def __init__(self, to):
        self.to, self.socket = to, open_port()
        self.sent = self.got = 0

    def send(self, octets):
        self.sent += len(octets)
        self.socket.sendto(octets, self.to)

    def hello(self, value):
        """As a STUN request with a transaction of its own, so that an answer to it can be told."""
        transaction = os.urandom(12)
        self.send(Stun(REQUEST, transaction, [(HELLO, value)]).octets())
        return transaction

    def receive(self, limit=LIMIT):
        if not select.select([self.socket], [], [], limit)[0]:
            return None
        octets = self.socket.recv(65535)
        self.got += len(octets)
        return octets

    def drain(self):
        """What has come already."""
        out = []
        while select.select([self.socket], [], [], 0)[0]:
            out.append(self.receive())
        return out

    def before_probe(self, value):
        """Sends a HELLO with an epoch that nobody has, which is answered at once (with 20 others in a second): what came before."""
        unknown = value[:4] + bytes(each ^ 0xFF for each in value[4:8]) + value[8:]
        probes, before = set(), []

        def is_answered():
            probes.add(self.hello(unknown))
            while (octets := self.receive(0.1)) is not None:
                if octets[0] < 4 and (message := Stun.parse(octets)).transaction in probes:
                    equal((message.kind, message.get(ERROR_CODE)[2:4]), (ERROR, bytes([4, 38])), "the answer to an unknown epoch")
                    return True
                before.append(octets)
            return False
        until(is_answered, "an unknown epoch is answered with 438")
        return before


def unsent(pair):
    """A caller's machine whose HELLO stays here, and the HELLO."""
    pair.bob.endpoint.loses = lambda octets, to: True
    return pair.bob.call(ALICE_AOR)


def replayed(server):
    """a HELLO that comes again, from elsewhere, is answered while the session lives, moves no media, and is nothing afterwards"""
    with Pair(server) as pair:
        session = pair.bob.call(ALICE_AOR)
        call = pair.answers()
        pair.bob.wait("active", session)
        thief = Raw(session.offer.candidates[0])
        transaction = thief.hello(session.hello)
        message = Stun.parse(thief.receive())
        equal((message.kind, message.transaction), (SUCCESS, transaction), "the answer to the copy")
        pair.both_hear(session, call)
        equal(thief.drain(), [], "what the thief gets besides")
        check(thief.got <= 3 * thief.sent, f"{thief.got} octets for {thief.sent}")

        def is_forgotten():
            thief.hello(session.hello)
            return not thief.before_probe(session.hello)
        until(is_forgotten, "the copy gets no answer")  # alice keeps a session for 2 s after its end
        equal([each["state"] for each in pair.alice.events if each["event"] == "call" and each["call"] != call], [], "other calls")


def changed(server):
    """with one bit changed a HELLO gets no answer; as it was, it does, as nothing was counted against bob"""
    with Pair(server) as pair:
        session = unsent(pair)
        raw, rng = Raw(session.offer.candidates[0]), random.Random(14)
        places = [each for each in range(8, len(session.hello) * 8) if each // 8 not in (0, 4, 5, 6, 7)]
        for bit in rng.sample(places, 60):
            broken = bytearray(session.hello)
            broken[bit // 8] ^= 1 << bit % 8
            raw.hello(bytes(broken))
        equal(raw.before_probe(session.hello), [], "answers to what is broken")
        transaction = raw.hello(session.hello)
        equal(Stun.parse(raw.receive()).transaction, transaction, "the answer to the true one")
        equal(pair.alice.wait("call", direction="in")["peer"], BOB_AOR, "who calls")


def unproven_source(server):
    """an address that only sends a HELLO, as a forged one does, gets at most three times its octets, and the call ends by itself"""
    with Pair(server) as pair:
        session = unsent(pair)
        victims = [Raw(session.offer.candidates[0]) for _ in range(3)]
        for each in victims:
            each.hello(session.hello)
        call = pair.answers()
        ended = pair.alice.wait("call", call=call, state="ended")
        equal(ended["reason_code"], 11, "the reason")
        for number, each in enumerate(victims):
            each.drain()
            check(0 < each.got <= 3 * each.sent, f"address {number} got {each.got} octets for {each.sent}")


def blocked(server):
    """alice blocks bob in mid-call: the call ends as revoked, and his grant opens nothing any more"""
    with Pair(server) as pair:
        session = pair.bob.call(ALICE_AOR)
        call = pair.answers()
        pair.bob.wait("active", session)
        offer = pair.bob.offer_of(ALICE_AOR)
        pair.alice.run("block", watcher=BOB_AOR)
        equal(pair.bob.wait("ended", session)["reason"], 12, "the reason at bob")
        pair.alice.wait("call", call=call, state="ended")
        pair.bob.endpoint.loses = lambda octets, to: True
        again = pair.bob.endpoint.dial(ALICE_AOR, offer)
        raw = Raw(offer.candidates[0])
        raw.hello(again.hello)
        equal(raw.before_probe(again.hello), [], "answers to bob's HELLO")


if __name__ == "__main__":
    run([calls_auto, is_called_auto, calls_ask, is_called_ask, glare, robot, other_device, losses, moves, crash, refused, lied_to,
         hostile_candidates, lowered, cancelled, fallback, replayed, changed, unproven_source, blocked])
