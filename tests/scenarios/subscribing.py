"""What goes over the wire when agents subscribe: nothing twice (RFC 5839), and at the pace they ask for (RFC 6446)."""

import re
import subprocess

from story import ALICE, BOB, Agent, check, equal, run


def trace(server):
    out = subprocess.run([server.beckond, "trace", "--data", server.data, "--full"], capture_output=True, text=True,
                         encoding="utf-8", timeout=60)
    equal(out.returncode, 0, f"exit code ({out.stderr})")
    return out.stdout


def seen(server, alice, bob, **rates):
    """alice allows bob and is open; he subscribes and sees it"""
    for each in (alice, bob):
        each.run("register")
    alice.run("allow", watcher=bob.aor)
    alice.run("publish", basic="open", note="one")
    bob.run("subscribe", to=alice.aor, **rates)
    bob.wait("presence", where=lambda e: "one" in str(e))


def last_state(server):
    """who has the state leaves without a last NOTIFY: 204"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        seen(server, alice, bob)
        tags = [line.split()[-1] for line in trace(server).splitlines() if "SIP-ETag:" in line]
        check(tags, "NOTIFYs carry entity-tags")
        bob.run("unsubscribe", to=alice.aor)
        text = trace(server)
        check(f"Suppress-If-Match: {tags[-1]}" in text, "the agent names what it has")
        check("204 No Notification" in text, "the server has no more to say")
        equal(text.count("reason=timeout"), 0, "last NOTIFYs")
        bob.run("subscribe", to=alice.aor)
        bob.wait("presence", where=lambda e: "one" in str(e))


def by_gruu(server):
    """the Contact of a registered device's SUBSCRIBE is its GRUU, and NOTIFYs are for it; with --no-gruu neither is"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob, Agent(server, *BOB, options=["--no-gruu"]) as plain:
        seen(server, alice, bob)
        gruu = bob.last("registration")["gruu"]
        text = trace(server)
        check(f"Contact: <{gruu}>" in text, "the GRUU in a SUBSCRIBE")
        check(f"NOTIFY {gruu} SIP/2.0" in text, "the GRUU in a NOTIFY")
        plain.run("register")
        own = plain.last("registration")
        plain.run("subscribe", to=alice.aor)
        plain.wait("presence", where=lambda e: "one" in str(e))
        check(f"NOTIFY {own['contact'].strip('<>')} SIP/2.0" in trace(server), "the own address in a NOTIFY")
        check(f"NOTIFY {own['gruu']} SIP/2.0" not in trace(server), "no GRUU in a NOTIFY")


def pace(server):
    """the NOTIFYs to a watcher with max-rate name the rate and carry the newest state"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        seen(server, alice, bob, **{"max-rate": "0.5"})
        for note in ("two", "three", "four"):
            alice.run("publish", basic="open", note=note)
        bob.wait("presence", where=lambda e: "four" in str(e))
        check(re.search(r"Subscription-State: active;expires=\d+;max-rate=0.5\b", trace(server)),
              "Subscription-State says the rate")


run([last_state, by_gruu, pace])
