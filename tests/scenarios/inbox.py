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


def receipts_over_a_kill(server):
    """alice asks for receipts and bob is away: stored, killed, listed, delivered once, delivered and displayed are told"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        alice.run("register")
        sent = alice.run("message", to=bob.aor, text="look", receipts="ask")
        equal((sent["status"], sent["receipts"]), (202, True), "status and receipts")
        alice.wait("receipt", message_id=sent["message_id"], state="stored")
        equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
        alice.wait("connection", state="down")
        alice.forget()
        server.start()
        alice.wait("registration", state="registered")
        bob.run("inbox")
        waits = bob.last("inbox")["messages"]
        equal([(each["from"], each["type"]) for each in waits], [(alice.aor, "message/cpim")], "what waits")
        check("look" not in str(waits), "the list has no texts")
        bob.run("register")
        equal(bob.wait("message", message_id=sent["message_id"])["text"], "look", "the message")
        told = alice.wait("receipt", message_id=sent["message_id"], state="delivered")
        equal((told["from"], told["to"]), (bob.aor, bob.aor), "who has it")
        bob.run("read", **{"with": alice.aor})
        alice.wait("receipt", message_id=sent["message_id"], state="displayed")
        alice.run("message", to=bob.aor, text="that was all")
        bob.wait("message", text="that was all")
        equal([each["text"] for each in bob.events if each["event"] == "message"], ["look", "that was all"], "messages")


run([killed_after_202, lost_connection, receipts_over_a_kill])
