"""A real liblinphone (Debian's linphonec): messages both ways, and what becomes of them as it tells: its notifications come
deflated, without message/cpim around, and call a plain text by its Call-ID. Its contacts, which it watches by one list."""

import json
import pathlib
import shutil
import subprocess
import tempfile

from story import ALICE, BOB, LIMIT, Agent, Process, check, equal, run, until


class Linphone:
    """bob's linphonec, with a folder of its own; driven by its prompt."""

    def __init__(self, server, transport, contacts=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="beckon-linphone-"))
        for each in (".local/share/linphone", ".config/linphone"):
            (self.folder / each).mkdir(parents=True)
        name, domain = BOB[0].split("@")
        proxy = f"sip:{server.listen[transport]};transport={transport}"
        rls = f"rls_uri=sip:rls@{domain}\n" if contacts else ""
        friends = "".join(f"[friend_{number}]\nurl=<{contact}>\npol=accept\nsubscribe=1\n"
                          for number, contact in enumerate(contacts))
        (self.folder / "linphonerc").write_text(
            f"[sip]\ndefault_proxy=0\nsip_port=-1\nsip_tcp_port=-1\nsip_tls_port=-1\n{rls}{friends}"
            f"[proxy_0]\nreg_proxy=<{proxy}>\nreg_route=<{proxy};lr>\nreg_identity=sip:{BOB[0]}\nreg_expires=600\n"
            f"reg_sendregister=1\npublish=0\n[auth_info_0]\nusername={name}\npasswd={BOB[1]}\nrealm={domain}\n")
        self.process, self.seen = None, ""

    def __enter__(self):
        self.process = Process(["linphonec", "-c", self.folder / "linphonerc"], {"HOME": str(self.folder)})
        return self

    def __exit__(self, *_):
        try:
            self.process.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def reads(self, text):
        def has():
            while not self.process.lines.empty():
                self.seen += (self.process.lines.get() or "") + "\n"
            return text in self.seen
        until(has, f"linphone shows {text!r}")

    def write(self, text):
        self.process.process.stdin.write(f"chat sip:{ALICE[0]} {text}\n")
        self.process.process.stdin.flush()


def state_of(alice, text):
    alice.forget()
    alice.run("history", **{"with": f"sip:{BOB[0]}"})
    return [each["state"] for each in alice.wait("history")["messages"] if each["text"] == text]


def messages(server):
    """alice's plain text and her message/cpim are told to be delivered; linphone's answer is shown, over UDP and TCP"""
    for transport in ("udp", "tcp"):
        with Agent(server, *ALICE) as alice, Linphone(server, transport) as bob:
            alice.run("register")
            for receipts in ("none", "ask"):
                text = f"{receipts} over {transport}"
                sent = alice.run("message", to=f"sip:{BOB[0]}", text=text, receipts=receipts)
                check(sent["state"] in ("delivered", "stored"), f"accepted: {sent}")  # linphone registers meanwhile
                bob.reads(text)
                alice.wait("receipt", message_id=sent["message_id"], state="delivered")
                equal(state_of(alice, text), ["delivered"], "the archive")
            bob.write(f"from linphone over {transport}")
            equal(alice.wait("message", text=f"from linphone over {transport}")["from"], f"sip:{BOB[0]}", "the sender")


def stored(server):
    """what waits for linphone is delivered when it registers, and told to be"""
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        sent = alice.run("message", to=f"sip:{BOB[0]}", text="for later", receipts="ask")
        equal(sent["state"], "stored", "state")
        with Linphone(server, "tcp") as bob:
            bob.reads("for later")
            alice.wait("receipt", message_id=sent["message_id"], state="delivered")
            equal(state_of(alice, "for later"), ["delivered"], "the archive")


def lists_of(server):
    """The rows of live subscriptions to lists."""
    tables = subprocess.run([server.beckond, "tables", "--data", server.data, "--json"], capture_output=True, check=True, timeout=LIMIT)
    return [row for row in json.loads(tables.stdout)["presence list"] if row["state"] == "active"]


def contacts(server):
    """linphone watches its contacts by one SUBSCRIBE with a list, deflated (RFC 5367), and takes each NOTIFY of it; a quoted
    boundary would end it. What it shows of them is not asked: Debian's 5.1.65 cuts the body at each boundary where it reads it
    first, and reads the rest anew for the contacts, so it finds no part, whatever the server sends."""
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        alice.run("allow", watcher=f"sip:{BOB[0]}")
        for transport in ("udp", "tcp"):
            with Linphone(server, transport, [f"sip:{ALICE[0]}", "sip:nobody@example.org"]) as bob:
                until(lambda: lists_of(server), "a subscription to a list")
                for number in range(1, 4):  # the next one leaves when this one is answered
                    alice.run("publish", basic="open", note=f"{number} over {transport}")
                    until(lambda number=number: int(lists_of(server)[0]["cseq"]) > number, f"NOTIFY {number}")
                check(bob.process.process.poll() is None, "linphone lives")
                bob.write("still here")
                alice.wait("message", text="still here")
            until(lambda: not lists_of(server), "linphone's list ends with it")


run([messages, stored, contacts])
