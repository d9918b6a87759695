"""What a hostile peer sends, and that the server goes on."""

import base64
import pathlib
import random
import re
import socket
import ssl
import time

from story import ALICE, LIMIT, Agent, Failure, check, equal, restart_with, run

RESEND = 0.5  # seconds until a request over UDP is sent again: T1 of RFC 3261 17.1.2.2
BATCH, BATCH_OCTETS = 50, 1 << 16  # what waits at the server at a time, so that nothing is lost before it is read


def batches(messages):
    """Lists of (name, octets), which together are so few that a socket's buffer holds them."""
    batch, octets = [], 0
    for each in messages:
        if batch and (len(batch) == BATCH or octets + len(each[1]) > BATCH_OCTETS):
            yield batch
            batch, octets = [], 0
        batch.append(each)
        octets += len(each[1])
    if batch:
        yield batch


class Wire:
    """One UDP socket, or one TCP or TLS connection, to the server."""

    def __init__(self, server, transport):
        self.transport = transport
        host, port = server.listen[transport].rsplit(":", 1)
        self.peer = (host, int(port))
        if transport == "udp":
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((host, 0))
        else:
            self.socket = socket.create_connection(self.peer)
            if transport == "tls":
                context = ssl.create_default_context(cafile=server.certificate)
                self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.socket.settimeout(LIMIT)
        self.here = "%s:%d" % self.socket.getsockname()[:2]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        if self.transport == "udp":
            self.socket.sendto(data, self.peer)
        else:
            self.socket.sendall(data)

    def receive(self):
        return self.socket.recv(65535).decode(errors="replace")

    def ask(self, data, what):
        """Sends a request, over UDP again until it is answered, and gives the answer; others are passed over."""
        branch = re.search(rb"branch=([^;\r]+)", data).group(1).decode()
        deadline = time.monotonic() + LIMIT
        resend = RESEND if self.transport == "udp" else LIMIT
        while (now := time.monotonic()) < deadline:
            self.send(data)
            again = min(now + resend, deadline)
            try:
                while (left := again - time.monotonic()) > 0:
                    self.socket.settimeout(left)
                    if f"branch={branch};" in (answer := self.receive()):
                        return answer
                    check(answer or self.transport == "udp", f"{what}: answered, not closed")
            except TimeoutError:
                pass
        raise Failure(f"{what}: no answer within {LIMIT:.0f} s")


def request(wire, method, uri, number, headers="", body=b"", user="alice", to=None):
    head = (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{wire.transport.upper()} {wire.here};branch=z9hG4bKh{number};rport\r\n"
            f"From: <sip:{user}@example.org>;tag=h\r\nTo: <sip:{to or user}@example.org>\r\nCall-ID: hostile-{wire.here}\r\n"
            f"CSeq: {number} {method}\r\nMax-Forwards: 70\r\n{headers}Content-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


def options_answered(server, step):
    with Wire(server, "udp") as wire:
        answer = wire.ask(request(wire, "OPTIONS", "sip:example.org", random.randrange(1, 1 << 30)), f"OPTIONS {step}")
        check(answer.startswith("SIP/2.0 200"), f"OPTIONS {step}: 200, not {answer[:40]!r}")


def authorised(wire, method, uri, number, headers="", body=b"", user=ALICE, to=None):
    """Answers the challenge to a request and gives the final answer."""
    import hashlib
    name, password = user[0].split("@")[0], user[1]
    refusal = wire.ask(request(wire, method, uri, number, headers, body, name, to), method)
    challenge = next(line for line in refusal.split("\r\n") if line.lower().startswith("www-authenticate") and "MD5" in line)
    nonce = re.search(r'nonce="([^"]+)"', challenge).group(1)

    def digest(text):
        return hashlib.md5(text.encode()).hexdigest()

    response = digest(f"{digest(f'{name}:example.org:{password}')}:{nonce}:00000001:c:auth:{digest(f'{method}:{uri}')}")
    headers += (f'Authorization: Digest username="{name}", realm="example.org", nonce="{nonce}", uri="{uri}", '
                f'response="{response}", algorithm=MD5, qop=auth, cnonce="c", nc=00000001\r\n')
    return wire.ask(request(wire, method, uri, number + 1, headers, body, name, to), f"{method} with credentials")


def malformed_datagrams(server):
    """malformed datagrams get 400 or silence, and the server is unharmed"""
    rng = random.Random(1)

    def mutations(good):
        for number in range(2000):
            data = bytearray(good)
            for _ in range(rng.randrange(1, 12)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            yield f"mutation {number}", bytes(data[:rng.randrange(1, len(data) + 1)])
        for data in (b"", b"\r\n\r\n", b"\0\0\0\0", bytes(65000), b"SIP/2.0 200 OK\r\n\r\n", good.replace(b"Via", b"Xia")):
            yield f"{len(data)} octets {data[:20]!r}", data

    with Wire(server, "udp") as wire:
        for batch in batches(mutations(request(wire, "OPTIONS", "sip:example.org", 1))):
            for _, data in batch:
                wire.send(data)
            options_answered(server, f"after {batch[-1][0]}")
    with Wire(server, "udp") as wire:
        bad = request(wire, "OPTIONS", "sip:example.org", 1).replace(b"CSeq: 1 OPTIONS", b"CSeq: one OPTIONS")
        answer = wire.ask(bad, "a bad CSeq")
        check(answer.startswith("SIP/2.0 400"), f"a bad CSeq is answered 400, not {answer[:40]!r}")
    options_answered(server, "after a bad CSeq")


def deep_xml(server):
    """XML 100 000 levels deep is refused by the guard"""
    body = b"<a>" * 100_000 + b"</a>" * 100_000
    with Wire(server, "tls") as wire:
        answer = authorised(wire, "PUBLISH", "sip:alice@example.org", 10,
                            "Event: presence\r\nExpires: 600\r\nContent-Type: application/pidf+xml\r\n", body)
        check(re.match(r"SIP/2\.0 4(00|13|15)", answer), f"refused, not {answer[:40]!r}")
    options_answered(server, "after deep XML")


def direct_document(secret):
    key = base64.b64encode(bytes(range(32))).decode()
    return (f'<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" '
            f'xmlns:d="urn:beckon:params:xml:ns:direct:1" entity="sip:alice@example.org"><tuple id="t1"><status>'
            f'<basic>open</basic><d:direct v="1" mode="auto" profile="sealed" epoch="3f9a11c2"><d:media kind="audio">'
            f'<d:codec pt="0" name="PCMU" clock="8000"/></d:media><d:key>{key}</d:key><d:secret>{secret}</d:secret>'
            f'</d:direct></status></tuple></presence>').encode()


SECRET = base64.b64encode(bytes(32)).decode()
PUBLISH = "Event: presence\r\nExpires: 600\r\nRequire: beckon-direct\r\nContent-Type: application/pidf+xml\r\n"


def secret_over_udp(server):
    """a PUBLISH with a secret over UDP is refused with 403 (DIRECT_SESSIONS 3.1)"""
    with Wire(server, "udp") as wire:
        answer = authorised(wire, "PUBLISH", "sip:alice@example.org", 20, PUBLISH, direct_document(SECRET))
        check(answer.startswith("SIP/2.0 403"), f"403, not {answer[:40]!r}")


def bad_direct(server):
    """a fault in <direct> costs the element, not the presence (DIRECT_SESSIONS 3.2)"""
    with Wire(server, "tls") as wire:
        answer = authorised(wire, "PUBLISH", "sip:alice@example.org", 30, PUBLISH, direct_document("AAAA"))
        check(answer.startswith("SIP/2.0 200"), f"200, not {answer[:40]!r}")
        check("Warning: 399" in answer and "direct removed" in answer, "a Warning says why")


def impostor(server):
    """alice's credentials publish and register no other user"""
    with Wire(server, "tls") as wire:
        answer = authorised(wire, "PUBLISH", "sip:bob@example.org", 40,
                            "Event: presence\r\nExpires: 600\r\nContent-Type: application/pidf+xml\r\n",
                            direct_document(SECRET).replace(b"alice", b"bob"), to="bob")
        check(answer.startswith("SIP/2.0 403"), f"403, not {answer[:40]!r}")


def peak_kib(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1))


def is_closed(connection):
    """Waits until the server has closed the connection."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


def unfinished_messages(server):
    """300 connections with half a message hold little memory and are closed in time; alice registers meanwhile"""
    restart_with(server, "[connections]\nmessage_seconds = 2\nunfinished_kib = 4096\n")
    options_answered(server, "before the flood")
    before = peak_kib(server)
    host, port = server.listen["tcp"].rsplit(":", 1)
    half = (b"MESSAGE sip:bob@example.org SIP/2.0\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 500_000)
    connections = []
    for number in range(300):
        connection = socket.create_connection((host, int(port)), timeout=LIMIT)
        connections.append(connection)
        try:
            connection.sendall(half)
        except ConnectionError:
            pass  # closed already in favour of later ones
        if number == 150:
            with Agent(server, *ALICE) as alice:
                alice.run("register")
    check(all(is_closed(each) for each in connections), "every connection is closed")
    for each in connections:
        each.close()
    grown = peak_kib(server) - before
    check(grown < 60_000, f"150 MB of half messages held {grown} KiB")
    check(any("unfinished message" in line for line in server.process.errors), "a log line reports it")


def goes_on(server):
    """after all of it two people still register and talk"""
    malformed_datagrams(server)
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        equal(alice.run("message", to=alice.aor, text="to myself")["status"], 200, "status")


if __name__ == "__main__":
    run([malformed_datagrams, deep_xml, secret_over_udp, bad_direct, impostor, unfinished_messages, goes_on])
