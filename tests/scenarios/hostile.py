"""What a hostile peer sends, and that the server goes on."""

import base64
import random
import re
import socket
import ssl

from story import ALICE, Agent, check, equal, run


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
        self.socket.settimeout(20)
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


def request(wire, method, uri, number, headers="", body=b"", user="alice", to=None):
    head = (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{wire.transport.upper()} {wire.here};branch=z9hG4bKh{number};rport\r\n"
            f"From: <sip:{user}@example.org>;tag=h\r\nTo: <sip:{to or user}@example.org>\r\nCall-ID: hostile-{wire.here}\r\n"
            f"CSeq: {number} {method}\r\nMax-Forwards: 70\r\n{headers}Content-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


def options_answered(server):
    with Wire(server, "udp") as wire:
        wire.send(request(wire, "OPTIONS", "sip:example.org", random.randrange(1, 1 << 30)))
        check(wire.receive().startswith("SIP/2.0 200"), "OPTIONS is answered 200")


def authorised(wire, method, uri, number, headers="", body=b"", user=ALICE, to=None):
    """Answers the challenge to a request and gives the final answer."""
    import hashlib
    name, password = user[0].split("@")[0], user[1]
    wire.send(request(wire, method, uri, number, headers, body, name, to))
    challenge = next(line for line in wire.receive().split("\r\n")
                     if line.lower().startswith("www-authenticate") and "MD5" in line)
    nonce = re.search(r'nonce="([^"]+)"', challenge).group(1)

    def digest(text):
        return hashlib.md5(text.encode()).hexdigest()

    response = digest(f"{digest(f'{name}:example.org:{password}')}:{nonce}:00000001:c:auth:{digest(f'{method}:{uri}')}")
    headers += (f'Authorization: Digest username="{name}", realm="example.org", nonce="{nonce}", uri="{uri}", '
                f'response="{response}", algorithm=MD5, qop=auth, cnonce="c", nc=00000001\r\n')
    wire.send(request(wire, method, uri, number + 1, headers, body, name, to))
    return wire.receive()


def malformed_datagrams(server):
    """malformed datagrams get 400 or silence, and the server is unharmed"""
    rng = random.Random(1)
    with Wire(server, "udp") as wire:
        good = request(wire, "OPTIONS", "sip:example.org", 1)
        for _ in range(2000):
            data = bytearray(good)
            for _ in range(rng.randrange(1, 12)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            wire.send(bytes(data[:rng.randrange(1, len(data) + 1)]))
        for data in (b"", b"\r\n\r\n", b"\0\0\0\0", bytes(65000), b"SIP/2.0 200 OK\r\n\r\n", good.replace(b"Via", b"Xia")):
            wire.send(data)
    with Wire(server, "udp") as wire:  # the answers to all that may have filled the first one's buffer
        good = request(wire, "OPTIONS", "sip:example.org", 1)
        wire.send(good.replace(b"CSeq: 1 OPTIONS", b"CSeq: one OPTIONS").replace(b"hh1;", b"hh2;").replace(b"z9hG4bKh1", b"z9hG4bKbad"))
        answer = wire.receive()
        check(answer.startswith("SIP/2.0 400"), f"a bad CSeq is answered 400, not {answer[:40]!r}")
    options_answered(server)


def deep_xml(server):
    """XML 100 000 levels deep is refused by the guard"""
    body = b"<a>" * 100_000 + b"</a>" * 100_000
    with Wire(server, "tls") as wire:
        answer = authorised(wire, "PUBLISH", "sip:alice@example.org", 10,
                            "Event: presence\r\nExpires: 600\r\nContent-Type: application/pidf+xml\r\n", body)
        check(re.match(r"SIP/2\.0 4(00|13|15)", answer), f"refused, not {answer[:40]!r}")
    options_answered(server)


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
        check("Warning: 399" in answer and "direct removed" in answer, "a Warning tells why")


def impostor(server):
    """alice's credentials publish and register nobody but alice"""
    with Wire(server, "tls") as wire:
        answer = authorised(wire, "PUBLISH", "sip:bob@example.org", 40,
                            "Event: presence\r\nExpires: 600\r\nContent-Type: application/pidf+xml\r\n",
                            direct_document(SECRET).replace(b"alice", b"bob"), to="bob")
        check(answer.startswith("SIP/2.0 403"), f"403, not {answer[:40]!r}")


def goes_on(server):
    """after all of it two people still register and talk"""
    malformed_datagrams(server)
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        equal(alice.run("message", to=alice.aor, text="to myself")["status"], 200, "status")


if __name__ == "__main__":
    run([malformed_datagrams, deep_xml, secret_over_udp, bad_direct, impostor, goes_on])
