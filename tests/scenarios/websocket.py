"""A user in a browser: JsSIP or SIP.js over WebSocket (RFC 7118) beside a `beckon` over TLS."""

import fcntl
import json
import os
import pathlib
import queue
import shutil
import socket
import subprocess
import time

from story import ALICE, BOB, LIMIT, Agent, Failure, Process, check, equal, run, until

HERE = pathlib.Path(__file__).resolve().parent / "browser"


def install(folder):
    """The npm packages of browser/package-lock.json, in the build folder; once per lock file."""
    wanted = (HERE / "package-lock.json").read_text()
    done = folder / "installed"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the same story runs with other numbers of shards beside us
        if not done.exists() or done.read_text() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, folder)
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=folder,
                           check=True, timeout=200)
            done.write_text(wanted)
    return folder


class Browser:
    """One `browser/user.js`."""

    def __init__(self, server, aor, password, stack, scheme="ws"):
        self.modules = install(server.binaries.parent / "browser")
        self.arguments = ["node", HERE / "user.js", stack, f"{scheme}://{server.listen[scheme]}", aor]
        if scheme == "wss":
            self.arguments.append(server.certificate)
        self.environment = {"BECKON_PASSWORD": password, "BECKON_NODE_MODULES": str(self.modules)}
        self.aor = "sip:" + aor
        self.events = []

    def __enter__(self):
        self.process = Process(self.arguments, {**os.environ, **self.environment})
        self.wait("connected")
        return self

    def __exit__(self, *_):
        self.process.stop()

    def send(self, **command):
        self.process.process.stdin.write(json.dumps(command) + "\n")
        self.process.process.stdin.flush()

    def wait(self, name, where=lambda event: True):
        """The first event `name` not given before for which `where(event)` holds."""
        deadline = time.monotonic() + LIMIT
        while True:
            for event in self.events:
                if event["event"] == name and where(event):
                    self.events.remove(event)
                    return event
            try:
                line = self.process.lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Failure(f"{self.aor}: waited for {name}; saw {self.events}") from None
            if line is None:
                raise Failure(f"{self.aor}: ended: {' / '.join(self.process.errors[-3:])}")
            self.events.append(json.loads(line))


def browser(server, stack, scheme):
    with Browser(server, *ALICE, stack, scheme) as alice, Agent(server, *BOB) as bob:
        alice.send(do="register")
        registered = alice.wait("registered")
        equal(registered["status"], 200, "the answer to alice's registration")
        # JsSIP makes its dialogs with the GRUU it was given, SIP.js with its own address.
        check(".invalid" in registered["contact"] and (".invalid" in registered["own"] or ";gr=" in registered["own"]),
              f"a contact that cannot be dialled, not {registered}")
        bob.run("register")

        alice.send(do="message", to=BOB[0], text="from a browser")
        equal(alice.wait("sent")["status"], 200, "the answer to alice's message")
        bob.wait("message", text="from a browser", **{"from": alice.aor})
        equal(bob.run("message", to=alice.aor, text="down the WebSocket")["status"], 200, "the answer to bob's message")
        equal(alice.wait("message"), {"event": "message", "from": bob.aor, "text": "down the WebSocket"},
              "alice's message")

        alice.send(do="subscribe", to=BOB[0])
        alice.wait("pending")
        bob.run("allow", watcher=alice.aor)
        alice.wait("active")
        bob.run("publish", basic="open", note="at my desk")
        told = alice.wait("notify", lambda event: "at my desk" in event["body"])
        check("<basic>open</basic>" in told["body"], f"bob is open, not {told['body']}")


def plain_jssip(server):
    """JsSIP registers over ws with digest, sends and gets a MESSAGE, subscribes and is notified"""
    browser(server, "jssip", "ws")


def secure_jssip(server):
    """the same over wss"""
    browser(server, "jssip", "wss")


def plain_sipjs(server):
    """SIP.js does the same over ws"""
    browser(server, "sipjs", "ws")


def secure_sipjs(server):
    """and over wss"""
    browser(server, "sipjs", "wss")


def tab_closed(server):
    """a browser that disconnects is offline at once: its contact, which cannot be dialled, is removed"""
    def bindings():
        done = subprocess.run([server.beckond, "tables", "bindings", "--data", server.data, "--json"],
                              capture_output=True, text=True, timeout=LIMIT, check=True)
        return [(row["aor"], row["transport"]) for row in json.loads(done.stdout).get("bindings", [])]

    with Browser(server, *ALICE, "jssip") as alice:
        alice.send(do="register")
        alice.wait("registered")
        equal(bindings(), [(alice.aor, "ws")], "the bindings")
    until(lambda: not bindings(), "the binding of the browser that went is gone")
    with Agent(server, *BOB) as bob:
        bob.run("register")
        equal(bob.run("message", to=alice.aor, text="still there?")["status"], 202, "status: stored")


def no_upgrade(server):
    """GET / on the WebSocket port without Upgrade is answered 426"""
    host, port = server.listen["ws"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), LIMIT) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    check(answer.startswith(b"HTTP/1.1 426 ") and b"\r\nUpgrade: websocket\r\n" in answer, f"426, not {answer!r}")


run([plain_jssip, secure_jssip, plain_sipjs, secure_sipjs, tab_closed, no_upgrade])
