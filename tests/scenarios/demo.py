"""The main job, end to end, with the real binaries: two people find each other, ask permission,
exchange messages and talk in a secured direct session. Each step is named; one that does not happen, for
whatever reason, ends the run with its name and exit code 1.
"""

import argparse
import contextlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from beckon_harness import Agent, Failure, Server, reason  # noqa: E402

ALICE = "alice@example.org"
BOB = "bob@example.org"
TALK_SECONDS = 10


class Stage:
    """Prints the ladder as it happens and keeps the name of the step in progress."""

    def __init__(self):
        self.began = time.monotonic()
        self.step_name = "starting"

    def step(self, name):
        self.step_name = name
        print(f"\n[{time.monotonic() - self.began:6.2f} s] {name}", flush=True)

    def note(self, text):
        print(f"           {text}", flush=True)

    def on_event(self, agent, event):
        if event["event"] != "trace":
            return
        arrow = "──▶" if event["direction"] == "sent" else "◀──"
        print(f"           {agent.name:>5} {arrow} beckond   {event['summary']}", flush=True)


def is_tuple(event, test):
    return any(test(each) for each in event["tuples"])


def has_grant(event):
    return is_tuple(event, lambda each: each.get("direct", {}).get("granted"))


def watches(event, watcher, status):
    return any(each["aor"] == watcher.aor and each["status"] == status for each in event["watchers"])


def permits(event, watcher, mode):
    return any(each["aor"] == watcher.aor and each["mode"] == mode for each in event["permits"])


def compare(binaries, sent, heard):
    out = subprocess.run([binaries / "beckon-audio", "compare", sent, heard, "--skip", f"{heard}.json"],
                         capture_output=True, text=True, timeout=60)
    if out.returncode:
        raise Failure(f"beckon-audio compare: {out.stderr.strip()}")
    return json.loads(out.stdout)


def make_voice(binaries, path, seed):
    subprocess.run([binaries / "beckon-audio", "speech", path, "--seconds", str(TALK_SECONDS + 4), "--seed", str(seed)],
                   check=True, timeout=60, stdout=subprocess.DEVNULL)


def grant(stage, owner, watcher):
    """`watcher` subscribes to `owner`, who sees the request pending and allows it, direct sessions included."""
    stage.step(f"{watcher.name} subscribes to {owner.name}'s presence: pending, {owner.name} is notified")
    watcher.run("subscribe", to=owner.aor)
    watcher.wait("subscription", to=owner.aor, state="pending")
    owner.wait("watchers", document="partial", where=lambda e: watches(e, watcher, "pending"))
    stage.step(f"{owner.name} allows {watcher.name}, direct sessions included")
    before = owner.last("watchers")
    owner.run("allow", watcher=watcher.aor, direct="auto")
    told = owner.wait("watchers", where=lambda e: e["version"] != before["version"])
    if told["version"] != before["version"] + 1 or told["document"] != "partial" or not permits(told, watcher, "auto"):
        raise Failure(f"{owner.name}'s next watcher list is not partial, one later, with {watcher.name}'s permit: {told}")
    stage.note(f"{owner.name}'s watcher list, partial, version {before['version']} -> {told['version']}: "
               f"{watcher.name} has the permit auto")
    watcher.wait("subscription", to=owner.aor, state="active")
    if not watches(told, watcher, "active"):
        owner.wait("watchers", where=lambda e: watches(e, watcher, "active"))


def talk(stage, caller, callee, binaries, folder):
    stage.step(f"{caller.name} starts a direct voice session: no INVITE, {TALK_SECONDS} s of talk")
    callee.run("media", play=str(folder / "alice.wav"), record=str(folder / "alice-heard.wav"))
    call = caller.run("call", to=callee.aor, play=str(folder / "bob.wav"), record=str(folder / "bob-heard.wav"))["call"]
    firsts = {}
    firsts["bob to alice"] = callee.wait("media", direction="received")
    caller.wait("call", call=call, state="active")
    firsts["alice to bob"] = caller.wait("media", call=call, direction="received")
    incoming = callee.wait("call", direction="in", state="active")["call"]
    # The length of the talk is its content: both sides count the frames they have sent. Between two looks at the
    # count nothing must come, the end of the session least of all.
    limit = time.monotonic() + TALK_SECONDS + 20
    while caller.run("statistics", call=call) and caller.wait("call-statistics", call=call)["sent"] < TALK_SECONDS * 50:
        if time.monotonic() > limit:
            raise Failure("the voice stopped flowing")
        if end := caller.comes("call", limit=0.5, call=call, state="ended"):
            raise Failure(f"the session ended in the middle of the talk: {end.get('reason', '')}")
    caller.run("hangup", call=call)
    ends = {"bob": caller.wait("call", call=call, state="ended"), "alice": callee.wait("call", call=incoming, state="ended")}
    figures = {"bob": caller.wait("call-statistics", call=call), "alice": callee.wait("call-statistics", call=incoming)}
    stage.step("what was heard")
    for direction, first in firsts.items():
        clock = "after dial" if direction == "alice to bob" else "after the first packet of the session reached her"
        stage.note(f"first audio {direction}: {first['ms']:.1f} ms {clock}")
    for name, own in figures.items():
        stage.note(f"{name:>5}: sent {own['sent']}, received {own['received']}, lost {own['lost']}, concealed "
                   f"{own['concealed']}; ended: {ends[name].get('reason', '')}")
    for title, sent, heard in (("bob's voice at alice", "bob.wav", "alice-heard.wav"),
                               ("alice's voice at bob", "alice.wav", "bob-heard.wav")):
        result = compare(binaries, folder / sent, folder / heard)
        stage.note(f"likeness of {title}: median {result['median']:.3f} over {result['windows']} windows, "
                   f"{result['masked_frames']} frames left out")
        if result["median"] < 0.9 or result["windows"] < TALK_SECONDS // 2:
            raise Failure(f"{title} is not like what was sent: {result}")


def story(stage, arguments, folder):
    binaries = pathlib.Path(arguments.binaries).resolve()
    secured = arguments.transport == "tls"
    with contextlib.ExitStack() as stack:
        stage.step("beckond starts with an empty store and makes its certificate")
        server = stack.enter_context(Server(binaries, data=folder / "server", options=["--shards", str(arguments.shards)]))
        stage.note("  ".join(f"{kind}:{address}" for kind, address in server.listen.items()))
        server.add_user(ALICE, "wonderland")
        server.add_user(BOB, "looking-glass")

        def agent(aor, password):
            return stack.enter_context(Agent(server, aor, password, transport=arguments.transport,
                                             state=folder / aor.split("@")[0], on_event=stage.on_event))

        stage.step("alice and bob register with digest")
        alice, bob = agent(ALICE, "wonderland"), agent(BOB, "looking-glass")
        for each in (alice, bob):
            each.run("register")
            each.wait("registration", state="registered")

        stage.step("both publish presence" + (" and what they can receive directly" if secured else
                                              f"; over {arguments.transport} without <direct>, as the specification says"))
        for each, note in ((alice, "at my desk"), (bob, "in the garden")):
            each.run("subscribe", to=each.aor, package="presence.winfo")
            each.wait("watchers", document="full")
            each.run("publish", basic="open", note=note, direct="auto")
            each.wait("publication", state="published", direct=secured)

        grant(stage, alice, bob)
        told = bob.wait("presence", where=lambda e: e["basic"] == "open" and has_grant(e) == secured, of=alice.aor)
        device = told["tuples"][0]
        stage.note(f"bob sees alice open: {device.get('note')}")
        if secured:
            direct = device["direct"]
            stage.note(f"bob may start: {direct['mode']}, " + ", ".join(
                f"{media['kind']} {'/'.join(codec['name'] for codec in media['codecs'])}" for media in direct["media"])
                + " at " + ", ".join(direct["candidates"]))
        grant(stage, bob, alice)
        alice.wait("presence", where=lambda e: e["basic"] == "open" and has_grant(e) == secured, of=bob.aor)

        stage.step("messages both ways")
        for sender, receiver, text in ((bob, alice, "Curiouser and curiouser?"), (alice, bob, "Come and see.")):
            status = sender.run("message", to=receiver.aor, text=text)["status"]
            receiver.wait("message", text=text, **{"from": sender.aor})
            stage.note(f"{sender.name} to {receiver.name}: {text} ({status})")

        if secured:
            for name, seed in (("alice", 1), ("bob", 2)):
                make_voice(binaries, folder / f"{name}.wav", seed)
            talk(stage, bob, alice, binaries, folder)
        else:
            stage.step(f"no direct session over {arguments.transport}: secrets are sent over TLS only")
            result = bob.run("call", ok=False, to=alice.aor, by="direct")
            if result["cause"] != "no-direct":
                raise Failure(f"a call without a grant ended with {result['cause']}")
            stage.note(f"call: {result['cause']}: {result.get('reason', '')}")

        stage.step("alice blocks bob: the subscription ends, the grant is invalid")
        alice.run("block", watcher=bob.aor)
        ended = bob.wait("subscription", to=alice.aor, state="terminated")
        stage.note(f"bob's subscription: terminated, {ended.get('reason', '')}")
        if secured:
            alice.wait("watchers", where=lambda e: permits(e, bob, "off"))
            refused = bob.run("call", ok=False, to=alice.aor, by="direct")
            stage.note(f"bob calls again: {refused['cause']}")
        stage.step("alice stops: her watchers see her closed")
        alice.run("allow", watcher=bob.aor)
        bob.run("subscribe", to=alice.aor)
        bob.wait("presence", of=alice.aor, basic="open")
        alice.quit()
        bob.wait("presence", of=alice.aor, basic="closed")
        stage.note("bob sees alice closed")
        if bob.quit() != 0:
            raise Failure("bob did not end cleanly")
        if server.stop() != 0:
            raise Failure("beckond did not end cleanly")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", required=True)
    parser.add_argument("--transport", choices=("tls", "tcp", "udp"), default="tls")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--keep", help="folder for what the run wrote; without it nothing stays")
    arguments = parser.parse_args()
    folder = pathlib.Path(arguments.keep or tempfile.mkdtemp(prefix="beckon-demo-"))
    stage = Stage()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        story(stage, arguments, folder)
    except Exception as error:
        if not isinstance(error, Failure):
            traceback.print_exc()
        print(f"\nFAILED: {stage.step_name}: {reason(error)}", file=sys.stderr)
        return 1
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\nDone in {time.monotonic() - stage.began:.1f} s: every step happened.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
