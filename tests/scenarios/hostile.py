"""What a hostile peer sends, and that the server goes on."""

import base64
import pathlib
import random
import re
import socket

from story import ALICE, LIMIT, Agent, check, equal, restart_with, run
from wire import Wire, authorised, request

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


def options_answered(server, step):
    with Wire(server, "udp") as wire:
        answer = wire.ask(request(wire, "OPTIONS", "sip:example.org", random.randrange(1, 1 << 30)), f"OPTIONS {step}")
        check(answer.startswith("SIP/2.0 200"), f"OPTIONS {step}: 200, not {answer[:40]!r}")


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
