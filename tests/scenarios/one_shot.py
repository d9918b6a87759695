"""The command line as people type it, and the server's own commands."""

import json
import subprocess

from story import ALICE, BOB, Agent, check, equal, run


def command(server, *words, stdin=None):
    return subprocess.run([server.beckond, *words], capture_output=True, text=True, timeout=60, input=stdin)


def message_from_the_shell(server):
    """`beckon ... message bob "hi"` is one process, exit code 0, and bob has it"""
    with Agent(server, *BOB) as bob:
        bob.run("register")
        out = subprocess.run([server.binaries / "beckon", "--account", ALICE[0], "--server", server.uri("tls"), "--ca",
                              server.certificate, "--state", server.data / "s", "message", BOB[0], "hi from the shell"],
                             env={"BECKON_PASSWORD": ALICE[1]}, capture_output=True, text=True, timeout=60)
        equal(out.returncode, 0, f"exit code ({out.stdout}{out.stderr})")
        bob.wait("message", text="hi from the shell")


def live_tables(server):
    """`beckond tables` shows what the running server holds"""
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        alice.run("publish", basic="open", note="tabled")
        out = command(server, "tables", "--data", server.data, "--json")
        equal(out.returncode, 0, f"exit code ({out.stderr})")
        check("alice@example.org" in out.stdout, "alice is in a table")
        json.loads(out.stdout)


def users(server):
    """users are listed, get a new password, are disabled and removed while the server runs"""
    listed = command(server, "user", "list", "--data", server.data)
    check("alice@example.org" in listed.stdout and "bob@example.org" in listed.stdout, f"both listed: {listed.stdout!r}")
    equal(command(server, "user", "passwd", ALICE[0], "--data", server.data, stdin="new-one\n").returncode, 0, "passwd")
    with Agent(server, ALICE[0], "new-one") as alice:
        alice.run("register")
    with Agent(server, *ALICE) as alice:
        equal(alice.run("register", ok=False)["cause"], "credentials", "the old password")
    equal(command(server, "user", "remove", BOB[0], "--data", server.data).returncode, 0, "remove")
    with Agent(server, *BOB) as bob:
        equal(bob.run("register", ok=False)["cause"], "credentials", "a removed user")


def foreign_user(server):
    """a user of a domain that is not served is refused"""
    out = command(server, "user", "add", "carol@elsewhere.example", "--data", server.data, stdin="x\n")
    check(out.returncode != 0 and "elsewhere.example" in out.stderr, f"refused: {out.returncode} {out.stderr!r}")


run([message_from_the_shell, live_tables, users, foreign_user])
