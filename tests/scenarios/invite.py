"""Calls by INVITE through `beckond`: `beckon` to `beckon` over UDP, TCP and TLS, and with Debian's baresip both ways. The recordings
prove the voice: each end plays a tone of its own, and what the other heard is mostly that tone.
"""

import array
import json
import math
import pathlib
import subprocess
import tempfile
import wave
from concurrent import futures

from phones import Baresip
from story import ALICE, BOB, LIMIT, Agent, check, equal, run, until

TONES = {"alice": 700, "bob": 400}  # Hz
ENOUGH = 100  # packets: two seconds


def write_tone(path, frequency, rate=8000, seconds=60):
    samples = array.array("h", (round(8000 * math.sin(2 * math.pi * frequency * i / rate)) for i in range(rate * seconds)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def tone_share(path, frequency):
    """How much of the energy of the loudest second lies at `frequency`: 1 for a pure tone."""
    octets = pathlib.Path(path).read_bytes()
    start = octets.index(b"data") + 8  # of a recorder that was killed the header may lie about the length
    rate = int.from_bytes(octets[24:28], "little")
    samples = array.array("h", octets[start:len(octets) - (len(octets) - start) % 2])
    best = (0.0, 0.0)
    for at in range(0, len(samples) - rate + 1, rate // 2):
        window = samples[at:at + rate]
        energy = float(sum(each * each for each in window))
        step = 2 * math.pi * frequency / rate
        real = sum(each * math.cos(step * i) for i, each in enumerate(window))
        imaginary = sum(each * math.sin(step * i) for i, each in enumerate(window))
        share = 2 * (real * real + imaginary * imaginary) / (energy * len(window)) if energy else 0.0
        best = max(best, (energy, share))
    return best[1]


def heard(path, frequency, who):
    share = tone_share(path, frequency)
    check(share > 0.8, f"{who} heard the tone of {frequency} Hz: {share:.2f} of the energy")


class Stage:
    """Files of the tones, and of what is heard."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="beckon-invite-")
        self.path = pathlib.Path(self.folder.name)
        for name, frequency in TONES.items():
            write_tone(self.path / f"{name}.wav", frequency)
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def said(self, name):
        return str(self.path / f"{name}.wav")

    def record(self, name):
        return str(self.path / f"{name}-heard.wav")


def hears(agent, call, more=ENOUGH):
    """Waits until so many more packets have come."""
    def received():
        agent.run("statistics", call=call)
        return agent.wait("call-statistics", call=call)["received"]
    wanted = received() + more
    until(lambda: received() >= wanted, f"{agent.name} has received {wanted} packets")


def registered(server):
    """How many devices are."""
    tables = subprocess.run([server.beckond, "tables", "--data", server.data, "--json"], capture_output=True, check=True, timeout=LIMIT)
    return len(json.loads(tables.stdout)["bindings"])


def ring(caller, callee, **arguments):
    """Both calls' ids, when it rings."""
    call = caller.run("call", to=callee.aor, by="invite", **arguments)["call"]
    incoming = callee.wait("call", direction="in", state="ringing", kind="invite", peer=caller.aor)["call"]
    caller.wait("call", call=call, state="ringing")
    return call, incoming


def talk(caller, callee, **arguments):
    call, incoming = ring(caller, callee, **arguments)
    callee.run("answer", call=incoming)
    caller.wait("call", call=call, state="active")
    callee.wait("call", call=incoming, state="active")
    return call, incoming


def two(server):
    """alice calls bob over UDP, TCP and TLS: both hear each other; hold, resume and digits work; media is encrypted over TLS"""
    for transport in ("udp", "tcp", "tls"):
        with Stage() as stage, Agent(server, *ALICE, transport=transport) as alice, Agent(server, *BOB, transport=transport) as bob:
            for each in (alice, bob):
                each.run("register")
            bob.run("media", play=stage.said("bob"), record=stage.record("bob"))
            call, incoming = talk(alice, bob, play=stage.said("alice"), record=stage.record("alice"))
            hears(alice, call)
            hears(bob, incoming)
            equal(alice.last("call")["secured"], transport == "tls", f"encrypted over {transport}")

            alice.run("hold", call=call)
            alice.wait("call", call=call, held="here")
            bob.wait("call", call=incoming, held="there")
            alice.run("resume", call=call)
            alice.wait("call", call=call, where=lambda event: "held" not in event)
            bob.wait("call", call=incoming, where=lambda event: "held" not in event)
            hears(alice, call)

            alice.run("dtmf", call=call, digits="12#")
            equal("".join(bob.wait("dtmf", call=incoming)["digit"] for _ in range(3)), "12#", "digits at bob")
            bob.run("dtmf", call=incoming, digits="9")
            equal(alice.wait("dtmf", call=call)["digit"], "9", "digit at alice")
            bob.run("hangup", call=incoming)
            for each, its in ((alice, call), (bob, incoming)):
                equal(each.wait("call", call=its, state="ended")["cause"], "done", f"end at {each.name}")
                each.wait("call-statistics", call=its, where=lambda event: "record" in event)
            heard(stage.record("alice"), TONES["bob"], "alice")
            heard(stage.record("bob"), TONES["alice"], "bob")


def ends(server):
    """bob declines; alice gives up; nobody is there; a second call while the first goes on"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        alice.run("register")
        gone = alice.run("call", to=bob.aor, by="invite")["call"]
        equal(alice.wait("call", call=gone, state="ended")["cause"], "unavailable", "nobody is there")
        bob.run("register")
        call, incoming = ring(alice, bob)
        bob.run("reject", call=incoming)
        end = alice.wait("call", call=call, state="ended")
        equal((end["cause"], end["reason_code"]), ("refused", 603), "declined")
        call, incoming = ring(alice, bob)
        alice.run("hangup", call=call)
        equal(alice.wait("call", call=call, state="ended")["cause"], "done", "given up")
        equal(bob.wait("call", call=incoming, state="ended")["cause"], "done", "given up at bob")
        first, at_bob = talk(alice, bob)
        second, again_at_bob = talk(alice, bob)
        hears(bob, at_bob, 10)
        hears(bob, again_at_bob, 10)
        alice.run("hangup", call=second)
        bob.wait("call", call=again_at_bob, state="ended")
        hears(alice, first, 10)
        alice.quit()
        bob.wait("call", call=at_bob, state="ended")


def best(server):
    """without a word how, a call is direct where presence allows it, else an INVITE, and the event says why"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        for each in (alice, bob):
            each.run("register")
        call = alice.run("call", to=bob.aor)["call"]
        event = alice.wait("call", call=call, state="dialing")
        equal(event["kind"], "invite", "kind")
        check("subscription" in event["why_not_direct"], f"why: {event}")
        alice.wait("call", call=call, state="ringing")
        alice.run("hangup", call=call)
        result = alice.run("call", ok=False, to=bob.aor, by="direct")
        equal(result["cause"], "no-direct", "cause")


def talks(server):
    """`beckon talk bob` from the shell: what each heard, and the exit code; a message where nobody is there"""
    def talk(*words):
        return subprocess.run([server.binaries / "beckon", "--account", ALICE[0], "--server", server.uri("tls"), "--ca",
                               server.certificate, "--state", server.data / "s", "talk", BOB[0], *words],
                              env={"BECKON_PASSWORD": ALICE[1]}, capture_output=True, text=True, timeout=60)
    with Stage() as stage, Agent(server, *BOB) as bob:
        gone = talk()
        equal(gone.returncode, 8, f"nobody is there ({gone.stdout}{gone.stderr})")
        bob.run("register")
        bob.run("media", play=stage.said("bob"), record=stage.record("bob"))
        with futures.ThreadPoolExecutor() as pool:
            out = pool.submit(talk, "--play", stage.said("alice"), "--record", stage.record("alice"), "--for", "4s")
            incoming = bob.wait("call", direction="in", state="ringing")["call"]
            bob.run("answer", call=incoming)
            equal(bob.wait("call", call=incoming, state="ended")["cause"], "done", "the end at bob")
            equal(out.result().returncode, 0, f"exit code ({out.result().stdout}{out.result().stderr})")
            bob.wait("call-statistics", call=incoming, where=lambda event: "record" in event)
            heard(stage.record("alice"), TONES["bob"], "alice")
            heard(stage.record("bob"), TONES["alice"], "bob")

            out = pool.submit(talk, "--message", "call me back")
            bob.run("reject", call=bob.wait("call", direction="in", state="ringing")["call"])
            equal(out.result().returncode, 7, "bob declines")
        bob.quit()
        equal(talk("--message", "call me back").returncode, 0, "the message is stored")
    with Agent(server, *BOB) as bob:
        bob.run("register")
        bob.wait("message", text="call me back")


def with_baresip(server, transport, account, options=(), secured=False, modules=()):
    with (Stage() as stage, Agent(server, *BOB, transport=transport, options=options) as bob,
          Baresip(server, ALICE, transport, BOB, sound=stage.said("alice"), account=account, modules=modules) as alice):
        bob.run("register")
        until(lambda: registered(server) == 2, "both have registered")
        bob.run("media", play=stage.said("bob"), record=stage.record("bob"))

        # baresip calls
        alice.call()
        incoming = bob.wait("call", direction="in", state="ringing")["call"]
        bob.run("answer", call=incoming)
        bob.wait("call", call=incoming, state="active")
        alice.talks()
        equal(bob.last("call")["secured"], secured, "encrypted")
        hears(bob, incoming)
        bob.run("hold", call=incoming)
        bob.wait("call", call=incoming, held="here")
        bob.run("resume", call=incoming)
        bob.wait("call", call=incoming, where=lambda event: "held" not in event)
        alice.command("hold")
        bob.wait("call", call=incoming, held="there")
        alice.command("resume")
        bob.wait("call", call=incoming, where=lambda event: "held" not in event)
        hears(bob, incoming)
        bob.run("dtmf", call=incoming, digits="5")
        alice.wait("CALL_DTMF_START")
        alice.hang_up()
        bob.wait("call", call=incoming, state="ended", cause="done")
        bob.wait("call-statistics", call=incoming, where=lambda event: "record" in event)
        heard(stage.record("bob"), TONES["alice"], "bob")
        until(lambda: alice.heard() and tone_share(alice.heard(), TONES["bob"]) > 0.8, "what baresip heard is in its file")

        # baresip is called
        call = bob.run("call", to=f"sip:{ALICE[0]}", by="invite", record=str(stage.path / "second.wav"))["call"]
        alice.is_called()
        bob.wait("call", call=call, state="ringing")
        alice.answer()
        bob.wait("call", call=call, state="active")
        equal(bob.last("call")["secured"], secured, "encrypted")
        hears(bob, call)
        bob.run("hangup", call=call)
        alice.is_over()
        bob.wait("call-statistics", call=call, where=lambda event: "record" in event)
        heard(stage.path / "second.wav", TONES["alice"], "bob")

        # baresip is busy; bob gives up; bob declines
        call = bob.run("call", to=f"sip:{ALICE[0]}", by="invite")["call"]
        alice.is_called()
        alice.hang_up()
        equal(bob.wait("call", call=call, state="ended")["cause"], "unavailable", "baresip is busy")
        call = bob.run("call", to=f"sip:{ALICE[0]}", by="invite")["call"]
        alice.is_called()
        bob.run("hangup", call=call)
        alice.is_over()
        alice.call()
        incoming = bob.wait("call", direction="in", state="ringing")["call"]
        bob.run("reject", call=incoming)
        alice.is_over()


def baresip_udp(server):
    """baresip and beckon call each other over UDP, with plain media"""
    with_baresip(server, "udp", "")


def baresip_tls(server):
    """baresip and beckon call each other over TLS, with SRTP"""
    with_baresip(server, "tls", ";mediaenc=srtp-mand", secured=True)


def baresip_plain(server):
    """over TLS a baresip without SRTP is refused, and taken with --plain-media"""
    with (Agent(server, *BOB) as bob, Baresip(server, ALICE, "tls", BOB) as alice):
        bob.run("register")
        until(lambda: registered(server) == 2, "both have registered")
        alice.call()
        alice.is_over()
        check(bob.last("call") is None, "bob's phone did not ring")
    with_baresip(server, "tls", "", options=["--plain-media"])


if __name__ == "__main__":
    run([two, ends, best, talks, baresip_udp, baresip_tls, baresip_plain])
