"""Messages for who is away: stored before the 202, delivered once when a device comes (RFC 3428 7)."""

import json
import signal
import subprocess

from story import ALICE, BOB, Agent, check, equal, run


def kill_and_restart(server, *agents):
    equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
    for each in agents:
        each.wait("connection", state="down")
        each.forget()
    server.start()


def inbox_table(server):
    out = subprocess.run([server.beckond, "tables", "inbox", "--data", server.data, "--json"], check=True,
                         capture_output=True, text=True).stdout
    return json.loads(out)["inbox"]


def killed_after_202(server):
    """what was answered 202 arrives in its order, though the server is killed; once at each device, though that comes twice"""
    phone = server.data / "phone"
    phone.mkdir()
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        for text in ("one", "two", "three"):
            equal(alice.run("message", to="sip:bob@example.org", text=text)["status"], 202, "status")
        kill_and_restart(server, alice)
        alice.wait("registration", state="registered")
        with Agent(server, *BOB, state=phone) as bob:
            bob.run("register")
            for text in ("one", "two", "three"):
                seen = bob.wait("message")
                equal((seen["text"], seen["from"]), (text, alice.aor), "the message")
            equal(alice.run("message", to=bob.aor, text="now you are there")["status"], 200, "status")
            equal(bob.wait("message")["text"], "now you are there", "nothing else comes before")
        kill_and_restart(server, alice)
        alice.wait("registration", state="registered")
        with Agent(server, *BOB, state=phone) as bob:
            bob.run("register")
            equal(alice.run("message", to=bob.aor, text="and again")["status"], 200, "status")
            equal(bob.wait("message")["text"], "and again", "nothing comes twice")
        with Agent(server, *BOB) as laptop:
            laptop.run("register")
            for text in ("one", "two", "three"):
                equal(laptop.wait("message")["text"], text, "the message at bob's other device")


def lost_connection(server):
    """bob's agent is killed: his connection ends, and what alice writes waits for the next one"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        for each in (alice, bob):
            each.run("register")
        bob.stop(signal.SIGKILL)
        equal(alice.run("message", to=bob.aor, text="are you there?")["status"], 202, "status")
        with Agent(server, *BOB) as again:
            again.run("register")
            again.wait("message", text="are you there?")


run([killed_after_202, lost_connection])
