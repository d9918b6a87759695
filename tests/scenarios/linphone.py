"""A real liblinphone (Debian's linphonec): messages both ways, and what becomes of them as it tells: its notifications come
deflated, without message/cpim around, and call a plain text by its Call-ID."""

import pathlib
import shutil
import tempfile

from story import ALICE, BOB, Agent, Process, check, equal, run, until


class Linphone:
    """bob's linphonec, with a folder of its own; driven by its prompt."""

    def __init__(self, server, transport):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="beckon-linphone-"))
        for each in (".local/share/linphone", ".config/linphone"):
            (self.folder / each).mkdir(parents=True)
        name, domain = BOB[0].split("@")
        proxy = f"sip:{server.listen[transport]};transport={transport}"
        (self.folder / "linphonerc").write_text(
            "[sip]\ndefault_proxy=0\nsip_port=-1\nsip_tcp_port=-1\nsip_tls_port=-1\n"
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


run([messages, stored])
