"""Servers are found in the DNS (RFC 3263): by user agents, and by a server that forwards to another domain; so is a
client that has closed the connection it asked over."""

import contextlib
import hashlib
import re
import socket
import subprocess
import tempfile
import threading

from story import ALICE, BOB, LIMIT, Agent, Server, check, equal, run

from dns_server import DnsServer  # beside the harness

CAROL = "carol@example.net"


def port_of(server, transport):
    return int(server.listen[transport].rsplit(":", 1)[1])


@contextlib.contextmanager
def dead_port(kind=socket.SOCK_STREAM):
    """A port of the loopback interface where no program listens, and no other can begin to."""
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_DGRAM:
            holder.connect(holder.getsockname())  # datagrams of others are refused with ICMP
        yield holder.getsockname()[1]


class Peer:
    """A SIP server over UDP that answers every request with this status, and counts them by their branch: one that
    is sent again is the same."""

    def __init__(self, status):
        self.status = status
        self.branches = set()
        self.asked, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def requests(self):
        return len(self.branches)

    def _serve(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(65536)
            except OSError:
                return
            if not data[:1].isalpha():
                continue
            self.branches.add(re.search(rb"\bbranch=([^;,\s]+)", data).group(1))
            self.asked.set()
            self.may_answer.wait()
            lines = [line for line in data.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
                     if line.split(b":")[0].strip().lower() in (b"via", b"from", b"to", b"call-id", b"cseq")]
            head = f"SIP/2.0 {self.status} As Told".encode()
            self.socket.sendto(b"\r\n".join([head, *lines, b"Content-Length: 0", b"", b""]), peer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.may_answer.set()
        self.socket.close()


class Client:
    """A client that knows nothing of the port it is seen with: the sent-by of its Via is the name client.test."""

    def __init__(self, home, transport):
        self.transport = transport
        kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.settimeout(LIMIT)
        self.socket.bind(("127.0.0.9", 0))  # no program listens at this address
        self.socket.connect(("127.0.0.1", port_of(home, transport)))

    def send_message(self, number, headers=""):
        self.socket.sendall(
            (f"MESSAGE sip:{CAROL} SIP/2.0\r\nVia: SIP/2.0/{self.transport.upper()} client.test;rport;branch=z9hG4bK{number}\r\n"
             f"From: <sip:{ALICE[0]}>;tag=a\r\nTo: <sip:{CAROL}>\r\nCall-ID: sent-by-{self.transport}\r\nCSeq: {number} MESSAGE\r\n"
             f"Max-Forwards: 70\r\n{headers}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi").encode())

    def send_with_credentials(self):
        """Sends the message, and again as its challenge has it."""
        self.send_message(1)
        refusal = read_until(self.socket, "\r\n\r\n")
        header, nonce = re.search(r'(WWW|Proxy)-Authenticate: Digest [^\r]*nonce="([^"]+)"[^\r]*MD5', refusal).groups()

        def digest(text):
            return hashlib.md5(text.encode()).hexdigest()

        name, password = ALICE[0].split("@")[0], ALICE[1]
        response = digest(f"{digest(f'{name}:example.org:{password}')}:{nonce}:00000001:c:auth:{digest(f'MESSAGE:sip:{CAROL}')}")
        self.send_message(2, f'{"Proxy-" if header == "Proxy" else ""}Authorization: Digest username="{name}", realm="example.org", '
                             f'nonce="{nonce}", uri="sip:{CAROL}", response="{response}", algorithm=MD5, qop=auth, cnonce="c", '
                             f'nc=00000001\r\n')

    def leave(self):
        """Closes, and over TCP waits until the server has done so, too."""
        if self.transport == "tcp":
            self.socket.shutdown(socket.SHUT_WR)
            while self.socket.recv(4096):
                pass
        self.socket.close()


def read_until(source, end):
    text = ""
    while end not in text:
        data = source.recv(65536).decode()
        check(data, f"closed before {end!r}: {text!r}")
        text += data
    return text


def at_sent_by(transport, listener):
    """What comes to where the client is found. An ICMP error does not say which datagram it is for: the challenge may
    come along."""
    if transport == "udp":
        while "407 Proxy" in (answer := read_until(listener, "\r\n\r\n")):
            pass
        return answer
    with listener.accept()[0] as connection:
        connection.settimeout(LIMIT)
        return read_until(connection, "\r\n\r\n")


class Located(Agent):
    """An agent without a configured server, or with one without port, and a name server to ask."""

    def __init__(self, server, account, dns, named=(), **more):
        super().__init__(server, *account, options=["--dns", dns.address], **more)
        at = self.arguments.index("--server")
        self.arguments[at:at + 2] = named


def zone_of(services, domain="example.org"):
    return {domain: {}, "host.test": {"A": ["127.0.0.1"]},
            **{f"{label}.{domain}": {"SRV": [(*record, "host.test") for record in records]}
               for label, records in services.items()}}


def registers(agent):
    agent.run("register")
    return agent.wait("registration", state="registered")["contact"]


def account_alone(server):
    """`beckon --account alice@example.org` finds the server: NAPTR, SRV, A, and TLS under the domain's name"""
    zone = {"example.org": {"NAPTR": [(50, 50, "s", "SIPS+D2T", "", "_sips._tcp.example.org"),
                                      (90, 50, "s", "SIP+D2U", "", "_sip._udp.example.org")]},
            "_sips._tcp.example.org": {"SRV": [(10, 0, port_of(server, "tls"), "host.test")]},
            "_sip._udp.example.org": {"SRV": [(10, 0, port_of(server, "udp"), "host.test")]},
            "host.test": {"A": ["127.0.0.1"]}}
    with DnsServer(zone) as dns, Located(server, ALICE, dns) as alice:
        check("transport=tls" in registers(alice), "registered over TLS")
        equal(dns.count("example.org", "NAPTR"), 1, "questions for NAPTR")
        equal(dns.count("host.test", "A"), 1, "questions for the address")


def wrong_name(server):
    """a domain whose DNS leads to a server with a certificate for another is not trusted (RFC 3263 8, RFC 5922)"""
    with DnsServer(zone_of({"_sips._tcp": [(10, 0, port_of(server, "tls"))]}, domain="example.com")) as dns:
        done = subprocess.run([server.binaries / "beckon", "--account", "alice@example.com", "--dns", dns.address, "--ca",
                               server.certificate, "--state", server.data / "s", "message", BOB[0], "hi"],
                              env={"BECKON_PASSWORD": "x"}, capture_output=True, text=True, timeout=60)
        equal(done.returncode, 9, f"exit code ({done.stderr})")


def server_without_port(server):
    """`--server tcp:example.org` finds its port in SRV; the first target is dead, the second is taken"""
    with dead_port() as dead:
        services = {"_sip._tcp": [(10, 0, dead), (20, 0, port_of(server, "tcp"))]}
        with DnsServer(zone_of(services)) as dns, Located(server, ALICE, dns, ["--server", "tcp:example.org"]) as alice:
            check("transport=tcp" in registers(alice), "registered over TCP")


def register_fails_over(server):
    """REGISTER over UDP goes on to the next target on ICMP, and on 503"""
    with Peer(503) as overloaded, dead_port(socket.SOCK_DGRAM) as dead:
        services = {"_sip._udp": [(10, 0, dead), (20, 0, overloaded.port),
                                  (30, 0, port_of(server, "udp"))]}
        with DnsServer(zone_of(services)) as dns, Located(server, ALICE, dns) as alice:
            registers(alice)
            equal(overloaded.requests, 1, "requests at the overloaded server")


def truncated(server):
    """an answer that does not fit a datagram is asked for again over TCP"""
    zone = zone_of({"_sip._tcp": [(10, 0, port_of(server, "tcp"))]})
    zone["_sip._tcp.example.org"]["SRV"] = {"records": zone["_sip._tcp.example.org"]["SRV"], "truncate": True}
    with DnsServer(zone) as dns, Located(server, ALICE, dns, ["--server", "tcp:example.org"]) as alice:
        registers(alice)
        equal(dns.count("_sip._tcp.example.org", "SRV", "tcp"), 1, "questions over TCP")


def no_such_domain(server):
    """an unknown domain, and name servers that do not answer, are exit code 3"""
    for zone in ({}, {"example.org": {kind: {"silent": True} for kind in ("NAPTR", "A", "AAAA")}}):
        with DnsServer(zone) as dns:
            done = subprocess.run([server.binaries / "beckon", "--account", ALICE[0], "--dns", dns.address, "--state",
                                   server.data / "s", "message", BOB[0], "hi"],
                                  env={"BECKON_PASSWORD": "x"}, capture_output=True, text=True, timeout=60)
            equal(done.returncode, 3, f"exit code ({done.stderr})")
            check(dns.count() > 0, "it was asked")


class Abroad:
    """Two servers: example.org forwards to other domains, located at `dns`; example.net is carol's."""

    def __init__(self, near, dns, policy="forward"):
        self.config = tempfile.NamedTemporaryFile("w", suffix=".toml")
        self.config.write(f'[proxy]\nforeign = "{policy}"\n[federation]\ntls_only = false\n')
        self.config.flush()
        self.home = Server(near.binaries, options=[*near.options, "--config", self.config.name, "--dns", dns.address])

    def __enter__(self):
        self.home.start()
        self.home.add_user(*ALICE)
        return self.home

    def __exit__(self, *error):
        self.home.__exit__(*error)
        self.config.close()


def message_abroad(server):
    """a message to another domain: refused unless allowed; past a dead and an overloaded target to the right one"""
    with Peer(503) as overloaded, Peer(200) as carols, dead_port(socket.SOCK_DGRAM) as dead:
        services = {"_sip._udp": [(10, 0, dead), (20, 0, overloaded.port), (30, 0, carols.port)]}
        with DnsServer(zone_of(services, domain="example.net")) as dns:
            with Abroad(server, dns, "refuse") as home, Agent(home, *ALICE) as alice:
                alice.run("register")
                equal(alice.run("message", ok=False, to=CAROL, text="hi")["status"], 403, "status")
                equal(dns.count(), 0, "questions")
            with Abroad(server, dns) as home, Agent(home, *ALICE) as alice:
                alice.run("register")
                equal(alice.run("message", to=CAROL, text="hi")["status"], 200, "status")
                equal((overloaded.requests, carols.requests), (1, 1), "requests at the second and third target")
                equal(dns.count("_sip._udp.example.net", "SRV"), 1, "questions for SRV")
                asked = dns.count()
                equal(alice.run("message", to=CAROL, text="again")["status"], 200, "status")
                equal(dns.count(), asked, "questions: all is in the cache")
                equal((overloaded.requests, carols.requests), (1, 2), "requests: those that failed come last")


def answers_expire(server):
    """an answer whose TTL is zero is asked for each time, and the domain's new server is found"""
    with Peer(200) as before, Peer(202) as after:
        zone = zone_of({"_sip._udp": [(10, 0, before.port)]}, domain="example.net")
        with DnsServer(zone, ttl=0) as dns, Abroad(server, dns) as home, Agent(home, *ALICE) as alice:
            alice.run("register")
            equal(alice.run("message", to=CAROL, text="hi")["status"], 200, "status")
            zone["_sip._udp.example.net"] = {"SRV": [(10, 0, after.port, "host.test")]}
            equal(alice.run("message", to=CAROL, text="again")["status"], 202, "status")


def nothing_is_cached(server):
    """that a domain does not exist is kept (RFC 2308) for as long as its SOA says, and no longer"""
    with DnsServer({}, nothing_ttl=3600) as dns, Abroad(server, dns) as home, Agent(home, *ALICE) as alice:
        alice.run("register")
        equal(alice.run("message", ok=False, to=CAROL, text="hi")["status"], 404, "status")
        asked = dns.count()
        check(asked >= 4, f"NAPTR, SRV and addresses were asked for: {dns.questions}")
        alice.run("message", ok=False, to=CAROL, text="again")
        equal(dns.count(), asked, "questions")
        dns.nothing_ttl = 0
        equal(alice.run("message", ok=False, to="dora@example.com", text="hi")["status"], 404, "status")
        before = dns.count()
        alice.run("message", ok=False, to="dora@example.com", text="again")
        check(dns.count() > before, "with TTL 0 it is asked again")


def client_gone(server):
    """a client gone before it is answered gets its answer where its Via's name leads: SRV, the second target (RFC 3263 5)"""
    for transport, kind in (("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)):
        with dead_port(kind) as dead, socket.socket(socket.AF_INET, kind) as listener, Peer(200) as carols:
            listener.settimeout(LIMIT)
            listener.bind(("127.0.0.1", 0))
            if transport == "tcp":
                listener.listen()
            zone = {**zone_of({"_sip._udp": [(10, 0, carols.port)]}, domain="example.net"),
                    **zone_of({f"_sip._{transport}": [(10, 0, dead), (20, 0, listener.getsockname()[1])]}, domain="client.test")}
            carols.may_answer.clear()
            with DnsServer(zone) as dns, Abroad(server, dns) as home:
                alice = Client(home, transport)
                alice.send_with_credentials()
                check(carols.asked.wait(LIMIT), "the message comes to carol's server")
                alice.leave()
                carols.may_answer.set()
                answer = at_sent_by(transport, listener)
                check(answer.startswith("SIP/2.0 200"), f"200, not {answer[:40]!r}")
                check("client.test;" in answer and ";branch=z9hG4bK2;" in answer, f"the answer to the message: {answer!r}")
                equal(dns.count(f"_sip._{transport}.client.test", "SRV"), 1, "questions for SRV")


run([account_alone, wrong_name, server_without_port, register_fails_over, truncated, no_such_domain, message_abroad,
     answers_expire, nothing_is_cached, client_gone])
