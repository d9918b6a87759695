"""The five minutes of README.md, typed as they stand there by two people at terminals: the default ports, a home
folder of their own; and its scenario, played."""

import argparse
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from beckon_harness import LIMIT, Failure, Process, reason  # noqa: E402

HEARD_OCTETS = 16000  # of the recording; more than a second at any rate we record with
PERSON = re.compile(r"# (\w+), in ")


def section_of(title):
    return (ROOT / "README.md").read_text().split(f"## {title}\n")[1].split("\n## ")[0]


def five_minutes():
    """The block's shell lines, and for each person the program's line and what is typed."""
    section = section_of("Five minutes by hand")
    shell, people = [], {}
    for line in section.splitlines():
        text, depth = line.strip(), len(line) - len(line.lstrip())
        who = PERSON.match(text)
        if depth < 4 or not text:
            continue
        if who:
            person = people[who.group(1)] = {"program": None, "typed": []}
        elif not people:
            shell.append(text)
        elif person["program"] is None:
            person["program"] = text
        else:
            person["typed"].append(text)
    return shell, people


class Terminal:
    """A person at a terminal: types lines, reads what is shown."""

    def __init__(self, name, command, environment):
        self.name = name
        self.shown = ""
        self._seen = 0
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.execve("/bin/bash", ["bash", "-c", command], {**environment, "TERM": "dumb"})

    def type(self, line):
        os.write(self._fd, (line + "\n").encode())

    def see(self, pattern):
        """Waits until what was not looked at before matches."""
        deadline = time.monotonic() + LIMIT
        while not (found := re.search(pattern, self.shown[self._seen:])):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._fd], [], [], left)[0]:
                raise Failure(f"{self.name} waited {LIMIT:.0f} s to see {pattern!r}; shown: {self.shown[self._seen:]!r}")
            try:
                self.shown += os.read(self._fd, 4096).decode(errors="replace")
            except OSError:
                raise Failure(f"{self.name}'s program ended before {pattern!r}: {self.shown!r}") from None
        self._seen += found.end()
        return found

    def close(self):
        os.kill(self.pid, signal.SIGTERM)
        while True:  # the program may have much to say until it ends
            try:
                if not os.read(self._fd, 4096):
                    break
            except OSError:
                break
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def talk(person):
    """Until 100 packets, two seconds of sound, have come."""
    received = 0
    while received < 100:
        person.type("statistics 1")
        received = int(person.see(r"session 1: sent \d+, received (\d+)").group(1))


def here(line, binaries, folder):
    return line.replace("/tmp/", f"{folder}/").replace("build/release/bin", str(binaries))


def scenario(binaries, folder):
    """The scenario of one's own, written and played as it stands there."""
    lines = [line.strip() for line in section_of("A scenario of your own").splitlines() if line.startswith("    ")]
    done = subprocess.run(["/bin/bash", "-e", "-c", here("\n".join(lines), binaries, folder)], capture_output=True, text=True, timeout=120)
    if done.returncode or not done.stdout.endswith("1 passed, 0 failed\n"):
        raise Failure(f"exit code {done.returncode}: {done.stdout}{done.stderr}")


def play(binaries, folder):
    shell, people = five_minutes()
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    run, *rest = shell
    command, _, _ = run.partition("&")
    server = Process(["/bin/bash", "-c", "exec " + here(command, binaries, folder)], {**environment, "XDG_DATA_HOME": ""})
    terminals = {}
    try:
        line = server.lines.get(timeout=LIMIT)
        if not line or not line.startswith("ready"):
            raise Failure(f"{command}: {line or ' / '.join(server.errors)}")
        for each in rest:
            subprocess.run(["/bin/bash", "-c", here(each, binaries, folder)], check=True, env=environment, cwd=ROOT, timeout=LIMIT)
        for name, person in people.items():
            terminals[name] = Terminal(name, f"exec {here(person['program'], binaries, folder)}", environment)
        alice, bob = terminals["alice"], terminals["bob"]
        for name, person in people.items():
            for typed in person["typed"]:
                terminals[name].type(here(typed, binaries, folder))
                terminals[name].see(typed.split()[0] + r"(: done| \S+: delivered)")
                if typed.startswith("call"):
                    for each in (alice, bob):
                        each.see("session 1 with .*: active")
                    talk(bob)
        alice.see("session 1 with bob: ended")
        if "bob: Curiouser and curiouser" not in alice.shown:
            raise Failure(f"alice did not read bob's message: {alice.shown!r}")
        if (folder / "heard.wav").stat().st_size < HEARD_OCTETS:
            raise Failure("heard.wav holds less than a second of sound")
        for name, terminal in terminals.items():
            if code := terminal.close():
                raise Failure(f"{name}'s program ended with {code}")
        terminals.clear()
    finally:
        for terminal in terminals.values():
            terminal.close()
        server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--binaries", required=True)
    binaries = pathlib.Path(parser.parse_args().binaries).resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="beckon-readme-"))
    try:
        play(binaries, folder)
        scenario(binaries, folder)
    except Exception as error:
        sys.exit(f"FAILED: README.md: {reason(error)}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("2 passed, 0 failed")
