"""`beckon run`: one agent in the background, and the commands, prompts and programs that act as it."""

import json
import os
import stat
import subprocess

from story import ALICE, BOB, LIMIT, Agent, Process, check, equal, run, until


class Home:
    """A person with an account, a home folder and a runtime folder."""

    def __init__(self, server, name="alice"):
        self.server = server
        self.folder = server.data / f"home-{name}"
        self.runtime = self.folder / "run"
        self.runtime.mkdir(parents=True, mode=0o700)
        self.environment = {"HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.runtime), "XDG_DATA_HOME": "",
                            "XDG_CONFIG_HOME": "", "LANG": "C.UTF-8"}
        link = subprocess.run([server.beckond, "user", "invite", f"{name}@example.org", "--data", server.data],
                              capture_output=True, text=True, timeout=60, check=True).stdout.strip()
        equal(self.beckon("account", "add", link).returncode, 0, "exit code of account add")
        self.socket = self.runtime / "beckon" / f"{name}@example.org.sock"

    def beckon(self, *words, typed=""):
        return subprocess.run([self.server.binaries / "beckon", *words], env=self.environment, input=typed,
                              capture_output=True, text=True, timeout=60)

    def start(self, *words):
        return Process([self.server.binaries / "beckon", *words], self.environment)

    def background(self):
        process = self.start("run")
        until(self.socket.exists, "the socket is there")
        until(lambda: "registration: registered" in self.said("snapshot"), "the agent is registered")
        return process

    def said(self, *words):
        out = self.beckon(*words)
        equal(out.returncode, 0, f"exit code of {words} ({out.stdout}{out.stderr})")
        return out.stdout


def bindings(server):
    out = subprocess.run([server.beckond, "tables", "bindings", "--json", "--data", server.data],
                         capture_output=True, text=True, timeout=60, check=True)
    return [row for row in json.loads(out.stdout)["bindings"] if "alice" in row["aor"]]


def one_device(server):
    """commands of a shell are the same device: published once and changed, one binding, until it quits"""
    home = Home(server)
    agent = home.background()
    equal(stat.S_IMODE(os.stat(home.socket).st_mode), 0o600, "mode of the socket")
    with Agent(server, *BOB) as bob:
        bob.run("register")
        bob.run("subscribe", to="alice@example.org")
        home.said("allow", "bob")
        home.said("publish", "open", "--note", "at my desk")
        bob.wait("presence", basic="open")
        home.said("publish", "closed")
        bob.wait("presence", basic="closed")
        equal(len(bob.last("presence")["tuples"]), 1, "devices that bob sees")
        equal(len(bindings(server)), 1, "bindings of alice")
        home.said("message", "bob", "from", "the", "shell")
        bob.wait("message", text="from the shell")
    out = home.said("quit")
    check("quit: done" in out, f"the result of quit: {out}")
    equal(agent.wait(), 0, "exit code of the agent")
    check(not home.socket.exists(), "the socket is gone")
    equal(len(bindings(server)), 0, "bindings after quit")
    equal(home.beckon("quit").returncode, 2, "exit code of quit without an agent")


def prompt_and_program(server):
    """a prompt and a program use it at once; each gets its own results, both get the news, and leaving ends nothing"""
    home = Home(server)
    agent = home.background()
    program = home.start("--json")
    equal(json.loads(program.lines.get(timeout=LIMIT))["event"], "ready", "the first line")
    prompt = home.start()
    prompt.process.stdin.write("snapshot\n")
    prompt.process.stdin.flush()
    while prompt.lines.get(timeout=LIMIT) != "snapshot: done":
        pass
    program.process.stdin.write('{"id":"1","command":"inbox"}\n')
    program.process.stdin.flush()
    names = []
    while not names or names[-1] != "result":
        event = json.loads(program.lines.get(timeout=LIMIT))
        names.append(event["event"])
    equal((names, event["id"], event["ok"]), (["inbox", "result"], "1", True), "the answer to the program")
    with Agent(server, *BOB) as bob:
        bob.run("register")
        bob.run("message", to="alice@example.org", text="to all of you")
    event = json.loads(program.lines.get(timeout=LIMIT))
    equal((event["event"], event["text"]), ("message", "to all of you"), "news for the program")
    equal(prompt.lines.get(timeout=LIMIT), "bob: to all of you", "news at the prompt")
    prompt.process.stdin.write("quit\n")
    prompt.process.stdin.flush()
    equal(prompt.wait(), 0, "exit code of the prompt")
    program.process.stdin.close()
    equal(program.wait(), 0, "exit code of the program")
    check("registration: registered" in home.said("snapshot"), "the agent goes on")
    equal(agent.stop(), 0, "exit code of the agent at SIGTERM")
    check(not any("to all of you" in line for line in agent.errors), "what people write is not logged")
    while (line := agent.lines.get(timeout=LIMIT)) is not None:
        check("to all of you" not in line, "what people write is not shown by the service")


def alone(server):
    """options that describe another agent, and --alone, do not use the one in the background; a second "run" is refused"""
    home = Home(server)
    agent = home.background()
    out = home.beckon("run")
    equal(out.returncode, 2, "exit code of a second run")
    check("runs in the background already" in out.stderr, f"why: {out.stderr}")
    out = home.beckon("--alone", "--json", "snapshot")
    snapshot = next(event for event in map(json.loads, out.stdout.splitlines()) if event["event"] == "snapshot")
    equal(snapshot["registration"], "unregistered", "an agent of its own")
    agent.process.kill()
    agent.wait()
    check(home.socket.exists(), "the socket of an agent that was killed is left")
    agent = home.background()  # and replaced
    equal(agent.stop(), 0, "exit code")


def refused(server):
    """an agent whose password is wrong ends with exit code 4 and says so"""
    home = Home(server)
    password = home.folder / ".config/beckon/passwords/alice@example.org"
    password.write_text("wrong\n")
    out = home.beckon("run")
    equal(out.returncode, 4, f"exit code ({out.stdout}{out.stderr})")
    check("refuses this name or password" in out.stderr, f"why: {out.stderr}")


run([one_device, prompt_and_program, alone, refused])
