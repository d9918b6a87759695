"""What people do in the middle of things."""

import signal

from story import ALICE, BOB, Agent, check, equal, run


def befriend(alice, bob):
    for each in (alice, bob):
        each.run("register")
        each.run("subscribe", to=each.aor, package="presence.winfo")
        each.run("publish", basic="open", direct="auto")
    for owner, watcher in ((alice, bob), (bob, alice)):
        watcher.run("subscribe", to=owner.aor)
        owner.wait("watchers", where=lambda e: any(
            w["aor"] == watcher.aor and w["status"] == "pending" for w in e["watchers"]))
        owner.run("allow", watcher=watcher.aor, direct="auto")
        watcher.wait("presence", of=owner.aor, where=lambda e: any(
            t.get("direct", {}).get("granted") for t in e["tuples"]))


def killed_watched_one(server):
    """alice's device dies: her direct offer is withdrawn at once (DIRECT_SESSIONS 3.8)"""
    with Agent(server, *BOB) as bob:
        with Agent(server, *ALICE) as alice:
            befriend(alice, bob)
            alice.stop(signal.SIGKILL)
        bob.wait("presence", of="sip:alice@example.org", where=lambda e: not any("direct" in t for t in e["tuples"]))


def block_during_a_session(server):
    """a block ends the running session with reason "revoked" (DIRECT_SESSIONS 13)"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        befriend(alice, bob)
        call = bob.run("call", to=alice.aor)["call"]
        bob.wait("call", call=call, state="active")
        alice.wait("call", direction="in", state="active")
        alice.run("block", watcher=bob.aor)
        equal(bob.wait("call", call=call, state="ended")["reason_code"], 12, "reason")


def two_devices(server):
    """two devices of one user are two tuples; one that leaves takes only its own"""
    with Agent(server, *ALICE) as first, Agent(server, *ALICE) as second, Agent(server, *BOB) as bob:
        first.run("register")
        second.run("register")
        first.run("publish", basic="open", note="laptop")
        second.run("publish", basic="open", note="phone")
        first.run("allow", watcher=bob.aor)
        bob.run("register")
        bob.run("subscribe", to=first.aor)
        bob.wait("presence", where=lambda e: len(e["tuples"]) == 2)
        second.quit()
        left = bob.wait("presence", where=lambda e: len(e["tuples"]) == 1)
        equal(left["tuples"][0]["note"], "laptop", "the tuple that stayed")


def long_text(server):
    """a text too long for a MESSAGE is refused before it is sent (RFC 3428 8)"""
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        result = alice.run("message", ok=False, to=alice.aor, text="x" * 2000)
        equal(result["status"], 513, "status")


def nobody_there(server):
    """a message to an unknown user fails, one to a user offline is stored"""
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        equal(alice.run("message", ok=False, to="nobody@example.org", text="hi")["cause"], "not-found", "cause")
        equal(alice.run("message", to=BOB[0], text="hi")["status"], 202, "status")


def bad_commands(server):
    """what is no command is answered, and the agent goes on"""
    with Agent(server, *ALICE) as alice:
        for line in ("hello", "{}", '{"id": "a", "command": "fly"}', '{"id": "b", "command": "message"}', "[" * 5000):
            alice.process.process.stdin.write(line + "\n")
        alice.process.process.stdin.flush()
        for _ in range(5):
            equal(alice.wait("result")["cause"], "usage", "cause")
        check(alice.run("snapshot")["ok"], "a snapshot afterwards")


run([killed_watched_one, block_during_a_session, two_devices, long_text, nobody_there, bad_commands])
