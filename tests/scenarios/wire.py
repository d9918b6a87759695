"""No story: SIP requests written by hand, over UDP, TCP or TLS."""

import re
import time

from story import ALICE, LIMIT, Failure, check  # first: it finds tests/support
from sip_user import RESEND, challenge_of, connect, credentials


class Wire:
    """One UDP socket, or one TCP or TLS connection, to the server."""

    def __init__(self, server, transport):
        self.transport = transport
        self.socket, self.peer = connect(server, transport)
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
    head = (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{wire.transport.upper()} {wire.here};branch=z9hG4bKw{number};rport\r\n"
            f"From: <sip:{user}@example.org>;tag=w\r\nTo: <sip:{to or user}@example.org>\r\nCall-ID: wire-{wire.here}\r\n"
            f"CSeq: {number} {method}\r\nMax-Forwards: 70\r\n{headers}Content-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


def with_credentials(wire, method, uri, number, headers="", body=b"", user=ALICE, to=None):
    """Sends a request and gives it as it is sent again, with the answer to its challenge."""
    name, password = user[0].split("@")[0], user[1]
    refusal = wire.ask(request(wire, method, uri, number, headers, body, name, to), method)
    fields = [line.split(": ", 1) for line in refusal.split("\r\n\r\n")[0].split("\r\n")[1:]]
    headers += f"Authorization: {credentials(challenge_of(fields), method, uri, name, password)}\r\n"
    return request(wire, method, uri, number + 1, headers, body, name, to)


def authorised(wire, method, uri, number, headers="", body=b"", user=ALICE, to=None):
    """Answers the challenge to a request and gives the final answer."""
    return wire.ask(with_credentials(wire, method, uri, number, headers, body, user, to), f"{method} with credentials")
