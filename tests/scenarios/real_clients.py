"""Real user agents (Debian's baresip and twinkle-console). As publishers and watchers: each shows open, closed and open again
to a `beckon` that watches, and sees the same of a `beckon` that publishes; each takes a message of it, and writes one. Among
themselves: each calls and messages each. All over UDP and TCP; baresip over TLS, too, which twinkle does not have.
"""

import json
import subprocess

from phones import Baresip, Twinkle
from story import ALICE, BOB, LIMIT, Agent, check, run, until

STATES = ("open", "closed", "open")
CAROL = ("carol@example.org", "hookah")


def shows(alice, bob):
    """bob, a beckon, sees what the client publishes. Each state is published when the one before has been answered."""
    bob.run("subscribe", to=f"sip:{ALICE[0]}")
    alice.begin()
    bob.wait("presence", basic="open", where=lambda event: any(alice.made(each) for each in event["tuples"]))
    for state in STATES[1:]:
        bob.forget()
        alice.publish(state)
        bob.wait("presence", basic=state)


def sees(alice, bob):
    """The client sees what bob, a beckon, publishes."""
    for state in STATES:
        bob.run("publish", basic=state)
        until(lambda state=state: alice.sees(state), f"{type(alice).__name__} sees bob {state}")


def chats(alice, bob):
    """The client answers 415 to a message that asks for receipts, shows it as plain text, and answers it."""
    sent = bob.run("message", to=f"sip:{ALICE[0]}", text="Shall we play chess?", receipts="ask")
    check((sent["state"], sent["receipts"]) == ("delivered", False), f"it was sent once more: {sent}")
    alice.reads("Shall we play chess?")
    alice.write("With pleasure")
    bob.wait("message", text="With pleasure")


def play(server, client, transports, *parts):
    for transport in transports:
        with Agent(server, *BOB) as bob, client(server, ALICE, transport, BOB) as alice:
            bob.run("register")
            for part in parts:
                part(alice, bob)


def baresip(server):
    """baresip shows alice open, closed and open, sees bob so, and talks with him, over UDP, TCP and TLS"""
    play(server, Baresip, ("udp", "tcp", "tls"), shows, sees, chats)


def twinkle(server):
    """twinkle shows alice open, closed and open, sees bob so, and talks with him, over UDP and TCP"""
    play(server, Twinkle, ("udp", "tcp"), shows, sees, chats)


def talk(alice, bob):
    """She calls, he answers and hangs up; he calls back and gives up while it rings; each writes to the other."""
    alice.call()
    bob.is_called()
    bob.answer()
    alice.talks()
    bob.talks()
    bob.hang_up()
    alice.is_over()
    bob.call()
    alice.is_called()
    bob.hang_up()
    alice.is_over()
    for sender, receiver, text in ((alice, bob, "Shall we play chess?"), (bob, alice, "With pleasure")):
        sender.write(text)
        receiver.reads(text)


def registered(server):
    """How many devices are."""
    tables = subprocess.run([server.beckond, "tables", "--data", server.data, "--json"], capture_output=True, check=True, timeout=LIMIT)
    return len(json.loads(tables.stdout)["bindings"])


def pair(server, first, second, transports=("udp", "tcp")):
    for transport in transports:
        with first(server, ALICE, transport, BOB) as alice, second(server, BOB, transport, ALICE) as bob:
            until(lambda: registered(server) == 2, "both have registered")
            talk(alice, bob)


def two_baresips(server):
    """two baresips call and message each other, over UDP, TCP and TLS"""
    pair(server, Baresip, Baresip, ("udp", "tcp", "tls"))


def two_twinkles(server):
    """two twinkles call and message each other, over UDP and TCP"""
    pair(server, Twinkle, Twinkle)


def baresip_and_twinkle(server):
    """a baresip and a twinkle call and message each other, over UDP and TCP"""
    pair(server, Baresip, Twinkle)


def room(server):
    """a baresip and a twinkle are members of a room: each reads what the others write, and who, and writes to it as to a user"""
    server.add_user(*CAROL)
    for transport in ("udp", "tcp"):
        lunch = (f"lunch-{transport}@example.org",)
        with (Agent(server, *CAROL) as carol, Baresip(server, ALICE, transport, lunch) as alice,
              Twinkle(server, BOB, transport, lunch) as bob):
            carol.run("register")
            carol.run("room", do="add", room=f"sip:{lunch[0]}")
            for member in (ALICE, BOB):
                carol.run("room", do="invite", room=f"sip:{lunch[0]}", member=f"sip:{member[0]}")
            until(lambda: registered(server) == 3, "all have registered")
            carol.run("message", to=f"sip:{lunch[0]}", text="Shall we eat?")
            for each in (alice, bob):
                each.reads("carol@example.org: Shall we eat?")
            alice.write("Pizza then")
            bob.reads("alice@example.org: Pizza then")
            bob.write("No fish")
            alice.reads("bob@example.org: No fish")
            for author, text in ((ALICE, "Pizza then"), (BOB, "No fish")):
                carol.wait("message", text=text, claimed_from=f"sip:{author[0]}", **{"from": f"sip:{lunch[0]}"})


run([baresip, twinkle, room, two_baresips, two_twinkles, baresip_and_twinkle], ["--watcher-policy", "allow"])
