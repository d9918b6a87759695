"""What survives a kill -9: an answer was a promise (DESIGN 1.4)."""

import contextlib
import re
import signal
import sqlite3
import subprocess

from story import ALICE, BOB, Agent, check, equal, run, shards
from wire import Wire, authorised


def meet(alice, bob):
    for each in (alice, bob):
        each.run("register")
        each.run("subscribe", to=each.aor, package="presence.winfo")
    bob.run("subscribe", to=alice.aor)
    alice.wait("watchers", where=lambda e: any(w["status"] == "pending" for w in e["watchers"]))
    alice.run("allow", watcher=bob.aor, direct="auto")
    bob.wait("subscription", to=alice.aor, state="active")


def kill_and_restart(server, *agents):
    equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
    for each in agents:
        each.wait("connection", state="down")
        each.forget()
    server.start()


def acknowledged_publish(server):
    """alice's answered PUBLISH is what bob sees after kill -9 and restart; direct sessions come back by themselves"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        meet(alice, bob)
        alice.run("publish", basic="open", note="before", direct="auto")
        bob.wait("presence", where=lambda e: "before" in str(e["tuples"]), of=alice.aor)
        alice.run("publish", basic="open", note="promised", direct="auto")
        kill_and_restart(server, alice, bob)
        bob.wait("registration", state="registered")
        seen = bob.wait("presence", of=alice.aor, where=lambda e: "promised" in str(e["tuples"])
                        and any(t.get("direct", {}).get("granted") for t in e["tuples"]))
        equal(seen["basic"], "open", "alice")
        equal(bob.run("message", to=alice.aor, text="still there?")["status"], 200, "status")


def newcomer_sees_the_truth(server):
    """a watcher that subscribes after the restart sees what was answered before it, though alice has not come back"""
    with Agent(server, *BOB) as bob:
        with Agent(server, *ALICE) as alice:
            meet(alice, bob)
            alice.run("publish", basic="open", note="promised")
            kill_and_restart(server, bob)
            alice.stop(signal.SIGKILL)
        bob.wait("presence", of="sip:alice@example.org", where=lambda e: "promised" in str(e["tuples"]))


def rules_survive(server):
    """a block that was answered still blocks after kill -9"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        meet(alice, bob)
        alice.run("block", watcher=bob.aor)
        bob.wait("subscription", to=alice.aor, state="terminated")
        kill_and_restart(server, bob)
        bob.wait("registration", state="registered")
        result = bob.run("subscribe", to=alice.aor, ok=None)
        if result["ok"]:
            bob.wait("subscription", to=alice.aor, state="terminated")
        check(bob.last("presence") is None or bob.last("presence")["basic"] == "unknown", "bob sees nothing of alice")


def clean_stop(server):
    """SIGTERM ends the server with exit code 0, and it starts again on its data"""
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        alice.run("publish", basic="open", note="kept")
        equal(server.stop(), 0, "exit code")
        alice.wait("connection", state="down")
        alice.forget()
        server.start()
        alice.wait("registration", state="registered")


def other_number_of_shards(server):
    """the server comes back with more shards, and with fewer: the owner of an address changes, what was answered stays"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        meet(alice, bob)
        for number in (5, 2, 1, 3):
            note = f"before {number} shards"
            alice.run("publish", basic="open", note=note)
            server.options = shards(number)
            kill_and_restart(server, alice, bob)
            for each in (alice, bob):
                each.wait("registration", state="registered")
            bob.wait("presence", of=alice.aor, where=lambda e, note=note: note in str(e["tuples"]))
            equal(bob.run("message", to=alice.aor, text=note)["status"], 200, "status")
            alice.wait("message", text=note)


def gruus_of(server, number, contact=""):
    with Wire(server, "udp") as wire:
        answer = authorised(wire, "REGISTER", "sip:example.org", number, contact + "Supported: gruu\r\n")
        check(answer.startswith("SIP/2.0 200"), f"200, not {answer[:40]!r}")
        return re.findall(r'(?:pub|temp)-gruu="([^"]+)"', answer)


def device_addresses(server):
    """the addresses of alice's phone, the hidden one too, are the same after kill -9 and restart (RFC 5627)"""
    before = gruus_of(server, 1, 'Contact: <sip:alice@127.0.0.1:9>;+sip.instance="<urn:uuid:1>"\r\n')
    equal(before[0], "sip:alice@example.org;gr=urn:uuid:1", "public GRUU")
    check(before[1].startswith("sip:tgruu.") and before[1].endswith("@example.org;gr"), "a temporary GRUU")
    equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
    server.start()
    equal(gruus_of(server, 11), before, "GRUUs")


def removed_meanwhile(server):
    """alice is removed while the server is down, and somebody else gets her name: nothing of hers is there any more"""
    with Agent(server, *BOB) as bob:
        with Agent(server, *ALICE) as alice:
            meet(alice, bob)
            alice.run("publish", basic="open", note="hers")
            bob.wait("presence", where=lambda e: "hers" in str(e["tuples"]), of=alice.aor)
            equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
            alice.stop(signal.SIGKILL)
        bob.forget()
        removed = subprocess.run([server.binaries / "beckond", "user", "remove", ALICE[0], "--data", server.data], timeout=60)
        equal(removed.returncode, 0, "exit code of user remove")
        server.add_user(ALICE[0], "another")
        server.start()
        bob.wait("subscription", to="sip:" + ALICE[0], state="terminated")
        bob.wait("subscription", to="sip:" + ALICE[0], state="pending")


def removal_is_noted(server):
    """dave is removed, and the server is killed before it can be sure that all of his is gone: it begins anew"""
    server.add_user("dave@example.org", "password")
    command = [server.binaries / "beckond", "user", "remove", "dave@example.org", "--data", server.data]
    equal(subprocess.run(command, timeout=60).returncode, 0, "exit code of user remove")
    equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
    with contextlib.closing(sqlite3.connect(server.data / "users.db")) as users:
        noted = users.execute("SELECT removed FROM gone WHERE aor = 'sip:dave@example.org'").fetchall()
    equal(noted, [(1,)], "the note of his removal")
    server.start()


run([acknowledged_publish, newcomer_sees_the_truth, rules_survive, clean_stop, other_number_of_shards, device_addresses,
     removed_meanwhile, removal_is_noted])
