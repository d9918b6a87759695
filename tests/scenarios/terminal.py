"""Two people at terminals of tmux: what stands on their screens is compared with tests/scenarios/terminal/*.txt, where times,
versions and ports are replaced by words; --update writes these files anew. The same story with --json follows."""

import contextlib
import itertools
import os
import pathlib
import re
import subprocess
import tempfile

from story import ALICE, BOB, Agent, Failure, Process, check, equal, parser, run, until
from sip_user import SipUser  # noqa: E402, in the folder that story adds

SCREENS = pathlib.Path(__file__).resolve().parent / "terminal"
COLUMNS, ROWS = 100, 40
numbers = itertools.count()  # of the tmux servers: one that ends may still hold its socket


class Terminal:
    """A person at a terminal, in a tmux server of its own."""

    def __init__(self, server, aor, password, folder, options=(), state=None, command=None, environment=None):
        self.name = aor.split("@")[0]
        self.socket = folder / f"{next(numbers)}.tmux"
        command = command or " ".join(f"'{each}'" for each in [
            server.binaries / "beckon", "--account", aor, "--server", server.uri("tls"), "--ca", server.certificate, "--xcap",
            f"https://{server.listen['https']}/xcap", "--state", state or folder / self.name, "--direct-loopback", *options])
        environment = {"PATH": os.environ["PATH"], "BECKON_PASSWORD": password, "LANG": "C.UTF-8", "TZ": "CET-1",
                       "HOME": str(folder), "HISTFILE": "/dev/null", **(environment or {})}
        # The shell stays when the program has ended, so that the terminal's settings can be asked for.
        self._tmux("-u", "-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS),
                   f"{command}; echo ended with $?; exec bash --norc --noprofile", env=environment)

    def _tmux(self, *words, env=None):
        done = subprocess.run(["tmux", "-S", self.socket, *words], capture_output=True, text=True, env=env, timeout=30)
        if done.returncode:
            raise Failure(f"tmux {words[0]}: {done.stderr.strip()}")
        return done.stdout

    def type(self, text):
        self._tmux("send-keys", "-l", "--", text)

    def press(self, *keys):
        self._tmux("send-keys", *keys)

    def enter(self, text):
        self.type(text)
        self.press("Enter")

    def paste(self, text):
        self._tmux("set-buffer", "--", text)
        self._tmux("paste-buffer", "-p")  # bracketed, where the program has asked for it

    def screen(self):
        return self._tmux("capture-pane", "-p").rstrip("\n")

    def see(self, pattern):
        """Waits until the screen has it."""
        try:
            until(lambda: re.search(pattern, self.screen(), re.M), f"{self.name} sees {pattern!r}")
        except Failure as error:
            raise Failure(f"{error}; the screen:\n{self.screen()}") from None

    def resize(self, columns):
        self._tmux("resize-window", "-x", str(columns), "-y", str(ROWS))

    def close(self):
        with contextlib.suppress(Failure):
            self._tmux("kill-server")


@contextlib.contextmanager
def terminals(server, *people, options=()):
    with tempfile.TemporaryDirectory(prefix="bk-", ignore_cleanup_errors=True) as folder, contextlib.ExitStack() as stack:
        opened = []
        for each in people:
            opened.append(Terminal(server, *each, pathlib.Path(folder), options))
            stack.callback(opened[-1].close)
        yield opened


def compare(terminal, name):
    """The screen, with words in place of what differs each time, is the one in the file."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d CET", "DATE TIME CET", terminal.screen())
    text = re.sub(r"\d\d:\d\d:\d\d CET", "TIME CET", text)
    text = re.sub(r"beckon \d+\.\d+\.\d+", "beckon VERSION", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"message [0-9a-f]{8,}:", "message ID:", text)
    file = SCREENS / f"{name}.txt"
    if arguments.update:
        file.write_text(text + "\n")
    equal(text, file.read_text().rstrip("\n"), f"the screen {name}")


def people(server):
    """first start, a buddy appears, permission asked and given, a line being typed while a message arrives, a call, an error"""
    with terminals(server, ALICE, BOB) as (alice, bob):
        alice.see(r"^alice>$")
        compare(alice, "first_start")
        for each in (alice, bob):
            each.enter("register")
            each.see("^register: done")
        alice.enter("subscribe alice --package presence.winfo")
        alice.see("^subscribe: done")
        alice.enter("publish open --activity meeting --note \"back at ten\" --direct auto")
        alice.see("^publish: done")
        alice.press("C-l")
        bob.enter("subscribe alice")
        bob.see("^subscribe: done")
        bob.see("alice is asked")
        alice.see("bob asks to see you: type allow bob, or block bob")
        alice.type("message bob Hel")
        alice.see("^alice> message bob Hel$")
        bob.enter("message alice Are you there?")
        alice.see("bob: Are you there[?]\nalice> message bob Hel$")
        compare(alice, "typing")
        alice.enter("lo!")
        bob.see("alice: Hello!")
        alice.type("al")
        alice.press("Tab")
        alice.type("b")
        alice.press("Tab")
        alice.see("^alice> allow bob$")
        alice.enter("--direct auto")
        alice.see("^allow: done")
        bob.see("alice is open, meeting: back at ten .direct sessions: auto.")
        bob.press("C-l")
        bob.enter("who")
        bob.see("^  alice  open     meeting: back at ten")
        compare(bob, "buddy")
        alice.press("C-l")
        bob.enter("call alice")
        alice.see("session 1: bob calls: type answer 1, or reject 1")
        alice.enter("answer 1")
        bob.see("session 1 with alice: active")
        alice.see("session 1 with bob: active")
        compare(alice, "call")
        bob.enter("hangup 1")
        bob.see("session 1 with alice: ended")
        alice.see("session 1 with bob: ended")
        alice.press("C-l")
        alice.enter("alow bob")
        alice.see("do you mean allow[?]")
        alice.enter("allow bob --direct sometimes")
        alice.see("sometimes is not off.ask.auto")
        compare(alice, "error")
        alice.press("Up", "Up")
        alice.see("^alice> alow bob$")
        alice.press("C-u")
        alice.enter("block bob")
        bob.see("alice does not let you see its presence|alice is not watched any more")
        alice.enter("quit")
        alice.see("^ended with 0$")
        alice.enter("stty -a")
        alice.see("icrnl")
        check(" -icanon" not in alice.screen() and " -echo " not in alice.screen(), f"the terminal is as before: {alice.screen()}")


def hostile_texts(server):
    """escape sequences, marks of direction and line ends of others do nothing to a terminal, and --json has them whole"""
    text = "\x1b[2J\x1b]0;owned\x07 \u202eevil\u2066 \u65e5\u672c\none\ttwo"
    with terminals(server, ALICE) as (alice,), Agent(server, *BOB) as bob:
        alice.enter("register")
        alice.see("^register: done")
        bob.run("register")
        bob.run("message", to=ALICE[0], text=text)
        alice.see("bob: <U\\+001B>\\[2J<U\\+001B>\\]0;owned<U\\+0007> <U\\+202E>evil<U\\+2066> \u65e5\u672c\n    one two\n")
        check("register: done" in alice.screen(), f"the screen was not cleared: {alice.screen()}")
        with Agent(server, *ALICE) as device:
            device.run("register")
            bob.run("message", to=ALICE[0], text=text)
            equal(device.wait("message")["text"], text, "the text with --json")


def hostile_people(server):
    """60 KiB of a note or a name with marks of direction in it take some rows, and --json has valid lines with all of it; a message
    that is not UTF-8 is refused"""
    much = "\u202e" + "evil " * 12000
    with terminals(server, ALICE) as (alice,), Agent(server, *ALICE) as device, Agent(server, *BOB) as bob:
        for each in (device, bob):
            each.run("register")
        bob.run("allow", watcher=device.aor)
        bob.run("publish", basic="open", note=much)
        alice.enter("register")
        alice.see("^register: done")
        alice.enter("subscribe bob")
        alice.see(r"bob is open, <U\+202E>evil (.|\n)*\u2026")
        alice.see("^alice>$")
        device.run("subscribe", to=bob.aor)
        seen = device.wait("presence", of=bob.aor, basic="open")
        check(much in [each.get("note") for each in seen["tuples"]], "the whole note with --json")
        device.run("contacts add", contact=bob.aor, name=much.strip())
        alice.press("C-l")
        alice.enter("contacts list")
        alice.see(r"^    bob  <U\+202E>evil (.|\n)*\u2026")
        alice.see("^contacts list: done")
        device.run("contacts list")
        equal(device.last("contacts")["groups"][0]["contacts"][0]["name"], much.strip(), "the whole name with --json")
        with contextlib.closing(SipUser(server, *BOB, "tcp")) as sender:
            request = sender.request("MESSAGE", device.aor, [("Content-Type", "text/plain")], b"caf\xe9 \xff\x1b[2J done")
            sender.send(request)
            refusal = sender.receive()
            sender.send(sender.authorised(request, refusal))
            equal(sender.receive().status, 400, "the answer to a text that is not UTF-8")
        bob.run("message", to=device.aor, text="still there?")
        device.wait("message", text="still there?")
        alice.see("bob: still there[?]$")
        check("caf" not in alice.screen(), f"what could not be read is not shown: {alice.screen()}")


def typing(server):
    """a paste of several lines is one message; wide characters, a narrow window, Ctrl-C, and the history of the last time"""
    with tempfile.TemporaryDirectory(prefix="bk-", ignore_cleanup_errors=True) as folder, Agent(server, *BOB) as bob:
        bob.run("register")
        first = Terminal(server, *ALICE, pathlib.Path(folder))
        try:
            first.see("^alice>$")
            first.type("message bob ")
            first.paste("one\ntwo \u65e5\u672c")
            first.see("^alice> message bob one\u23cetwo \u65e5\u672c$")
            first.press("Left", "Left", "BSpace")
            first.enter("x")
            equal(bob.wait("message")["text"], "one\ntwox\u65e5\u672c", "the text")
            first.type("0123456789" * 9)
            first.resize(40)
            first.see("^alice> <[0-9]+$")
            first.resize(COLUMNS)
            first.press("C-c")
            first.see("^alice>$")
            first.press("C-d")
            first.see("^ended with 0$")
        finally:
            first.close()
        history = pathlib.Path(folder) / "alice/history"
        equal(history.stat().st_mode & 0o777, 0o600, "the history's mode")
        again = Terminal(server, *ALICE, pathlib.Path(folder))
        try:
            again.see("^alice>$")
            again.press("C-r")
            again.type("two")
            again.see("^.search: two. message bob one")
            again.press("C-c", "C-c")
            again.see("^ended with 0$")
        finally:
            again.close()


def attached(server):
    """at the agent in the background: contacts by the names they have, several of one name, and the history of the last prompt"""
    with tempfile.TemporaryDirectory(prefix="bk-", ignore_cleanup_errors=True) as name, Agent(server, *BOB) as bob:
        folder = pathlib.Path(name)
        environment = {"HOME": name, "XDG_RUNTIME_DIR": name, "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "", "LANG": "C.UTF-8"}
        link = subprocess.run([server.beckond, "user", "invite", ALICE[0], "--data", server.data], capture_output=True, text=True,
                              timeout=60, check=True).stdout.strip()
        beckon = server.binaries / "beckon"
        subprocess.run([beckon, "account", "add", link], env=environment, check=True, capture_output=True, timeout=60)
        agent = Process([beckon, "run"], environment)
        until((folder / f"beckon/{ALICE[0]}.sock").exists, "the agent is there")
        bob.run("register")

        def prompt():
            return Terminal(server, *ALICE, folder, command=beckon, environment=environment)
        first = prompt()
        try:
            first.see("the agent in the background")
            first.enter('contacts add bob --name "Bob Dylan"')
            first.see("^contacts add: done")
            first.enter("contacts list")
            first.see("^    bob  Bob Dylan$")
            first.enter('message "Bob Dylan" by your name')
            equal(bob.wait("message")["text"], "by your name", "the text")
            first.enter('contacts add zoe@example.com --name "Bob Dylan"')
            first.enter("contacts list")
            first.see("zoe@example.com  Bob Dylan")
            first.press("C-l")
            first.enter('message "Bob Dylan" who of you')
            first.see("Bob Dylan may be bob@example.org or zoe@example.com; type")
            first.enter("quit")
            first.see("^ended with 0$")
        finally:
            first.close()
        second = prompt()
        try:
            second.see("^alice>$")
            second.press("C-r")
            second.type("by your")
            second.see('message "Bob Dylan" by your name')
            second.press("C-c", "C-c")
            second.see("^ended with 0$")
        finally:
            second.close()
        equal(agent.stop(), 0, "exit code of the agent")


def same_with_json(server):
    """the same story with --json: each line is checked against the schema"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        for each in (alice, bob):
            each.run("register")
        alice.run("subscribe", to=alice.aor, package="presence.winfo")
        alice.run("publish", basic="open", activity="meeting", note="back at ten", direct="auto")
        bob.run("subscribe", to=alice.aor)
        bob.wait("subscription", to=alice.aor, state="pending")
        alice.wait("watchers", where=lambda e: any(w["aor"] == bob.aor and w["status"] == "pending" for w in e["watchers"]))
        bob.run("message", to=alice.aor, text="Are you there?")
        alice.wait("message", text="Are you there?")
        alice.run("message", to=bob.aor, text="Hello!")
        bob.wait("message", text="Hello!")
        alice.run("allow", watcher=bob.aor, direct="auto")
        bob.wait("presence", of=alice.aor, basic="open", where=lambda e: e["tuples"][0].get("direct", {}).get("granted"))
        call = bob.run("call", to=alice.aor)["call"]
        ringing = alice.wait("call", direction="in", state="ringing")
        alice.run("answer", call=ringing["call"])
        bob.wait("call", call=call, state="active")
        alice.wait("call", state="active")
        bob.run("hangup", call=call)
        alice.wait("call", state="ended")
        refused = alice.run("alow", ok=False, watcher=bob.aor)
        equal(refused["cause"], "usage", "an unknown command")
        refused = alice.run("allow", ok=False, watcher=bob.aor, direct="sometimes")
        check("sometimes is not off|ask|auto" in refused["reason"], refused["reason"])
        equal(alice.quit(), 0, "exit code")


if __name__ == "__main__":
    words = parser()
    words.add_argument("--update", action="store_true", help="write the screens instead of comparing them")
    arguments = words.parse_args()
    run([people, hostile_texts, hostile_people, typing, attached, same_with_json], arguments=arguments)
