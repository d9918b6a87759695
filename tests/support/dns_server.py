"""A name server for tests: a table of records on one free port of 127.0.0.1, over UDP and TCP, that counts what
it is asked and misbehaves on request.

    zone = {"example.org": {"NAPTR": [(10, 50, "s", "SIPS+D2T", "", "_sips._tcp.example.org")]},
            "_sips._tcp.example.org": {"SRV": [(10, 0, 5061, "host.example.org")]},
            "host.example.org": {"A": ["127.0.0.1"]}}
    with DnsServer(zone) as dns:
        ... "--dns", dns.address ...
        dns.count("host.example.org", "A")

In place of its list of records a type may have an object: {"records": [...], "ttl": seconds, "rcode": 2,
"silent": true, "truncate": true (over UDP only), "delay": seconds}. Names that are not in the table get NXDOMAIN,
types that are not get an empty answer; both with a SOA whose minimum is `nothing_ttl`. As a program it reads the
table from a JSON file, prints `ready ADDRESS`, then a line for each question, and ends with its standard input.
"""

import json
import socket
import struct
import sys
import threading

TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "AAAA": 28, "SRV": 33, "NAPTR": 35}
NAMES = {number: name for name, number in TYPES.items()}
RESPONSE, AUTHORITATIVE, TRUNCATED, RECURSION = 0x8000, 0x0400, 0x0200, 0x0180


def pack_name(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def pack_text(text):
    return bytes([len(text)]) + text.encode()


def pack_data(kind, record):
    if kind == "A":
        return socket.inet_pton(socket.AF_INET, record)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, record)
    if kind == "CNAME":
        return pack_name(record)
    if kind == "SRV":
        priority, weight, port, target = record
        return struct.pack("!HHH", priority, weight, port) + pack_name(target)
    order, preference, flags, service, regexp, replacement = record
    return (struct.pack("!HH", order, preference) + pack_text(flags) + pack_text(service) + pack_text(regexp) +
            pack_name(replacement))


def pack_record(name, kind, ttl, data):
    return pack_name(name) + struct.pack("!HHIH", TYPES[kind], 1, ttl, len(data)) + data


def read_question(message):
    """Name in lower case, number of its type, and where the question ends."""
    at, labels = 12, []
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("ascii", "replace").lower())
        at += 1 + message[at]
    kind, = struct.unpack_from("!H", message, at + 1)
    return ".".join(labels), kind, at + 5


class DnsServer:
    def __init__(self, zone, ttl=60, nothing_ttl=60, on_question=None):
        self.zone = zone
        self.ttl, self.nothing_ttl = ttl, nothing_ttl
        self.on_question = on_question
        self.questions = []
        self._asked = set()
        self._lock = threading.Lock()
        while True:  # a port that is free for both
            self._tcp = socket.create_server(("127.0.0.1", 0))
            self.port = self._tcp.getsockname()[1]
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self._udp.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self._udp.close()
                self._tcp.close()
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def count(self, name=None, kind=None, over=None):
        """Questions, by name, type, or "udp" and "tcp". One that is sent again, with its id from its port, is one."""
        with self._lock:
            return sum((name in (None, n)) and (kind in (None, k)) and (over in (None, o))
                       for n, k, o, *_ in self._asked)

    def stop(self):
        for each in (self._udp, self._tcp):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # a datagram socket without peer says so, and wakes its reader all the same
            each.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _look_up(self, name, kind):
        """Records along CNAMEs, as (owner, type, data, ttl), and what else the table says."""
        records, how = [], {}
        for _ in range(4):
            entry = self.zone.get(name, {})
            found = entry.get(kind, [])
            how = found if isinstance(found, dict) else {"records": found}
            ttl = how.get("ttl", self.ttl)
            records += [(name, kind, pack_data(kind, each), ttl) for each in how.get("records", [])]
            if records and records[-1][1] == kind or "CNAME" not in entry:
                break
            records.append((name, "CNAME", pack_data("CNAME", entry["CNAME"]), self.ttl))
            name = entry["CNAME"]
        return records, how

    def _answer(self, message, peer, over, send):
        name, number, end = read_question(message)
        kind = NAMES.get(number, str(number))
        with self._lock:
            self.questions.append((name, kind, over))
            self._asked.add((name, kind, over, message[:2], peer))
        if self.on_question:
            self.on_question(name, kind, over)
        records, how = self._look_up(name, kind)
        if how.get("silent"):
            return
        flags = RESPONSE | AUTHORITATIVE | RECURSION | how.get("rcode", 0 if name in self.zone else 3)
        authority = []
        if how.get("truncate") and over == "udp":
            flags, records = flags | TRUNCATED, []
        elif not records and not how.get("rcode"):
            soa = pack_name("ns.test") + pack_name("root.test") + struct.pack("!IIIII", 1, 2, 3, 4, self.nothing_ttl)
            authority.append(pack_record("", "SOA", 3600, soa))
        answer = message[:2] + struct.pack("!HHHHH", flags, 1, len(records), len(authority), 0) + message[12:end]
        answer += b"".join(pack_record(owner, its, ttl, data) for owner, its, data, ttl in records)
        answer += b"".join(authority)
        if how.get("delay"):
            threading.Timer(how["delay"], send, (answer,)).start()
        else:
            send(answer)

    def _serve_udp(self):
        while True:
            try:
                message, peer = self._udp.recvfrom(4096)
                if len(message) > 12:
                    self._answer(message, peer, "udp", lambda answer, to=peer: self._udp.sendto(answer, to))
            except OSError:
                return

    def _serve_tcp(self):
        while True:
            try:
                connection, peer = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(connection, peer), daemon=True).start()

    def _serve_connection(self, connection, peer):
        with connection, connection.makefile("rb") as stream:
            while len(head := stream.read(2)) == 2:
                message = stream.read(struct.unpack("!H", head)[0])
                self._answer(message, peer, "tcp",
                             lambda answer: connection.sendall(struct.pack("!H", len(answer)) + answer))


def main():
    def tell(*words):
        print(*words, flush=True)

    with open(sys.argv[1], encoding="utf-8") as file:
        zone = json.load(file)
    with DnsServer(zone, on_question=lambda *question: tell("question", *question)) as server:
        tell("ready", server.address)
        sys.stdin.read()


if __name__ == "__main__":
    main()
