"""What the server does below SIP: certificates anew and asked for, keep-alives, IPv6."""

import contextlib
import json
import os
import re
import resource
import select
import signal
import socket
import ssl
import struct
import subprocess
import threading

from story import ALICE, LIMIT, Agent, Failure, check, equal, restart_with, run, until
from wire import Wire, with_credentials


def make_certificate(folder, name):
    """A self-signed certificate for `name`, and its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-keyout", key, "-out", certificate, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
                   check=True, capture_output=True, timeout=LIMIT)
    return certificate, key


def tuple_of(address):
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)


@contextlib.contextmanager
def connect(server, kind="tls", context=None):
    if context is None and kind == "tls":
        context = ssl.create_default_context(cafile=server.certificate)
        context.check_hostname = False
    with socket.create_connection(tuple_of(server.listen[kind]), LIMIT) as plain:
        if context is None:
            yield plain
        else:
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                yield secure


def options(connection, transport, call_id):
    """Asks OPTIONS and gives the status line of the answer."""
    host, port = connection.getsockname()[:2]
    here = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    connection.sendall((f"OPTIONS sip:example.org SIP/2.0\r\nVia: SIP/2.0/{transport} {here};branch=z9hG4bK{call_id};rport\r\n"
                        f"From: <sip:probe@example.org>;tag=p\r\nTo: <sip:example.org>\r\nCall-ID: {call_id}\r\n"
                        "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = connection.recv(65536)
        check(more, f"an answer, not the end of the connection after {answer!r}")
        answer += more
    return answer.split(b"\r\n")[0].decode()


def shown(server):
    """The certificate a new connection gets."""
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(tuple_of(server.listen["tls"])))


def certificate_reload(server):
    """SIGHUP: new connections get the new certificate, and existing ones keep the old one"""
    old = shown(server)
    with connect(server) as before:
        certificate, key = make_certificate(server.data, "renewed.example.org")
        os.replace(key, server.data / "key.pem")
        os.replace(certificate, server.data / "cert.pem")
        os.kill(server.process.pid, signal.SIGHUP)
        new = ssl.PEM_cert_to_DER_cert(server.certificate.read_text())
        until(lambda: shown(server) == new, "the new certificate is shown after SIGHUP")
        equal(options(before, "TLS", "before"), "SIP/2.0 200 OK", "the answer on the old connection")
        equal(before.getpeercert(True), old, "its certificate")
        with connect(server) as after:
            equal(options(after, "TLS", "after"), "SIP/2.0 200 OK", "the answer on a new one")


def waiting_keys(server):
    """SIGHUP takes over what it can, and one warning names the changed keys that take effect at the next start"""
    config = restart_with(server, 'log = "warn"\n')
    config.write_text('log = "info"\n[digest]\nnonce_seconds = 77\n[connections]\nidle_seconds = 77\n')
    os.kill(server.process.pid, signal.SIGHUP)
    until(lambda: shown(server) and any("read again" in line for line in server.process.errors),
          "the configuration is read again, and logged at the new level")
    warnings = [line for line in server.process.errors if "take effect at the next start" in line]
    equal(len(warnings), 1, f"warnings ({server.process.errors})")
    check(warnings[0].endswith(": connections.idle_seconds, digest.nonce_seconds"), f"the two keys, not {warnings[0]!r}")


def broken_certificate(server):
    """SIGHUP with a certificate that cannot be read: one error is logged, and the old one stays in use"""
    old = shown(server)
    (server.data / "cert.pem").write_text("no certificate")
    os.kill(server.process.pid, signal.SIGHUP)
    until(lambda: any("read again" in line for line in server.process.errors), "SIGHUP is done with")
    equal(len([line for line in server.process.errors if "certificate: " in line]), 1, f"errors ({server.process.errors})")
    equal(shown(server), old, "the certificate")


def open_files(server):
    """a low soft limit of open files is raised as far as the connections may need, and one warning says that the hard one is too low"""
    program = server.data / "beckond"
    program.write_text(f'#!/bin/sh\nulimit -S -n 256 && ulimit -H -n 4096 && exec "{server.beckond}" "$@"\n')
    program.chmod(0o700)
    server.beckond, server.LISTEN = program, ("tcp", "udp")
    config = restart_with(server, "")
    for total, enough in ((1000, True), (50000, False)):
        server.stop()
        config.write_text(f"[connections]\ntotal = {total}\n")
        process = server.start().process
        allowed = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0]
        check(total < allowed < 4096 if enough else allowed == 4096, f"the limit with {total} connections, not {allowed}")
        server.stop()
        warnings = [line for line in process.errors if "open files" in line]
        equal(len(warnings), 0 if enough else 1, f"warnings ({process.errors})")


def client_certificates(server):
    """a listener that demands certificates accepts clients with a trusted one, and no others; browsers are not asked"""
    peer, peer_key = make_certificate(server.data, "peer.example.net")
    stranger, stranger_key = make_certificate(server.data, "stranger.example.net")
    restart_with(server, f'[tls]\nclient_ca = "{peer}"\nclient_certificate = "required"\n')
    for who, certificate, key, welcome in (("the peer", peer, peer_key, True), ("a stranger", stranger, stranger_key, False),
                                           ("no certificate", None, None, False)):
        context = ssl.create_default_context(cafile=server.certificate)
        context.check_hostname = False
        if certificate:
            context.load_cert_chain(certificate, key)
        try:
            with connect(server, context=context) as connection:
                answer = options(connection, "TLS", "mutual")
        except (ssl.SSLError, ConnectionError, Failure):
            answer = None
        equal(answer, "SIP/2.0 200 OK" if welcome else None, f"the answer to {who}")
    context = ssl.create_default_context(cafile=server.certificate)
    context.check_hostname = False
    with connect(server, "wss", context) as browser:
        browser.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        check(browser.recv(100).startswith(b"HTTP/1.1 426"), "wss asks for no certificate")


def connections_per_address(server):
    """one address that is not trusted may hold so many connections, over all of a listener's threads, and not one more"""
    restart_with(server, "trusted_networks = []\n[connections]\nper_address = 3\n")
    with contextlib.ExitStack() as stack:
        for number in range(3):
            connection = stack.enter_context(connect(server, "tcp"))
            equal(options(connection, "TCP", f"within-{number}"), "SIP/2.0 200 OK", "an answer within the bound")
        beyond = stack.enter_context(connect(server, "tcp"))
        equal(beyond.recv(100), b"", "the fourth connection is closed")
        # Each listener counts for itself.
        equal(options(stack.enter_context(connect(server)), "TLS", "tls"), "SIP/2.0 200 OK", "the answer over TLS")


def keep_alives(server):
    """CRLF CRLF over TCP is answered with CRLF, STUN on the SIP port over UDP with the address it came from (RFC 5626 4.4)"""
    with connect(server, "tcp") as connection:
        connection.sendall(b"\r\n\r\n")
        equal(connection.recv(100), b"\r\n", "the pong")
        equal(options(connection, "TCP", "after-pong"), "SIP/2.0 200 OK", "a request after it")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(LIMIT)
        udp.connect(tuple_of(server.listen["udp"]))
        transaction = os.urandom(12)
        udp.send(struct.pack("!HHI", 0x0001, 0, 0x2112A442) + transaction)
        reply = udp.recv(2048)
        kind, _, cookie = struct.unpack("!HHI", reply[:8])
        equal((kind, cookie, reply[8:20]), (0x0101, 0x2112A442, transaction), "a Binding success response")
        mapped = reply.find(struct.pack("!HHBB", 0x0020, 8, 0, 1))
        check(mapped > 0, f"XOR-MAPPED-ADDRESS in {reply.hex()}")
        port, address = struct.unpack("!HI", reply[mapped + 6:mapped + 12])
        equal((port ^ 0x2112, socket.inet_ntoa(struct.pack("!I", address ^ 0x2112A442))),
              (udp.getsockname()[1], "127.0.0.1"), "where it came from")


class Nat:
    """Stands between one client and the server, over UDP, and can forget: then it gives the client another port."""

    def __init__(self, server):
        self.server = tuple_of(server.listen["udp"])
        self.inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.inside.bind(("127.0.0.1", 0))
        self.sockets = [self.inside]
        self.outside, self.client, self.answers, self.over = None, None, 0, False
        self.forget()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def forget(self):
        fresh = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sockets.append(fresh)
        fresh.bind(("127.0.0.1", 0))
        self.outside = fresh
        self.wake()

    def wake(self):
        self.inside.sendto(b"", self.inside.getsockname())

    def work(self):
        while not self.over:
            outside = self.outside
            for ready in select.select([self.inside, outside], [], [])[0]:
                datagram, source = ready.recvfrom(65535)
                if ready is outside:
                    self.inside.sendto(datagram, self.client)
                    self.answers += datagram[:2] == b"\x01\x01"  # Binding, success
                elif ready is self.inside and datagram:
                    self.client = source
                    self.outside.sendto(datagram, self.server)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over = True
        self.wake()
        self.thread.join()
        for each in self.sockets:
            each.close()


def bound_peer(server):
    """Where the server sees the one device that is registered."""
    done = subprocess.run([server.beckond, "tables", "bindings", "--data", server.data, "--json"], capture_output=True,
                          text=True, timeout=LIMIT, check=True)
    bindings = json.loads(done.stdout)["bindings"]
    equal(len(bindings), 1, "the number of bindings")
    return bindings[0]["peer"]


def forgetful_nat(server):
    """a client over UDP learns from its keep-alives that a NAT has given it another port, and registers from there (RFC 5626 4.4.2)"""
    with Nat(server) as nat:
        alice = Agent(server, *ALICE, options=["--keep-alive", "1"])
        alice.arguments[alice.arguments.index("--server") + 1] = "udp:%s:%d" % nat.inside.getsockname()
        with alice:
            alice.run("register")
            before = bound_peer(server)
            equal(before, "%s:%d" % nat.outside.getsockname(), "where the server sees her")
            # The first answer tells the client its public address; a NAT that forgets earlier leaves nothing to compare.
            until(lambda: nat.answers > 0, "the NAT has seen a keep-alive answered")
            nat.forget()
            down = alice.wait("connection", state="down")
            equal(down["reason"], "the mapped address behind the NAT has changed", "the reason")
            alice.wait("connection", state="up")
            equal(bound_peer(server), "%s:%d" % nat.outside.getsockname(), "where the server sees her now")


def copies(server):
    """an authorised request sent again is answered again: on its connection, on the next one, to another port"""
    def tag(answer):
        check(answer.startswith("SIP/2.0 200 "), f"published, not {answer}")
        return re.search(r"SIP-ETag: (\S+)", answer).group(1)

    uri = f"sip:{ALICE[0]}"
    body = (f'<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="{uri}"><tuple id="a"><status><basic>open</basic></status>'
            "</tuple></presence>").encode()
    headers = "Event: presence\r\nExpires: 600\r\nContent-Type: application/pidf+xml\r\n"
    for transport in ("udp", "tcp", "tls"):
        with Wire(server, transport) as first, Wire(server, transport) as other:
            publish = with_credentials(first, "PUBLISH", uri, 1, headers, body)
            entity = tag(first.ask(publish, "PUBLISH"))
            for wire in (first, other, other):
                again = wire.ask(publish, f"a copy over {transport}")
                equal(tag(again), entity, f"the entity-tag of the copy over {transport}")
                check(f"rport={wire.here.rsplit(':', 1)[1]}" in again, f"the port the copy came from: {again}")


def ipv6(server):
    """IPv6 listeners serve UDP, TCP, TLS and WebSocket; nothing but the address differs"""
    server.stop()
    server.listen = {kind: "[::1]:0" for kind in server.LISTEN}
    server.start()
    for kind, transport in (("tcp", "TCP"), ("tls", "TLS")):
        with connect(server, kind) as connection:
            equal(options(connection, transport, kind), "SIP/2.0 200 OK", f"the answer over {kind}")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.settimeout(LIMIT)
        udp.connect(tuple_of(server.listen["udp"]))
        equal(options(udp, "UDP", "udp"), "SIP/2.0 200 OK", "the answer over udp")
    with connect(server, "ws") as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        check(connection.recv(100).startswith(b"HTTP/1.1 426"), "the WebSocket listener answers")


run([certificate_reload, broken_certificate, waiting_keys, open_files, client_certificates, connections_per_address, keep_alives,
     forgetful_nat, copies, ipv6])
