"""Who may see what: the verbs of beckon, and what a watcher sees in fact."""

from story import ALICE, BOB, Agent, check, equal, run

CAROL = ("carol@example.org", "mad-hatter")


def seen(event):
    """What an event "presence", or the one in an event "view", shows."""
    return {name: event[name] for name in ("of", "basic", "tuples", "activities", "notes") if name in event}


def view(alice, watcher, rule=None):
    alice.run("view-as", watcher=watcher, **({"if": rule} if rule else {}))
    return alice.last("view")


def blocked_while_watching(server):
    """bob watches alice, is blocked, politely blocked and allowed: each time he sees what view-as has told alice"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        for each in (alice, bob):
            each.run("register")
        alice.run("publish", basic="open", note="lunch", activity="meal")
        bob.run("subscribe", to=alice.aor)
        bob.wait("subscription", to=alice.aor, state="pending")
        now = view(alice, bob.aor)
        equal((now["permission"], now["by"], "presence" in now), ("confirm", "default-policy", False), "before any rule")

        told = view(alice, bob.aor, "allow")
        alice.run("allow", watcher=bob.aor)
        equal(seen(bob.wait("presence", of=alice.aor)), seen(told["presence"]), "what bob sees when he is allowed")
        equal(seen(view(alice, bob.aor)["presence"]), seen(told["presence"]), "view-as after it")

        alice.run("publish", basic="open", note="secret")
        bob.wait("presence", of=alice.aor, where=lambda e: "secret" in str(e))
        told = view(alice, bob.aor, "politely-block")
        alice.run("politely-block", watcher=bob.aor)
        equal(seen(bob.wait("presence", of=alice.aor)), seen(told["presence"]), "what bob sees when he is politely blocked")
        equal(bob.last("presence")["basic"], "closed", "the polite lie")
        alice.run("publish", basic="open", note="more secrets")

        alice.run("allow", watcher=bob.aor)
        bob.wait("presence", of=alice.aor, where=lambda e: "more secrets" in str(e))
        told = view(alice, bob.aor, "block")
        equal((told["permission"], "presence" in told), ("block", False), "view-as before the block")
        alice.run("block", watcher=bob.aor)
        ended = bob.wait("subscription", to=alice.aor, state="terminated")
        equal(ended["reason"], "rejected", "why bob's subscription ended")
        bob.wait("presence", of=alice.aor, basic="unknown")
        equal(view(alice, bob.aor)["rules"], [alice_rule(alice, bob.aor)["id"]], "the rule that decides")


def alice_rule(alice, who):
    alice.run("rules show")
    return next(rule for rule in alice.last("rules")["rules"] if who in rule["for"])


def domains(server):
    """a whole domain is allowed, with the exception of whom alice has blocked; forgetting it leaves him blocked"""
    server.add_user(*CAROL)
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob, Agent(server, *CAROL) as carol:
        alice.run("publish", basic="open", note="lunch")
        alice.run("block", watcher=bob.aor)
        alice.run("allow", watcher=carol.aor, domain=True)
        carol.run("subscribe", to=alice.aor)
        carol.wait("presence", of=alice.aor, basic="open")
        equal(bob.run("subscribe", ok=None, to=alice.aor)["cause"], "refused", "bob's try")
        equal(alice_rule(alice, "everybody of example.org, except sip:bob@example.org")["handling"], "allow", "the rule")
        alice.run("confirm", watcher="@example.org")
        carol.wait("subscription", to=alice.aor, state="pending")
        alice.run("forget", watcher="@example.org")
        equal(view(alice, bob.aor)["permission"], "block", "bob at last")
        equal(view(alice, carol.aor)["by"], "default-policy", "carol at last")


def two_devices(server):
    """two devices of alice decide about watchers at once: every decision is there"""
    with Agent(server, *ALICE) as desk, Agent(server, *ALICE) as phone:
        asked = [(device, device.send("allow" if step % 2 else "block", watcher=f"u{number}@example.org"))
                 for step in range(8) for device, number in ((desk, step), (phone, step + 8))]
        for device, wanted in asked:
            check(device.wait("result", id=wanted)["ok"], "a decision is made")
        desk.run("rules show")
        rules = {rule["for"][0]: rule["handling"] for rule in desk.last("rules")["rules"]}
        equal(rules, {f"sip:u{number}@example.org": "allow" if number % 2 else "block" for number in range(16)}, "rules")


if __name__ == "__main__":
    run([blocked_while_watching, domains, two_devices])
