"""Servers that scenarios are played against, in the place of a `beckond`: one that runs somewhere, and Debian's Kamailio."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

from beckon_harness import LIMIT, Failure
from ports import reserve_port
from sip_user import SipUser

HERE = pathlib.Path(__file__).resolve().parent


class Target:
    """What the players ask of a server."""

    name, certificate, xcap, gruu = "localhost", None, None, True
    goes_on = False

    def __init__(self, binaries, domain):
        self.binaries, self.domain, self.listen = binaries, domain, {}

    def uri(self, transport):
        if transport not in self.listen:
            raise Failure(f"the server has no {transport} here")
        return f"{transport}:{self.listen[transport]}"

    def password(self, account):
        return f"secret of {account.partition('@')[0]}"

    @property
    def agent_options(self):
        options = [*(["--ca", self.certificate] if self.certificate else []), *(["--xcap", self.xcap] if self.xcap else [])]
        return options + ([] if self.gruu else ["--no-gruu"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Running(Target):
    """A server that others run; the account file has a line "alice@example.com password" for each user. After each file it
    is left without bindings, publications and messages of those users."""

    goes_on = True

    def __init__(self, binaries, uri, domain, accounts, ca, xcap, gruu):
        super().__init__(binaries, domain)
        transport, _, address = uri.partition(":")
        if transport not in ("udp", "tcp", "tls") or ":" not in address:
            raise Failure(f"--server {uri}: beckond, kamailio, or udp:HOST:PORT, tcp:HOST:PORT, tls:HOST:PORT")
        if not accounts:
            raise Failure("--accounts is needed: the users of that server")
        self.name = address.rpartition(":")[0]
        self.listen = {transport: address}
        if transport != "tls":
            self.listen = {"udp": address, "tcp": address}
        self.certificate, self.xcap, self.gruu = ca, xcap, gruu
        lines = (line.split(maxsplit=1) for line in accounts.read_text().splitlines() if line.strip() and line[0] != "#")
        self.accounts = {words[0]: words[1].strip() for words in lines if len(words) == 2}
        self.transport, self.used, self.published = transport, set(), {}

    def password(self, account):
        if account not in self.accounts:
            raise Failure(f"the account file has no {account}")
        self.used.add(account)
        return self.accounts[account]

    def __exit__(self, *_):
        used, self.used = self.used, set()
        published, self.published = self.published, {}
        for account in used:
            user = SipUser(self, account, self.accounts[account], self.transport)
            try:
                self.tidy(user, [(tag, event) for (aor, tag), event in published.items() if aor == user.aor])
            finally:
                user.close()

    def tidy(self, user, publications):
        """Takes back what a user has published, takes what waits for it, and removes its bindings."""
        domain = f"sip:{self.domain}"
        self.ask(user, user.request("REGISTER", domain, [("Expires", "120")], to=user.aor))
        for tag, event in publications:
            self.ask(user, user.request("PUBLISH", user.aor, [("Event", event), ("SIP-If-Match", tag), ("Expires", "0")]))
        while self.ask(user, user.request("OPTIONS", domain)):
            pass
        self.ask(user, user.request("REGISTER", domain, [("Contact", "*"), ("Expires", "0")], to=user.aor))

    @staticmethod
    def ask(user, request):
        """Sends a request and waits for its end; how many requests came meanwhile, which are answered."""
        user.send(request)
        others = 0
        while True:
            message = user.receive()
            if not message.is_response:
                others += 1
                user.answer(message, 200, "OK", tag="t")
            elif message.status in (401, 407) and not request.challenges:
                request = user.authorised(request, message)
                user.send(request)
            elif message.status >= 200 and message.key == request.key:
                return others


class Kamailio(Target):
    """Debian's Kamailio with its presence modules, fresh, on a free port, over UDP and TCP (kamailio.cfg)."""

    PROGRAM = "/usr/sbin/kamailio"
    gruu = False  # it gives GRUUs, but its presence modules do not find the way of a NOTIFY to one
    SCHEMAS = pathlib.Path("/usr/share/kamailio/db_sqlite")

    def __init__(self, binaries, domain):
        super().__init__(binaries, domain)
        self.folder = self.process = None

    def __enter__(self):
        if not pathlib.Path(self.PROGRAM).exists():
            raise Failure("no Kamailio: apt-get install kamailio kamailio-presence-modules kamailio-sqlite-modules")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="beckon-kamailio-"))
        address = f"127.0.0.1:{reserve_port()}"
        self.listen = {"udp": address, "tcp": address}
        config = self.folder / "kamailio.cfg"
        config.write_text((HERE / "kamailio.cfg").read_text().replace("example.org", self.domain).replace("@ADDRESS@", address)
                          .replace("@FOLDER@", str(self.folder)))
        with contextlib.closing(sqlite3.connect(self.folder / "presence.db")) as database:
            for name in ("standard", "presence"):
                database.executescript((self.SCHEMAS / f"{name}-create.sql").read_text())
        self.log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(
            [self.PROGRAM, "-DD", "-E", "-x", "fm", "-f", config, "-m", "32", "-M", "4", "-Y", self.folder,
             "-P", self.folder / "pid", "-l", f"udp:{address}", "-l", f"tcp:{address}"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        self.wait_until_it_answers(address)
        return self

    def wait_until_it_answers(self, address):
        host, port = address.rsplit(":", 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.bind(("127.0.0.1", 0))
            line.settimeout(0.2)
            here = "%s:%d" % line.getsockname()
            question = (f"OPTIONS sip:{self.domain} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKstart;rport\r\n"
                        f"From: <sip:start@{self.domain}>;tag=s\r\nTo: <sip:{self.domain}>\r\nCall-ID: start\r\n"
                        "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode()
            deadline = time.monotonic() + LIMIT
            while time.monotonic() < deadline and self.process.poll() is None:
                try:
                    line.sendto(question, (host, int(port)))
                    if line.recv(65535).startswith(b"SIP/2.0 "):
                        return
                except OSError:
                    pass  # not there yet
        log = (self.folder / "log").read_text(errors="replace").splitlines()
        self.__exit__()
        raise Failure(f"Kamailio does not answer: {' / '.join(log[-5:])}")

    def __exit__(self, *_):
        # Its processes wait for each other now and then when they are asked to end; nothing of it is kept.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
