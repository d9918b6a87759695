"""What alice's other devices see of her messages: copies, reading marks, a history, and its end."""

import signal

from story import ALICE, BOB, Agent, check, equal, restart_with, run

PACKAGE = "beckon-messages"


def follow(agent):
    agent.run("register")
    agent.run("subscribe", to=agent.aor, package=PACKAGE)
    agent.wait("subscription", to=agent.aor, package=PACKAGE, state="active")


def history(agent, who="all", **more):
    agent.forget()
    agent.run("history", **{"with": who}, **more)
    return agent.wait("history")


def lines(agent, who="all", **more):
    page = history(agent, who, **more)
    return [f"{'<' if each['direction'] == 'sent' else '>'} {each['text']} ({each['state']})"
            for each in page["messages"]]


def two_devices(server):
    """what one device sends the other shows; read on one, read on the other; erased on one, erased everywhere"""
    with Agent(server, *ALICE) as phone, Agent(server, *ALICE) as laptop, Agent(server, *BOB) as bob:
        follow(phone)
        follow(laptop)
        bob.run("register")
        equal(phone.run("message", to=bob.aor, text="from the phone")["status"], 200, "status")
        copy = laptop.wait("message-copy", text="from the phone")
        equal((copy["with"], copy["direction"], copy["state"]), (bob.aor, "sent", "delivered"), "the copy")
        state = phone.wait("message-state", message=copy["message"])
        equal(state["direction"], "sent", "the phone hears of its own message")
        check(phone.last("message-copy") is None, "the phone shows no copy of its own message")

        bob.run("message", to=phone.aor, text="to both")
        for each in (phone, laptop):
            each.wait("message", text="to both")
            each.wait("message-state", direction="received", state="delivered")
            check(not [e for e in each.events if e["event"] == "message-copy" and e["text"] == "to both"], "no copy")
        laptop.run("read", **{"with": bob.aor})
        for each in (phone, laptop):
            each.wait("message-state", direction="received", state="displayed")

        equal(lines(phone, bob.aor), ["< from the phone (delivered)", "> to both (displayed)"], "the history")
        phone.run("erase", **{"with": bob.aor})
        for each in (phone, laptop):
            each.wait("messages-erased")
        equal(lines(laptop), [], "nothing is left")
        equal(lines(bob, phone.aor), ["> from the phone (delivered)", "< to both (delivered)"], "bob keeps his own")


def new_device(server):
    """a third, new device fetches the history, in pages and by peer, also after kill -9 of the server"""
    server.add_user("carol@example.org", "hookah")
    with Agent(server, *ALICE) as phone, Agent(server, *BOB) as bob, \
            Agent(server, "carol@example.org", "hookah") as carol:
        for each in (phone, bob, carol):
            each.run("register")
        for number in range(5):
            phone.run("message", to=bob.aor, text=f"to bob {number}")
        phone.run("message", to=carol.aor, text="to carol")
        bob.run("message", to=phone.aor, text="from bob")
        phone.run("read", **{"with": bob.aor})  # it is stored when that is answered, and what came before it, too
        equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
        server.start()
        with Agent(server, *ALICE) as third:
            page = history(third, bob.aor, limit=2)
            equal([each["text"] for each in page["messages"]], ["to bob 4", "from bob"], "the newest of bob")
            equal(page["messages"][1]["state"], "displayed", "what was read is read")
            check(page["more"], "there are older ones")
            older = history(third, bob.aor, before=page["messages"][0]["message"])
            equal([each["text"] for each in older["messages"]], [f"to bob {n}" for n in range(4)], "the older ones")
            check(not older["more"], "that is all")
            equal(lines(third, "sip:carol@example.org"), ["< to carol (delivered)"], "those with carol")
            equal(len(lines(third, "all", since="2026-01-01")), 7, "all since the year began")
            equal(len(lines(third, "all", since="2999-01-01")), 0, "none of the future")


def missed(server):
    """a device that was away while the server was killed learns on its return what the others did meanwhile"""
    with Agent(server, *ALICE) as phone, Agent(server, *ALICE) as laptop, Agent(server, *BOB) as bob:
        follow(laptop)
        phone.run("register")
        bob.run("register")
        phone.run("message", to=bob.aor, text="one")
        laptop.wait("message-copy", text="one")
        phone.run("read", **{"with": bob.aor})
        server.stop(signal.SIGKILL)
        for each in (phone, laptop, bob):
            each.wait("connection", state="down")
            each.forget()
        server.start()
        for each in (phone, laptop, bob):
            each.wait("registration", state="registered")
        phone.run("message", to=bob.aor, text="two")
        laptop.wait("message-copy", text="two")
        check(len([e for e in laptop.events if e["event"] == "message-copy" and e["text"] == "one"]) == 1, "not twice")


def private(server):
    """nobody else reads or erases it; who wants none kept has none kept"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        alice.run("register")
        bob.run("register")
        refused = bob.run("subscribe", to=alice.aor, package=PACKAGE, ok=False)
        equal(refused["status"], 403, "bob follows alice's messages")
        alice.run("keep-history", keep="no")
        alice.run("message", to=bob.aor, text="between us")
        check(not history(alice)["kept"], "alice keeps none")
        equal(lines(alice), [], "alice's history")
        equal(lines(bob), ["> between us (delivered)"], "bob's is his")
        alice.run("keep-history", keep="yes")
        bob.run("message", to=alice.aor, text="again")
        equal(lines(alice), ["> again (delivered)"], "alice keeps again")


def limits(server):
    """the configuration bounds it: the newest two messages, of each the first octets"""
    restart_with(server, "[archive]\nmessages_per_user = 2\ntext_octets = 5\n")
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        alice.run("register")
        bob.run("register")
        for text in ("1", "22222", "333333"):
            alice.run("message", to=bob.aor, text=text)
        page = history(alice)
        equal([(each["text"], each.get("truncated", False)) for each in page["messages"]],
              [("22222", False), ("33333", True)], "what is kept")


run([two_devices, new_device, missed, private, limits])
