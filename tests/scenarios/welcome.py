"""An account that may watch registrations greets users whose devices register (RFC 3680)."""

import signal
import subprocess

from story import ALICE, BOB, Agent, check, equal, restart_with, run

WELCOME = 'registration_watchers = ["sip:bob@example.org"]\n'


def once_for_each_registration(server):
    """alice's second device brings her the text once; neither a refresh nor the first device does"""
    restart_with(server, WELCOME)
    with Agent(server, *ALICE) as first, Agent(server, *BOB) as bob:
        first.run("register")
        bob.run("welcome", users=[first.aor], text="welcome, alice")
        bob.wait("subscription", to=first.aor, package="reg", state="active")
        with Agent(server, *ALICE) as second:
            second.run("register")
            equal(second.wait("message")["text"], "welcome, alice", "the text")
            equal(bob.wait("welcome")["status"], 200, "status")
            second.run("register")  # a refresh
            equal(bob.run("message", to=second.aor, text="that was all")["status"], 200, "status")
            equal(second.wait("message")["text"], "that was all", "no second welcome")
            second.quit()
        with Agent(server, *ALICE) as third:
            third.run("register")
            equal(third.wait("message", text="welcome, alice")["from"], bob.aor, "sender")
        bob.run("unsubscribe", to=first.aor, package="reg")
        with Agent(server, *ALICE) as fourth:
            fourth.run("register")
            equal(bob.run("message", to=fourth.aor, text="goodbye")["status"], 200, "status")
            equal(fourth.wait("message")["text"], "goodbye", "no welcome any more")


def restarts(server):
    """neither a restart of the server nor one of the welcoming agent repeats it"""
    restart_with(server, WELCOME)
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        with Agent(server, *BOB) as bob:
            bob.run("register")
            bob.run("welcome", users=[alice.aor], text="welcome")
            bob.wait("subscription", to=alice.aor, package="reg", state="active")
            equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
            for each in (alice, bob):
                each.wait("connection", state="down")
                each.forget()
            server.start()
            for each in (alice, bob):
                each.wait("registration", state="registered")
            with Agent(server, *ALICE) as second:
                second.run("register")
                bob.wait("welcome", where=lambda e: e["contact"] != alice.last("registration")["contact"])
                second.wait("message", text="welcome")
            check(len([e for e in bob.events if e["event"] == "welcome"]) == 1, "one welcome for the second device")
        with Agent(server, *BOB) as bob:
            bob.run("welcome", users=[alice.aor], text="welcome")
            bob.wait("subscription", to=alice.aor, package="reg", state="active")
            bob.run("message", to=alice.aor, text="that was all")
            alice.wait("message", text="that was all")
            check(bob.last("welcome") is None, "no welcome for a device that was there before")


def whole_domain(server):
    """everybody whose device registers gets the text, also a user who is added later, and over a restart of the server"""
    restart_with(server, WELCOME)
    with Agent(server, *ALICE) as early, Agent(server, *BOB) as bob:
        early.run("register")
        bob.run("register")
        bob.run("welcome", users=["@example.org"], text="welcome to example.org")
        bob.wait("subscription", to="sip:example.org", package="reg", state="active")
        with Agent(server, *ALICE) as second:
            second.run("register")
            second.wait("message", text="welcome to example.org")
            bob.wait("welcome", to=second.aor, status=200)
        equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
        for each in (early, bob):
            each.wait("connection", state="down")
            each.forget()
        server.start()
        for each in (early, bob):
            each.wait("registration", state="registered")
        server.add_user("carol@example.org", "through-the-window")
        with Agent(server, "carol@example.org", "through-the-window") as carol:
            carol.run("register")
            carol.wait("message", text="welcome to example.org")
            check(all(e["to"] == carol.aor for e in bob.events if e["event"] == "welcome" and e["status"] == 200
                      and e["to"] != early.aor), "nobody else is welcomed")
        bob.run("unsubscribe", to="@example.org", package="reg")
        with Agent(server, *ALICE) as last:
            last.run("register")
            equal(bob.run("message", to=last.aor, text="goodbye")["status"], 200, "status")
            equal(last.wait("message")["text"], "goodbye", "no welcome any more")


def who_may(server):
    """without permission the command is refused, and its process ends with the cause's exit code"""
    with Agent(server, *BOB) as bob:
        result = bob.run("welcome", users=["sip:alice@example.org"], text="welcome", ok=False)
        equal(result["cause"], "refused", "cause")
        result = bob.run("welcome", users=["@example.org"], text="welcome", ok=False)
        equal(result["cause"], "refused", "cause for the domain")
    out = subprocess.run([server.binaries / "beckon", "--account", BOB[0], "--server", server.uri("tls"), "--ca",
                          server.certificate, "--state", server.data / "s", "welcome", ALICE[0], "--text", "hi"],
                         env={"BECKON_PASSWORD": BOB[1]}, capture_output=True, text=True, timeout=60)
    equal(out.returncode, 7, f"exit code ({out.stdout}{out.stderr})")


run([once_for_each_registration, restarts, whole_domain, who_may])
