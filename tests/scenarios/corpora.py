"""Mutated requests by the thousand (of the corpora beside this repository) against the running server: no crash, nothing but
refusals, memory flat, and in between an OPTIONS is still answered."""

import collections
import pathlib
import re
import socket
import tarfile

from hostile import batches, options_answered
from story import check, equal, parser, run

LARGEST_DATAGRAM = 65507
GROWTH_KIB = 8192  # what a second round over the same messages may add to the server's memory


def mutations(folder):
    """(name, octets) of every message, in the archive's order."""
    with tarfile.open(folder / "register-mutations.tar.xz") as archive:
        for member in archive:
            if member.isfile():
                yield member.name, archive.extractfile(member).read()
    for path in sorted((folder / "protos-c07-sip-capture").glob("*.raw")):
        yield path.name, path.read_bytes()


def resident_kib(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


class Mutant:
    """Sends what the archive holds and counts what comes back. The archive's requests say that answers go to port 5060
    of wherever they come from: an address of loopback of our own has it free."""

    def __init__(self, server, address):
        self.server = server
        self.answers = collections.Counter()
        host, port = server.listen["udp"].rsplit(":", 1)
        self.udp = (host, int(port))
        host, port = server.listen["tcp"].rsplit(":", 1)
        self.tcp = (host, int(port))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((address, 5060))
        self.socket.setblocking(False)

    def count(self, name, answer):
        found = re.match(rb"SIP/2\.0 ([3-6]\d\d) [^\r\n]*\r\n", answer)
        check(found, f"{name}: answered with a refusal, not {answer[:60]!r}")
        self.answers[int(found.group(1))] += 1

    def collect(self, name):
        try:
            while True:
                self.count(name, self.socket.recv(65535))
        except BlockingIOError:
            pass

    def send(self, name, octets):
        if len(octets) <= LARGEST_DATAGRAM:
            self.socket.sendto(octets, self.udp)
            return
        with socket.create_connection(self.tcp, timeout=20) as stream:
            try:
                stream.sendall(octets)
                stream.shutdown(socket.SHUT_WR)
                if answer := stream.recv(65535):
                    self.count(name, answer)
            except (ConnectionResetError, BrokenPipeError):
                self.answers["closed"] += 1  # refused before it was read to its end

    def play(self, messages):
        for batch in batches(messages):
            for name, octets in batch:
                self.send(name, octets)
            options_answered(self.server, f"after {name}")
            self.collect(name)


def mutated_registers(server):
    """thousands of mutated REGISTERs get refusals or silence, OPTIONS is answered in between, memory stays flat"""
    messages = list(mutations(arguments.corpora / "sip"))
    mutant = Mutant(server, "127.0.0.77")
    mutant.play(messages)
    before = resident_kib(server)
    print(f"  {len(messages)} messages, answered {dict(sorted(mutant.answers.items(), key=str))}; {before} KiB resident", flush=True)
    check(sum(mutant.answers.values()) > len(messages) // 2, "most are answered")
    mutant.play(messages)
    after = resident_kib(server)
    print(f"  again: {after} KiB resident", flush=True)
    check(after - before < GROWTH_KIB, f"memory grew from {before} to {after} KiB")
    equal(server.process.process.poll(), None, "the server's exit code")


words = parser()
words.add_argument("--corpora", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[3] / "shared/corpora",
                   help="their folder; default: where the build looks for it, too")
arguments = words.parse_args()
run([mutated_registers], ["--domain", "beckon.example"], arguments)
