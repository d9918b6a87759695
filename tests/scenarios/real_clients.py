"""Real user agents (Debian's baresip and twinkle-console). As publishers and watchers: each shows open, closed and open again
to a `beckon` that watches, and sees the same of a `beckon` that publishes; each takes a message of it, and writes one. Among
themselves: each calls and messages each. All over UDP and TCP; baresip over TLS, too, which twinkle does not have.
"""

import json
import pathlib
import queue
import re
import shutil
import socket
import subprocess
import tempfile
import wave

from story import ALICE, BOB, LIMIT, Agent, Failure, Process, check, run, until
from ports import reserve_port

STATES = ("open", "closed", "open")
CAROL = ("carol@example.org", "hookah")


class Client:
    """A program with a folder of its own."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="beckon-client-"))
        self.process = None

    def says(self, pattern):
        """Waits for a line of its output; those before it are dropped."""
        while True:
            try:
                line = self.process.lines.get(timeout=LIMIT)
            except queue.Empty:
                line = None
            if line is None:
                raise Failure(f"{type(self).__name__} said no {pattern!r}")
            if re.search(pattern, line):
                return

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
    """Driven by its control socket; registers, publishes its state, watches one contact, and calls it with a silent file."""

    WORDS = {"open": "Online", "closed": "Offline"}

    def __init__(self, server, user, transport, contact):
        super().__init__()
        self.port, self.contact = reserve_port(), contact[0]
        self.line, self.octets, self.events = None, b"", []
        sound = self.folder / "silence.wav"
        with wave.open(str(sound), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(bytes(16000))
        (self.folder / "config").write_text("".join(f"{line}\n" for line in (
            "module_path /usr/lib/baresip/modules", "module account.so", "module contact.so", "module g711.so", "module aufile.so", "module stdio.so",
            "module_app presence.so", "module_app menu.so", "module_app ctrl_tcp.so", f"ctrl_tcp_listen 127.0.0.1:{self.port}",
            "net_interface 127.0.0.1", f"audio_source aufile,{sound}", f"audio_player aufile,{self.folder / 'heard.wav'}",
            "ring_aufile none", "ringback_aufile none", f"sip_cafile {server.certificate}")))
        (self.folder / "accounts").write_text(
            f"<sip:{user[0]};transport={transport}>;auth_pass={user[1]};regint=600;pubint=600;"
            f"outbound=\"sip:{server.listen[transport]};transport={transport}\"\n")
        (self.folder / "contacts").write_text(f"\"Contact\" <sip:{contact[0]}>;presence=p2p\n")

    def start(self):
        self.process = Process(["baresip", "-f", self.folder])
        until(self.is_up, "baresip listens")

    def end(self):
        super().end()
        self.line.close()

    def is_up(self):
        check(self.process.process.poll() is None, "baresip runs")
        try:
            self.line = socket.create_connection(("127.0.0.1", self.port), LIMIT)
            return True
        except ConnectionRefusedError:
            return False

    def next(self):
        """What the control socket says next: an event or a response, a netstring of JSON."""
        while not (found := re.match(rb"(\d+):", self.octets)) or len(self.octets) <= found.end() + int(found.group(1)):
            more = self.line.recv(65536)
            check(more, "baresip speaks")
            self.octets += more
        end = found.end() + int(found.group(1))
        text, self.octets = self.octets[found.end():end], self.octets[end + 1:]
        return json.loads(text)

    def command(self, name, parameters=None):
        """The text that the command prints."""
        text = json.dumps({"command": name, "token": "t", **({"params": parameters} if parameters else {})})
        self.line.sendall(f"{len(text)}:{text},".encode())
        while not (said := self.next()).get("response"):
            self.events.append(said["type"])
        return said.get("data", "")

    def wait(self, event):
        """Waits for an event; those before it are dropped."""
        while not self.events or self.events.pop(0) != event:
            if not self.events and not (said := self.next()).get("response"):
                self.events.append(said["type"])

    def begin(self):
        """It publishes by itself that it is open."""

    @staticmethod
    def made(its_tuple):
        return its_tuple["id"] == "t4109"

    def publish(self, state):
        self.command({"open": "presence_online", "closed": "presence_offline"}[state])

    def sees(self, state):
        return self.WORDS[state] in self.command("contacts")

    def call(self):
        self.command("dial", f"sip:{self.contact}")

    def is_called(self):
        self.wait("CALL_INCOMING")

    def answer(self):
        self.command("accept")

    def talks(self):
        self.wait("CALL_ESTABLISHED")

    def hang_up(self):
        self.command("hangup")

    def is_over(self):
        self.wait("CALL_CLOSED")

    def write(self, text):
        self.command("contact_next")
        self.command("message", text)

    def reads(self, text):
        # It shows messages on standard error; the command only takes its time.
        until(lambda: self.command("contacts") and any(text in line for line in self.process.errors), f"baresip shows {text!r}")


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
        (self.folder_of_profile / "twinkle.sys").write_text(
            f"sip_port={reserve_port()}\nrtp_port={reserve_port()}\nlog_max_size=5\nplay_ringtone=no\nplay_ringback=no\n"
            "dev_ringtone=alsa:null\ndev_speaker=alsa:null\ndev_mic=alsa:null\n")
        self.contact = contact[0]

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

    def call(self):
        self.say(f"call sip:{self.contact}")

    def is_called(self):
        self.says("incoming call")

    def answer(self):
        self.say("answer")

    def talks(self):
        self.says("call established|far end answered")

    def hang_up(self):
        self.say("bye")

    def is_over(self):
        self.says("far end ended|far end cancelled|call ended|call cancelled")

    def write(self, text):
        self.say(f'message sip:{self.contact} "{text}"')

    def reads(self, text):
        self.says(re.escape(text))


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


def chats(alice, bob):
    """The client answers 415 to a message that asks for receipts, shows it as plain text, and answers it."""
    sent = bob.run("message", to=f"sip:{ALICE[0]}", text="Shall we play chess?", receipts="ask")
    check((sent["state"], sent["receipts"]) == ("delivered", False), f"it was sent once more: {sent}")
    alice.reads("Shall we play chess?")
    alice.write("With pleasure")
    bob.wait("message", text="With pleasure")


def play(server, client, transports, *parts):
    for transport in transports:
        with Agent(server, *BOB) as bob, client(server, ALICE, transport, BOB) as alice:
            bob.run("register")
            for part in parts:
                part(alice, bob)


def baresip(server):
    """baresip shows alice open, closed and open, sees bob so, and talks with him, over UDP, TCP and TLS"""
    play(server, Baresip, ("udp", "tcp", "tls"), shows, sees, chats)


def twinkle(server):
    """twinkle shows alice open, closed and open, sees bob so, and talks with him, over UDP and TCP"""
    play(server, Twinkle, ("udp", "tcp"), shows, sees, chats)


def talk(alice, bob):
    """She calls, he answers and hangs up; he calls back and gives up while it rings; each writes to the other."""
    alice.call()
    bob.is_called()
    bob.answer()
    alice.talks()
    bob.talks()
    bob.hang_up()
    alice.is_over()
    bob.call()
    alice.is_called()
    bob.hang_up()
    alice.is_over()
    for sender, receiver, text in ((alice, bob, "Shall we play chess?"), (bob, alice, "With pleasure")):
        sender.write(text)
        receiver.reads(text)


def registered(server):
    """How many devices are."""
    tables = subprocess.run([server.beckond, "tables", "--data", server.data, "--json"], capture_output=True, check=True, timeout=LIMIT)
    return len(json.loads(tables.stdout)["bindings"])


def pair(server, first, second, transports=("udp", "tcp")):
    for transport in transports:
        with first(server, ALICE, transport, BOB) as alice, second(server, BOB, transport, ALICE) as bob:
            until(lambda: registered(server) == 2, "both have registered")
            talk(alice, bob)


def two_baresips(server):
    """two baresips call and message each other, over UDP, TCP and TLS"""
    pair(server, Baresip, Baresip, ("udp", "tcp", "tls"))


def two_twinkles(server):
    """two twinkles call and message each other, over UDP and TCP"""
    pair(server, Twinkle, Twinkle)


def baresip_and_twinkle(server):
    """a baresip and a twinkle call and message each other, over UDP and TCP"""
    pair(server, Baresip, Twinkle)


def room(server):
    """a baresip and a twinkle are members of a room: each reads what the others write, and who, and writes to it as to a user"""
    server.add_user(*CAROL)
    for transport in ("udp", "tcp"):
        lunch = (f"lunch-{transport}@example.org",)
        with (Agent(server, *CAROL) as carol, Baresip(server, ALICE, transport, lunch) as alice,
              Twinkle(server, BOB, transport, lunch) as bob):
            carol.run("register")
            carol.run("room", do="add", room=f"sip:{lunch[0]}")
            for member in (ALICE, BOB):
                carol.run("room", do="invite", room=f"sip:{lunch[0]}", member=f"sip:{member[0]}")
            until(lambda: registered(server) == 3, "all have registered")
            carol.run("message", to=f"sip:{lunch[0]}", text="Shall we eat?")
            for each in (alice, bob):
                each.reads("carol@example.org: Shall we eat?")
            alice.write("Pizza then")
            bob.reads("alice@example.org: Pizza then")
            bob.write("No fish")
            alice.reads("bob@example.org: No fish")
            for author, text in ((ALICE, "Pizza then"), (BOB, "No fish")):
                carol.wait("message", text=text, claimed_from=f"sip:{author[0]}", **{"from": f"sip:{lunch[0]}"})


run([baresip, twinkle, room, two_baresips, two_twinkles, baresip_and_twinkle], ["--watcher-policy", "allow"])
