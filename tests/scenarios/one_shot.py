"""The command line as people type it, and the server's own commands."""

import json
import signal
import socket
import subprocess
import tempfile
import threading

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


def publish_from_the_shell(server):
    """what one process left published, the next one changes or removes: it is one device's state"""
    def say(*words):
        out = subprocess.run([server.binaries / "beckon", "--account", ALICE[0], "--server", server.uri("tls"), "--ca",
                              server.certificate, "--state", server.data / "s", *words],
                             env={"BECKON_PASSWORD": ALICE[1]}, capture_output=True, text=True, timeout=60)
        equal(out.returncode, 0, f"exit code of {words} ({out.stdout}{out.stderr})")
    with Agent(server, *BOB) as bob, Agent(server, *ALICE) as alice:
        alice.run("allow", watcher=bob.aor)
        bob.run("subscribe", to=alice.aor)
        bob.wait("presence", basic="closed")
        say("publish", "open", "--note", "lunch")
        bob.wait("presence", where=lambda e: "lunch" in str(e))
        say("publish", "closed", "--note", "gone")
        seen = bob.wait("presence", where=lambda e: "gone" in str(e))
        equal((len(seen["tuples"]), seen["basic"]), (1, "closed"), "what is left of the first")
        say("unpublish")
        bob.wait("presence", where=lambda e: "gone" not in str(e))


def interrupted(server):
    """a command that a signal ends before its result has exit code 5, and `bye` is the last line, also after two signals"""
    for words, commands, code in [(["message", BOB[0], "hi"], "", 5), ([], '{"command":"publish","basic":"open"}\n', 0)]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            silent.settimeout(60)
            beckon = subprocess.Popen(
                [server.binaries / "beckon", "--account", ALICE[0], "--server", "udp:%s:%d" % silent.getsockname(),
                 "--state", server.data / "s", "--json", *words],
                env={"BECKON_PASSWORD": ALICE[1]}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            beckon.stdin.write(commands)
            beckon.stdin.flush()
            silent.recv(65536)
            beckon.send_signal(signal.SIGTERM)
            if not words:
                beckon.send_signal(signal.SIGINT)
            lines = [json.loads(line) for line in beckon.communicate(timeout=60)[0].splitlines()]
            equal((beckon.returncode, lines[-1]["event"], lines[-1]["exit_code"]), (code, "bye", code), f"the end of {words}")


def live_tables(server):
    """`beckond tables` shows what the running server holds"""
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        alice.run("publish", basic="open", note="tabled")
        out = command(server, "tables", "--data", server.data, "--json")
        equal(out.returncode, 0, f"exit code ({out.stderr})")
        check("alice@example.org" in out.stdout, "alice is in a table")
        json.loads(out.stdout)


def refused_questions(server):
    """an unknown question is refused, with the reason on standard error and exit code 5"""
    with socket.socket(socket.AF_UNIX) as curious:
        curious.settimeout(60)
        curious.connect(str(server.data / "admin.sock"))
        curious.sendall(b"weather\n")
        refusal = curious.makefile("rb").read()
    equal(json.loads(refusal), {"event": "refused", "reason": "the question cannot be read"}, "the refusal")

    with tempfile.TemporaryDirectory() as data, socket.socket(socket.AF_UNIX) as other:
        other.bind(f"{data}/admin.sock")
        other.listen()

        def refuse(count):
            for _ in range(count):
                with other.accept()[0] as asker:
                    asker.makefile("rb").readline()
                    asker.sendall(refusal)

        commands = [["tables"], ["explain", ALICE[0]], ["trace"]]
        answering = threading.Thread(target=refuse, args=[len(commands)], daemon=True)
        answering.start()
        for words in commands:
            out = command(server, *words, "--data", data)
            equal((out.returncode, out.stdout, out.stderr),
                  (5, "", "beckond: refused: the question cannot be read\n"), " ".join(words))
        answering.join()


def users(server):
    """users are listed, get a new password, are disabled and removed while the server runs, and what is there of them ends"""
    listed = command(server, "user", "list", "--data", server.data)
    check("alice@example.org" in listed.stdout and "bob@example.org" in listed.stdout, f"both listed: {listed.stdout!r}")
    equal(command(server, "user", "passwd", ALICE[0], "--data", server.data, stdin="new-one\n").returncode, 0, "passwd")
    with Agent(server, ALICE[0], "new-one") as alice:
        alice.run("register")
    with Agent(server, *ALICE) as alice:
        equal(alice.run("register", ok=False)["cause"], "credentials", "the old password")
    with Agent(server, ALICE[0], "new-one") as alice, Agent(server, *BOB) as bob:
        alice.run("register")
        alice.run("publish", basic="open")
        alice.run("allow", watcher=BOB[0])
        bob.run("subscribe", to=ALICE[0])
        bob.wait("presence", of="sip:" + ALICE[0], basic="open")
        equal(command(server, "user", "disable", ALICE[0], "--data", server.data).returncode, 0, "disable")
        bob.wait("presence", of="sip:" + ALICE[0], basic="closed")
        equal(command(server, "user", "enable", ALICE[0], "--data", server.data).returncode, 0, "enable")
        equal(command(server, "user", "remove", ALICE[0], "--data", server.data).returncode, 0, "remove")
        ended = bob.wait("subscription", to="sip:" + ALICE[0], state="terminated")
        equal(ended.get("reason"), "noresource", "why bob's subscription ended")
    equal(command(server, "user", "remove", BOB[0], "--data", server.data).returncode, 0, "remove")
    with Agent(server, *BOB) as bob:
        equal(bob.run("register", ok=False)["cause"], "credentials", "a removed user")


def waiting(server):
    """a script waits for a user to be open, for a message, and for a watcher; the exit code says whether it came"""
    def beckon(*words):
        return subprocess.Popen([server.binaries / "beckon", "--account", ALICE[0], "--server", server.uri("tls"), "--ca",
                                 server.certificate, "--state", server.data / "s", "--json", *words],
                                env={"BECKON_PASSWORD": ALICE[1]}, stdout=subprocess.PIPE, text=True)

    def see(process, name, **members):
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == name and all(event.get(key) == value for key, value in members.items()):
                return event
        raise AssertionError(f"no {name}")

    with Agent(server, *BOB) as bob:
        bob.run("register")
        bob.run("allow", watcher=ALICE[0])
        bob.run("publish", basic="closed")
        with beckon("wait", "presence", BOB[0], "open", "--within", "60s") as wait:
            see(wait, "presence", basic="closed")
            bob.run("publish", basic="open")
            see(wait, "result", ok=True)
        equal(wait.returncode, 0, "exit code when it came")
        with beckon("wait", "message", "--from", BOB[0], "--matching", "l+o$", "--within", "60s") as wait:
            see(wait, "registration", state="registered")
            bob.run("message", to=ALICE[0], text="good bye")
            bob.run("message", to=ALICE[0], text="hello")
            see(wait, "message", text="good bye")
            see(wait, "result", ok=True)
        equal(wait.returncode, 0, "exit code of a message that came")
        with beckon("wait", "watcher", BOB[0], "--status", "pending", "--within", "60s") as wait:
            see(wait, "watchers")
            bob.run("subscribe", to=ALICE[0])
            see(wait, "result", ok=True)
        equal(wait.returncode, 0, "exit code of a watcher that asked")
        with beckon("wait", "presence", BOB[0], "closed", "--within", "100ms") as wait:
            equal(see(wait, "result")["cause"], "timeout", "cause")
        equal(wait.returncode, 11, "exit code of what did not come in time")


def no_tls_there(server):
    """a port that takes connections and speaks no TLS is named as that, and no refused connection"""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        out = subprocess.run([server.binaries / "beckon", "--account", ALICE[0], "--server", "tls:%s:%d" % silent.getsockname(),
                              "--state", server.data / "s", "register"],
                             env={"BECKON_PASSWORD": ALICE[1]}, capture_output=True, text=True, timeout=60)
    equal(out.returncode, 3, "exit code")
    check("is this a port for TLS?" in out.stderr, out.stderr)


def foreign_user(server):
    """a user of a domain that is not served is refused"""
    out = command(server, "user", "add", "carol@elsewhere.example", "--data", server.data, stdin="x\n")
    check(out.returncode != 0 and "elsewhere.example" in out.stderr, f"refused: {out.returncode} {out.stderr!r}")


def help_of_both(server):
    """`help` explains the commands of either program, and with a name that one"""
    for binary, name, line in [("beckond", "user", "passwd"), ("beckon", "message", "receipts")]:
        out = subprocess.run([server.binaries / binary, "help"], capture_output=True, text=True, timeout=60)
        equal((out.returncode, out.stderr), (0, ""), f"{binary} help")
        check(name in out.stdout, f"{binary} help names {name}: {out.stdout!r}")
        out = subprocess.run([server.binaries / binary, "help", name], capture_output=True, text=True, timeout=60)
        equal((out.returncode, out.stderr), (0, ""), f"{binary} help {name}")
        check(line in out.stdout, f"{binary} help {name} explains {line}: {out.stdout!r}")


run([help_of_both, message_from_the_shell, publish_from_the_shell, interrupted, live_tables, refused_questions, users, foreign_user, waiting, no_tls_there])
