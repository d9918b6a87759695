"""The address book on the server: two devices change it at once, its groups are watched as lists."""

import socket
import subprocess

from story import ALICE, BOB, Agent, check, equal, restart_with, run  # first: it finds tests/support
from dialogs import Phone


def book_of(agent):
    """The groups with their contacts, as the server has them now."""
    agent.run("contacts list")
    return {group["group"]: [each["of"] for each in group["contacts"]] for group in agent.last("contacts")["groups"]}


def two_devices(server):
    """two devices of alice add the same and other contacts at once, and remove one: none is lost, none stands twice"""
    with Agent(server, *ALICE) as desk, Agent(server, *ALICE) as phone:
        asked = [(device, device.send("contacts add", contact=f"u{number}@example.org", group="friends"))
                 for step in range(8) for device, number in ((desk, step), (phone, step + 4))]
        for device, wanted in asked:
            check(device.wait("result", id=wanted)["ok"], "a contact is added")
        for device in (desk, phone):
            equal(sorted(book_of(device)["friends"]), sorted(f"sip:u{number}@example.org" for number in range(12)), "friends")
        asked = [(desk, desk.send("contacts remove", contact="u0@example.org")),
                 (phone, phone.send("contacts add", contact="u1@example.org", name="Una"))]
        for device, wanted in asked:
            check(device.wait("result", id=wanted)["ok"], "both changes are made")
        desk.run("contacts list")
        friends = next(group for group in desk.last("contacts")["groups"] if group["group"] == "friends")
        check("sip:u0@example.org" not in str(friends), "u0 is gone")
        check({"of": "sip:u1@example.org", "name": "Una"} in friends["contacts"], "u1 has its name")
        equal(phone.run("contacts remove", ok=False, contact="u0@example.org")["cause"], "not-found", "u0 once more")


def groups(server):
    """groups are made, named, nested and removed when they are empty"""
    with Agent(server, *ALICE) as alice:
        equal(book_of(alice), {}, "the book at first")
        alice.run("contacts group", group="friends", name="My friends")
        alice.run("contacts add", contact=BOB[0], group="friends/close", name="Bob")
        equal(book_of(alice), {"contacts": [], "friends": [], "friends/close": ["sip:" + BOB[0]]}, "the book")
        equal(alice.run("contacts group", ok=False, group="friends", remove=True)["cause"], "failed", "it is not empty")
        alice.run("contacts remove", contact=BOB[0])
        alice.run("contacts group", group="friends/close", remove=True)
        alice.run("contacts group", group="friends", remove=True)
        equal(book_of(alice), {"contacts": []}, "the book at last")


def watched(server):
    """a group is watched by its name: its address is made when it is missing, and whoever is added later appears"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        for each in (alice, bob):
            each.run("register")
        bob.run("allow", watcher=alice.aor)
        bob.run("publish", basic="open", note="lunch")
        alice.run("contacts group", group="friends")
        alice.run("watch", list="friends")
        seen = alice.wait("list")
        equal((seen["of"], seen["members"]), ("sip:alice.friends@example.org", []), "the list at first")
        alice.run("contacts add", contact=bob.aor, group="friends", name="Bob")
        alice.wait("list", where=lambda e: e["members"] == [{"of": bob.aor, "state": "active", "name": "Bob"}])
        alice.wait("presence", of=bob.aor, where=lambda e: "lunch" in str(e))
        alice.run("contacts remove", contact=bob.aor, group="friends")
        alice.wait("list", where=lambda e: e["members"] == [])
        alice.wait("presence", of=bob.aor, basic="unknown")
        alice.run("unsubscribe", to=seen["of"])
        alice.run("subscribe", to=seen["of"])  # the same by its address
        alice.wait("list")
    with Agent(server, *ALICE) as phone:
        phone.run("watch", list="friends")
        equal(phone.wait("list")["of"], "sip:alice.friends@example.org", "the address that another device uses")


def panel(server):
    """who of a group is on the phone, and who is registered, each with one subscription"""
    restart_with(server, 'dialog_watchers = ["sip:bob@example.org"]\nregistration_watchers = ["sip:bob@example.org"]\n')
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob, Phone(server) as phone:
        bob.run("contacts add", contact=alice.aor, group="office")
        bob.run("watch", list="office", package="reg")
        bob.wait("registrations", of=alice.aor, where=lambda e: e["contacts"] == [])
        alice.run("register")
        bob.wait("registrations", of=alice.aor, where=lambda e: [c["state"] for c in e["contacts"]] == ["active"])
        bob.run("watch", list="office", package="dialog")
        bob.wait("dialogs", of=alice.aor, registered=True, where=lambda e: e["dialogs"] == [])
        for state, lamp in (("early", ["early"]), ("confirmed", ["confirmed"]), ("terminated", [])):
            phone.shows(("c1", state))
            bob.wait("dialogs", of=alice.aor, where=lambda e, wanted=lamp: [d["state"] for d in e["dialogs"]] == wanted)


def offline(server):
    """without the server nothing is changed, and beckon says so; the rest works on"""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nobody listens there
        alone = Agent(server, *ALICE)
        alone.arguments[alone.arguments.index("--xcap") + 1] = "https://127.0.0.1:%d/xcap" % closed.getsockname()[1]
        with alone as alice:
            refused = alice.run("contacts add", ok=False, contact=BOB[0])
            equal(refused["cause"], "unreachable", "cause")
            check("nothing is changed" in refused["reason"], refused["reason"])
            alice.run("register")
    with Agent(server, *ALICE) as alice:
        equal(book_of(alice), {}, "the book")


def typed(server):
    """the same from a shell, for people"""
    def say(*words):
        return subprocess.run([server.binaries / "beckon", "--account", ALICE[0], "--server", server.uri("tls"), "--ca",
                               server.certificate, "--xcap", f"https://{server.listen['https']}/xcap", "--state",
                               server.data / "s", *words],
                              env={"BECKON_PASSWORD": ALICE[1]}, capture_output=True, text=True, timeout=60)
    equal(say("contacts", "add", BOB[0], "--name", "Bob", "--group", "friends").returncode, 0, "add")
    out = say("contacts", "list")
    equal(out.stdout, "contacts:\nfriends:\n    bob  Bob\ncontacts list: done\n", "list")
    out = say("contacts", "away")
    equal(out.returncode, 2, "exit code of a command that there is not")
    check("list, add, remove, group" in out.stderr, out.stderr)


if __name__ == "__main__":
    run([two_devices, groups, watched, panel, offline, typed])
