"""A SIP user by hand, message by message: it sends what the caller says, and the caller sees what it receives.

    joe = SipUser(server, "joe@example.org", "secret", "udp")
    request = joe.request("PUBLISH", joe.aor, [("Event", "presence")], body)
    joe.send(request)
    answer = joe.receive(lambda message: message.is_response)   # a challenge is a message like any other
    joe.send(joe.authorised(request, answer))

The user does what the transport and the transaction layer of RFC 3261 do, and nothing above: it frames messages, sends a
request over UDP again until it is answered, passes over what comes twice, acknowledges a refused INVITE.
"""

import collections
import hashlib
import itertools
import re
import select
import socket
import ssl
import time

from beckon_harness import LIMIT, Failure, Silence

WITH_CONTACT = ("INVITE", "NOTIFY", "REFER", "SUBSCRIBE", "UPDATE")  # what tells where requests in the dialog go
RESEND = 0.5  # seconds until a request over UDP is sent again: T1 of RFC 3261 17.1.2.2


def connect(server, transport):
    """A UDP socket of one's own, or a TCP or TLS connection to the server; and the server's address."""
    host, port = server.listen[transport].rsplit(":", 1)
    if transport == "udp":
        line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        line.bind((host, 0))
    else:
        line = socket.create_connection((host, int(port)))
        if transport == "tls":
            context = ssl.create_default_context(cafile=server.certificate)
            line = context.wrap_socket(line, server_hostname=getattr(server, "name", "localhost"))
    line.settimeout(LIMIT)
    return line, (host, int(port))


def wait(users, deadline):
    """Waits until something may have come for one of the users, which are polled again then; False at the deadline."""
    now = time.monotonic()
    for each in users:
        each.resend(now)
    select.select([each.socket for each in users], [], [], max(0.0, min(deadline - now, RESEND)))
    return now < deadline


def challenge_of(headers):
    """The parameters of the first challenge that names an algorithm we know, from pairs of header name and value."""
    for name, value in headers:
        if name.lower() not in ("www-authenticate", "proxy-authenticate"):
            continue
        parameters = re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', value)
        challenge = {key.lower(): quoted or bare for key, quoted, bare in parameters}
        if challenge.get("algorithm", "MD5").upper() in ("MD5", "SHA-256"):
            return challenge
    raise Failure("no challenge with MD5 or SHA-256")


def credentials(challenge, method, uri, name, password, count=1):
    """The value of Authorization that answers a challenge (RFC 7616, qop=auth), for the `count`th time."""
    algorithm = challenge.get("algorithm", "MD5")

    def digest(text):
        return hashlib.new({"MD5": "md5", "SHA-256": "sha256"}[algorithm.upper()], text.encode()).hexdigest()

    realm, nonce = challenge["realm"], challenge["nonce"]
    response = digest(f"{digest(f'{name}:{realm}:{password}')}:{nonce}:{count:08x}:c:auth:{digest(f'{method}:{uri}')}")
    return (f'Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{response}", '
            f'algorithm={algorithm}, qop=auth, cnonce="c", nc={count:08x}')


class Message:
    """A SIP message: first line, headers in their order, body."""

    def __init__(self, first, headers, body=b"", dialog=None):
        self.first, self.headers, self.body = first, list(headers), body
        self.dialog = dialog  # of a request of ours
        self.challenges = []  # that it answers

    @staticmethod
    def parse(octets):
        head, separator, body = octets.partition(b"\r\n\r\n")
        lines = re.sub(rb"\r\n[ \t]+", b" ", head).decode().split("\r\n")
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise Failure(f"a header without colon: {line!r}")
            headers.append((name.strip(), value.strip()))
        message = Message(lines[0], headers, body)
        if not separator or message.get("Content-Length", "-") not in ("-", str(len(body))):
            raise Failure(f"Content-Length of a message with {len(body)} octets of body: {octets!r}")
        return message

    def octets(self):
        lines = [self.first, *(f"{name}: {value}" for name, value in self.headers), f"Content-Length: {len(self.body)}"]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body

    def __str__(self):
        lines = [self.first, *(f"{name}: {value}" for name, value in self.headers)]
        return "\n".join([*lines, "", self.body.decode(errors="replace")])

    def get(self, name, missing=None):
        """The values of a header, joined as RFC 3261 7.3.1 allows."""
        values = [value for each, value in self.headers if each.lower() == name.lower()]
        return ", ".join(values) if values else missing

    def all(self, name):
        return [(each, value) for each, value in self.headers if each.lower() == name.lower()]

    def has(self, name):
        return self.get(name) is not None

    @property
    def is_response(self):
        return self.first.startswith("SIP/2.0 ")

    @property
    def status(self):
        return int(self.first.split()[1]) if self.is_response else None

    @property
    def method(self):
        """Of the request, also of the one that a response answers."""
        return self.get("CSeq", " ").split()[-1] if self.is_response else self.first.split()[0]

    @property
    def uri(self):
        return self.first.split()[1]

    @property
    def branch(self):
        found = re.search(r"branch=([^;,\s]+)", self.get("Via", ""))
        return found.group(1) if found else None

    @property
    def key(self):
        """Names the transaction (RFC 3261 17.1.3)."""
        return self.branch, self.method

    def tag(self, name):
        found = re.search(r";\s*tag=([^;\s]+)", self.get(name, ""))
        return found.group(1) if found else None


class Dialog:
    """What a user keeps of a dialog (RFC 3261 12)."""

    def __init__(self, request, target):
        """Of a request of ours."""
        self.call_id, self.own, self.peer = (request.get(each) for each in ("Call-ID", "From", "To"))
        self.target = target
        self.number = int(request.get("CSeq").split()[0])
        self.peer_number = None  # the CSeq of the peer's last request
        self.route = []

    def refresh(self, message):
        """The peer's Contact is where requests in the dialog go."""
        self.target = re.search(r"<([^>]+)>|$", message.get("Contact")).group(1) or message.get("Contact")

    @staticmethod
    def of_peer(request, tag):
        """Of a request that has come; `tag` is ours."""
        dialog = Dialog(request, None)
        dialog.refresh(request)
        dialog.own, dialog.peer = f"{request.get('To')};tag={tag}", request.get("From")
        dialog.number, dialog.route = 0, [value for _, value in request.all("Record-Route")]
        return dialog


class SipUser:
    """One device of an account, on a socket of its own."""

    numbers = itertools.count(1)

    def __init__(self, server, account, password, transport):
        self.server, self.password, self.transport = server, password, transport
        self.name, self.domain = account.split("@")
        self.aor = f"sip:{account}"
        self.connect()
        self.resend_at = 0.0
        self.counts = collections.Counter()  # of each nonce, how often it was used
        self.requests = {}     # (branch, method) of our requests
        self.waiting = {}      # those that have no final answer yet
        self.finished = set()  # (branch, method, status, tag of a device or None) of answers that have come
        self.answers = {}      # (branch, method) of requests that have come -> our last answer, or None

    def connect(self):
        self.socket, self.peer = connect(self.server, self.transport)
        self.here = "%s:%d" % self.socket.getsockname()[:2]
        suffix = "" if self.transport == "udp" else f";transport={self.transport}"
        self.contact = f"sip:{self.name}@{self.here}{suffix}"
        self.buffer = b""

    def move(self):
        """Goes on at another socket."""
        self.close()
        self.connect()

    def close(self):
        self.socket.close()

    def via(self):
        return f"SIP/2.0/{self.transport.upper()} {self.here};branch=z9hG4bKs{next(self.numbers)}x;rport"

    # Sending

    def request(self, method, uri, headers=(), body=b"", to=None, dialog=None):
        """A request; `headers` take the place of those that the user would write, the value "-" leaves one out."""
        unique = next(self.numbers)
        if dialog:
            dialog.number += method != "ACK"
            number, own, peer, call_id = dialog.number, dialog.own, dialog.peer, dialog.call_id
        else:
            number, own, peer, call_id = 1, f"<{self.aor}>;tag=f{unique}", f"<{to or uri}>", f"c{unique}@{self.here}"
        written = [("Via", self.via()), ("Max-Forwards", "70"), ("From", own), ("To", peer), ("Call-ID", call_id),
                   ("CSeq", f"{number} {method}")]
        written += [("Route", each) for each in (dialog.route if dialog else ())]
        if method in ("REGISTER", *WITH_CONTACT):
            written.append(("Contact", f"<{self.contact}>"))
        given = {name.lower() for name, _ in headers}
        written = [each for each in written if each[0].lower() not in given]
        written += [each for each in headers if each[1] != "-"]
        return Message(f"{method} {uri} SIP/2.0", written, body, dialog)

    def authorised(self, request, refusal):
        """The same request again with credentials, as a new transaction (RFC 3261 22.2)."""
        challenge = challenge_of(refusal.headers)
        challenge["header"] = "Authorization" if refusal.status == 401 else "Proxy-Authorization"
        number, method = request.get("CSeq").split()
        if request.dialog:
            request.dialog.number += 1
        changed = {"via": self.via(), "cseq": f"{int(number) + 1} {method}"}
        again = Message(request.first, [], request.body, request.dialog)
        again.headers = [(name, changed.get(name.lower(), value)) for name, value in request.headers if "Authorization" not in name]
        # Those of other realms stay, as a proxy each may ask (22.3).
        again.challenges = [each for each in request.challenges if each["realm"] != challenge["realm"]] + [challenge]
        for each in again.challenges:
            self.counts[each["nonce"]] += 1
            again.headers.append((each["header"], credentials(each, request.method, request.uri, self.name, self.password,
                                                              self.counts[each["nonce"]])))
        return again

    def answer(self, request, status, reason, headers=(), body=b"", tag=None):
        """Answers a request that has come."""
        written = request.all("Via") + request.all("Record-Route") + request.all("From")
        to = request.get("To")
        written.append(("To", to if request.tag("To") or status == 100 else f"{to};tag={tag}"))
        written += request.all("Call-ID") + request.all("CSeq") + list(headers)
        has_contact = any(name.lower() == "contact" for name, _ in headers)
        if request.method in WITH_CONTACT and 100 < status < 300 and not has_contact:
            written.append(("Contact", f"<{self.contact}>"))
        octets = Message(f"SIP/2.0 {status} {reason}", written, body).octets()
        self.answers[request.key] = octets
        self.write(octets)

    def send(self, request):
        if request.method != "ACK":
            self.resend_at = time.monotonic() + RESEND
            self.requests[request.key] = self.waiting[request.key] = request
        self.write(request.octets())

    def write(self, octets):
        self.socket.settimeout(LIMIT)
        if self.transport == "udp":
            self.socket.sendto(octets, self.peer)
        else:
            self.socket.sendall(octets)

    def resend(self, now):
        """Sends again over UDP what is due."""
        if self.transport == "udp" and now >= self.resend_at:
            self.resend_at = now + RESEND
            for each in self.waiting.values():
                self.write(each.octets())

    # Receiving

    def receive(self, limit=LIMIT):
        """The next message that is news: no retransmission, no answer to what was answered before."""
        deadline = time.monotonic() + limit
        while (message := self.poll()) is None:
            if not wait([self], deadline):
                raise Silence(f"nothing came within {limit:.3g} s")
        return message

    def poll(self):
        """News that has come already, or None."""
        while (message := self.next_message()) and not self.is_news(message):
            pass
        return message

    def is_news(self, message):
        if not message.is_response:
            key = message.key
            if message.method == "ACK" and (earlier := self.answers.get((message.branch, "INVITE"))):
                return earlier.startswith(b"SIP/2.0 2")  # of a refusal it is the transaction's own
            if key in self.answers:
                if self.answers[key]:
                    self.write(self.answers[key])
                return False
            self.answers[key] = None
            return True
        if message.key not in self.requests:
            raise Failure(f"an answer to no request of this user: {message.first!r} to {message.get('CSeq')!r}")
        if message.status >= 200:
            self.waiting.pop(message.key, None)
            if message.method == "INVITE" and message.status >= 300:
                self.write(self.of_transaction(self.requests[message.key], "ACK", message.get("To")).octets())
        # A request that is forked has provisional answers, and maybe more than one 2xx, of several devices.
        device = message.tag("To") if message.method == "INVITE" and 100 < message.status < 300 else None
        is_news = (*message.key, message.status, device) not in self.finished
        self.finished.add((*message.key, message.status, device))
        return is_news

    def of_transaction(self, invite, method, to):
        """An ACK to a refusal (RFC 3261 17.1.1.3), or a CANCEL (9.1)."""
        kept = ("max-forwards", "from", "call-id", "route")
        headers = invite.all("Via")[:1] + [each for each in invite.headers if each[0].lower() in kept]
        headers += [("To", to), ("CSeq", invite.get("CSeq").replace("INVITE", method))]
        return Message(invite.first.replace("INVITE", method, 1), headers)

    def next_message(self):
        self.socket.settimeout(0)
        while True:
            if self.transport != "udp" and (message := self.take_framed()):
                return message
            try:
                octets = self.socket.recv(65535)
            except (BlockingIOError, ssl.SSLWantReadError):
                return None
            if self.transport == "udp":
                if octets.strip():
                    return Message.parse(octets)
            elif not octets:
                raise Failure("the server closed the connection")
            else:
                self.buffer += octets

    def take_framed(self):
        """A message of the stream that has come whole (RFC 3261 18.3); CRLFs in between are keep-alives."""
        self.buffer = self.buffer.lstrip(b"\r\n")
        head, separator, rest = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = re.search(rb"^Content-Length\s*:\s*(\d+)", head, re.I | re.M)
        if not length:
            raise Failure(f"a message on a stream without Content-Length: {head!r}")
        size = int(length.group(1))
        if len(rest) < size:
            return None
        self.buffer = rest[size:]
        return Message.parse(head + separator + rest[:size])
