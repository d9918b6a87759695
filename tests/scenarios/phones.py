"""Real phones (Debian's baresip and twinkle-console), driven by what they offer to scripts."""

import json
import pathlib
import queue
import re
import shutil
import socket
import tempfile
import wave

from story import LIMIT, Failure, Process, check, until
from ports import reserve_port


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

    def __init__(self, server, user, transport, contact, sound=None, account="", modules=()):
        """`sound`: what it says, 8000 Hz mono; else silence. `account`: further parameters of its account. `modules`: of baresip, beside the usual ones."""
        super().__init__()
        self.port, self.contact = reserve_port(), contact[0]
        self.line, self.octets, self.events = None, b"", []
        if sound is None:
            sound = self.folder / "silence.wav"
            with wave.open(str(sound), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(8000)
                file.writeframes(bytes(16000))
        # The accounts name a module, so that one is loaded before them.
        (self.folder / "config").write_text("".join(f"{line}\n" for line in (
            "module_path /usr/lib/baresip/modules", "module srtp.so", *(f"module {each}.so" for each in modules), "module account.so", "module contact.so", "module g711.so", "module aufile.so", "module stdio.so", "module sndfile.so",
            f"snd_path {self.folder}",
            "module_app presence.so", "module_app menu.so", "module_app ctrl_tcp.so", f"ctrl_tcp_listen 127.0.0.1:{self.port}",
            "net_interface 127.0.0.1", f"audio_source aufile,{sound}", f"audio_player aufile,{self.folder / 'heard.wav'}",
            "ring_aufile none", "ringback_aufile none", f"sip_cafile {server.certificate}")))
        (self.folder / "accounts").write_text(
            f"<sip:{user[0]};transport={transport}>;auth_pass={user[1]};regint=600;pubint=600;"
            f"outbound=\"sip:{server.listen[transport]};transport={transport}\"{account}\n")
        (self.folder / "contacts").write_text(f"\"Contact\" <sip:{contact[0]}>;presence=p2p\n")

    def heard(self):
        """The recording of what it heard in its last call; none yet is empty."""
        return max(self.folder.glob("dump-*-dec.wav"), default=None)

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
