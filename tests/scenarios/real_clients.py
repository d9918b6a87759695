"""Real user agents (Debian's baresip and twinkle-console) as publishers and watchers: each shows open, closed and open again
to a `beckon` that watches, and sees the same of a `beckon` that publishes, over UDP and TCP; baresip over TLS, too, which
twinkle does not have.
"""

import json
import pathlib
import re
import shutil
import socket
import tempfile

from story import ALICE, BOB, LIMIT, Agent, Process, check, run, until

STATES = ("open", "closed", "open")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Client:
    """A program with a folder of its own."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="beckon-client-"))
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        try:
            self.end()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def end(self):
        self.process.stop()


class Baresip(Client):
    """Driven by its control socket; registers, publishes its state, watches one contact."""

    WORDS = {"open": "Online", "closed": "Offline"}

    def __init__(self, server, user, transport, contact):
        super().__init__()
        self.port = free_port()
        (self.folder / "config").write_text("".join(f"{line}\n" for line in (
            "module_path /usr/lib/baresip/modules", "module account.so", "module contact.so", "module_app presence.so",
            "module_app ctrl_tcp.so", f"ctrl_tcp_listen 127.0.0.1:{self.port}", f"sip_cafile {server.certificate}")))
        (self.folder / "accounts").write_text(
            f"<sip:{user[0]};transport={transport}>;auth_pass={user[1]};regint=600;pubint=600;"
            f"outbound=\"sip:{server.listen[transport]};transport={transport}\"\n")
        (self.folder / "contacts").write_text(f"\"Contact\" <sip:{contact[0]}>;presence=p2p\n")

    def start(self):
        self.process = Process(["baresip", "-f", self.folder])
        until(self.is_up, "baresip listens")

    def is_up(self):
        check(self.process.process.poll() is None, "baresip runs")
        try:
            return bool(self.command("contacts"))
        except ConnectionRefusedError:
            return False

    def command(self, name):
        """The text that the command prints."""
        text = json.dumps({"command": name, "token": "t"})
        with socket.create_connection(("127.0.0.1", self.port), LIMIT) as line:
            line.sendall(f"{len(text)}:{text},".encode())
            answer = b""
            while not (found := re.match(rb"(\d+):", answer)) or len(answer) < found.end() + int(found.group(1)):
                more = line.recv(65536)
                check(more, f"baresip answers {name}")
                answer += more
        return json.loads(answer[found.end():found.end() + int(found.group(1))]).get("data", "")

    def begin(self):
        """It publishes by itself that it is open."""

    @staticmethod
    def made(its_tuple):
        return its_tuple["id"] == "t4109"

    def publish(self, state):
        self.command({"open": "presence_online", "closed": "presence_offline"}[state])

    def sees(self, state):
        return self.WORDS[state] in self.command("contacts")


class Twinkle(Client):
    """Driven by its prompt. It shows nobody's state there: what it has been told is in its log."""

    def __init__(self, server, user, transport, contact):
        super().__init__()
        self.folder_of_profile = self.folder / ".twinkle"
        self.folder_of_profile.mkdir()
        self.name, domain = user[0].split("@")
        (self.folder_of_profile / f"{self.name}.cfg").write_text(
            f"user_name={self.name}\nuser_domain={domain}\nauth_name={self.name}\nauth_pass={user[1]}\n"
            f"outbound_proxy={server.listen[transport]}\n"
            f"all_requests_to_proxy=yes\nregister_at_startup=yes\npres_publish_startup=no\nsip_transport={transport}\n")
        (self.folder_of_profile / f"{self.name}.bud").write_text(f"Contact|{contact[0]}|y\n")
        (self.folder_of_profile / "twinkle.sys").write_text(f"sip_port={free_port()}\nlog_max_size=5\n")

    def start(self):
        self.process = Process(["twinkle-console", f"{self.name}.cfg"], {"HOME": str(self.folder)})

    def end(self):
        self.say("quit")  # it does not hear signals at its prompt
        self.process.wait()

    def say(self, words):
        self.process.process.stdin.write(words + "\n")
        self.process.process.stdin.flush()

    def begin(self):
        self.publish("open")

    @staticmethod
    def made(its_tuple):
        return "contact" not in its_tuple  # the server's own tuple of a registered device has one

    def publish(self, state):
        self.say({"open": "presence -b online", "closed": "presence -b offline"}[state])

    def sees(self, state):
        told = re.findall(r"<basic>(\w+)</basic>", (self.folder_of_profile / "twinkle.log").read_text(errors="replace"))
        return bool(told) and told[-1] == state


def shows(alice, bob):
    """bob, a beckon, sees what the client publishes. Each state is published when the one before has been answered."""
    bob.run("subscribe", to=f"sip:{ALICE[0]}")
    alice.begin()
    bob.wait("presence", basic="open", where=lambda event: any(alice.made(each) for each in event["tuples"]))
    for state in STATES[1:]:
        bob.forget()
        alice.publish(state)
        bob.wait("presence", basic=state)


def sees(alice, bob):
    """The client sees what bob, a beckon, publishes."""
    for state in STATES:
        bob.run("publish", basic=state)
        until(lambda state=state: alice.sees(state), f"{type(alice).__name__} sees bob {state}")


def play(server, client, transports, *parts):
    for transport in transports:
        with Agent(server, *BOB) as bob, client(server, ALICE, transport, BOB) as alice:
            bob.run("register")
            for part in parts:
                part(alice, bob)


def baresip(server):
    """baresip shows alice open, closed and open, and sees bob so, over UDP, TCP and TLS"""
    play(server, Baresip, ("udp", "tcp", "tls"), shows, sees)


def twinkle(server):
    """twinkle shows alice open, closed and open, and sees bob so, over UDP and TCP"""
    play(server, Twinkle, ("udp", "tcp"), shows, sees)


run([baresip, twinkle], ["--watcher-policy", "allow"])
