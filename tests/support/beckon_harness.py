"""Drives the real binaries, `beckond` and `beckon`, from a script: starts them on free loopback ports,
sends commands, waits on JSON events. Waiting is for an event or for a generous limit, never for a time.

    with Server(binaries) as server:
        server.add_user("alice@example.org", "secret")
        with Agent(server, "alice@example.org", "secret") as alice:
            alice.run("register")
            alice.wait("registration", state="registered")

Every line an agent writes is checked against client/control/contract.schema.json; a line that does not
fit is an error of the run. Needs only Python 3 and, for the check, python3-jsonschema.
"""

import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 30.0  # seconds; a wait that takes longer has failed


class Failure(Exception):
    """A step that did not happen; the text names it."""


class Silence(Failure):
    """What was waited for did not come in time."""


def reason(error):
    """What went wrong, for the line that ends a run: a step that did not happen, or whatever a step stumbled over."""
    if isinstance(error, Failure):
        return str(error)
    said = getattr(error, "stderr", None) or ""  # of a program that failed or did not end
    said = said.decode(errors="replace") if isinstance(said, bytes) else said
    return " ".join(f"{type(error).__name__}: {error} {said[-500:]}".split())


def load_validator():
    try:
        import jsonschema
    except ImportError:
        raise Failure("python3-jsonschema is missing; Debian: apt-get install python3-jsonschema") from None
    schema = json.loads((ROOT / "client/control/contract.schema.json").read_text())
    return jsonschema.Draft202012Validator(schema)


class Process:
    """A child process whose lines are read by threads, so nothing it writes can block it."""

    def __init__(self, arguments, environment=None, log=None):
        self.arguments = [str(each) for each in arguments]
        self.process = subprocess.Popen(
            self.arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})}, text=True, encoding="utf-8", errors="replace", bufsize=1)
        self.log = log
        self.errors = []
        self.lines = queue.Queue()
        self._threads = [threading.Thread(target=self._read, args=each, daemon=True)
                         for each in ((self.process.stdout, self.lines.put), (self.process.stderr, self._on_error))]
        for thread in self._threads:
            thread.start()

    def _read(self, stream, take):
        for line in stream:
            take(line.rstrip("\n"))
        take(None)

    def _on_error(self, line):
        if line is not None:
            self.errors.append(line)
            if self.log:
                self.log(line)

    @property
    def pid(self):
        return self.process.pid

    def stop(self, sig=signal.SIGTERM):
        """Ends the process and gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
        return self.wait()

    def wait(self):
        """Waits for the process to end by itself and gives its exit code."""
        try:
            code = self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"{self.arguments[0]} did not end within {LIMIT:.0f} s") from None
        for thread in self._threads:
            thread.join(LIMIT)
        return code


class Server:
    """One `beckond` on free ports of 127.0.0.1 with a data folder of its own."""

    LISTEN = ("udp", "tcp", "tls", "ws", "wss", "https", "stun", "admin")
    goes_on = False  # it ends with the run that started it

    def __init__(self, binaries, data=None, domain="example.org", options=(), log=None):
        self.beckond = pathlib.Path(binaries) / "beckond"
        self.binaries = pathlib.Path(binaries)
        self._own = data is None
        self.data = pathlib.Path(data or tempfile.mkdtemp(prefix="beckon-"))
        self.domain = domain
        self.options = list(options)
        self.log = log
        self.listen = {}
        self.passwords = {}
        self.process = None

    def start(self):
        arguments = [self.beckond, "run", "--data", self.data, "--domain", self.domain]
        for kind in self.LISTEN:
            # A restarted server comes back where its clients look for it.
            arguments += ["--listen", f"{kind}:{self.listen.get(kind, '127.0.0.1:0')}"]
        self.process = Process(arguments + self.options, log=self.log)
        try:
            line = self.process.lines.get(timeout=LIMIT)
        except queue.Empty:
            raise Failure("beckond printed no ready line") from None
        if line is None or not line.startswith("ready"):
            code = self.process.stop()
            raise Failure(f"beckond did not start (exit {code}): {line or ' / '.join(self.process.errors[-3:])}")
        self.listen = dict(word.split(":", 1) for word in line.split()[1:])
        return self

    def stop(self, sig=signal.SIGTERM):
        process, self.process = self.process, None
        return process.stop(sig) if process else None

    def add_user(self, aor, password):
        done = subprocess.run([self.beckond, "user", "add", aor, "--data", self.data], input=password + "\n",
                              capture_output=True, text=True, timeout=LIMIT)
        if done.returncode:
            raise Failure(f"user add {aor}: exit {done.returncode}: {done.stderr.strip()}")

    @property
    def certificate(self):
        return self.data / "cert.pem"

    def uri(self, transport):
        return f"{transport}:{self.listen[transport]}"

    def password(self, account):
        """Of a user whom this makes when it is asked for the first time."""
        if account not in self.passwords:
            self.passwords[account] = f"secret of {account.partition('@')[0]}"
            self.add_user(account, self.passwords[account])
        return self.passwords[account]

    @property
    def agent_options(self):
        """What `beckon` has to be told of this server."""
        return ["--ca", self.certificate, "--xcap", f"https://{self.listen['https']}/xcap"]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            if self._own:
                shutil.rmtree(self.data, ignore_errors=True)


class Agent:
    """One `beckon --json`: commands in, events out, every line kept in `events`."""

    _validator = None

    def __init__(self, server, aor, password, transport="tls", options=(), state=None, log=None, on_event=None):
        self.name = aor.split("@")[0]
        self.aor = "sip:" + aor
        self.events = []
        self._own = state is None
        self.state = pathlib.Path(state or tempfile.mkdtemp(prefix="beckon-"))
        self.arguments = [server.binaries / "beckon", "--account", aor, "--server", server.uri(transport),
                          *server.agent_options, "--state", self.state, "--direct-loopback", "--json", "--trace", *options]
        self.environment = {"BECKON_PASSWORD": password}
        self.log = log
        self.on_event = on_event
        self.process = None
        self._taken = set()
        self._last_id = 0
        if Agent._validator is None:
            Agent._validator = load_validator()

    def start(self):
        self.process = Process(self.arguments, self.environment, self.log)
        self.wait("ready")
        return self

    def send(self, command, **arguments):
        """Sends a command and gives its id; names with '_' are written with '-'."""
        self._last_id += 1
        line = {"id": str(self._last_id), "command": command}
        line.update({key.replace("_", "-"): value for key, value in arguments.items() if value is not None})
        self.process.process.stdin.write(json.dumps(line) + "\n")
        self.process.process.stdin.flush()
        return line["id"]

    def run(self, command, ok=True, **arguments):
        """Sends a command and waits for its result; `ok` says how it must end (None: either way)."""
        wanted = self.send(command, **arguments)
        result = self.wait("result", id=wanted)
        if ok is not None and result["ok"] != ok:
            raise Failure(f"{self.name}: {command}: {result['cause']} {result.get('status', '')} {result.get('reason', '')}")
        return result

    def _read_one(self, deadline, limit, what):
        try:
            line = self.process.lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise Silence(f"{self.name}: waited {limit:.3g} s for {what}") from None
        if line is None:
            self.process.lines.put(None)
            raise Failure(f"{self.name}: ended before {what}: {' / '.join(self.process.errors[-3:])}")
        event = json.loads(line)
        error = next(iter(Agent._validator.iter_errors(event)), None)
        if error is not None:
            raise Failure(f"{self.name}: a line does not follow the contract: {error.message}: {line}")
        self.events.append(event)
        if self.on_event:
            self.on_event(self, event)

    def wait(self, name, where=None, limit=LIMIT, **members):
        """The first event `name` not given before that has these members and for which `where(event)` holds."""
        what = f"{name} {members or ''}".strip()
        deadline = time.monotonic() + limit
        at = 0
        while True:
            while at < len(self.events):
                event = self.events[at]
                if (at not in self._taken and event["event"] == name
                        and all(event.get(key) == value for key, value in members.items())
                        and (where is None or where(event))):
                    self._taken.add(at)
                    return event
                at += 1
            self._read_one(deadline, limit, what)

    def comes(self, name, limit, **members):
        """Like `wait`, but what does not come within `limit` seconds is None."""
        try:
            return self.wait(name, limit=limit, **members)
        except Silence:
            return None

    def forget(self):
        """Events that have come until now will not be given by `wait`."""
        while not self.process.lines.empty():
            self._read_one(time.monotonic() + LIMIT, LIMIT, "what has been written")
        self._taken.update(range(len(self.events)))

    def last(self, name):
        return next((each for each in reversed(self.events) if each["event"] == name), None)

    def quit(self):
        """Asks for a clean end and gives the exit code."""
        self.send("quit")
        self.wait("bye")
        process, self.process = self.process, None
        return process.wait()

    def stop(self, sig=signal.SIGTERM):
        process, self.process = self.process, None
        return process.stop(sig) if process else None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            if self._own:
                shutil.rmtree(self.state, ignore_errors=True)
