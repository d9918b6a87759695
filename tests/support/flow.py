"""Plays stories that are text files: who sends what to whom, and what must come back.

    # The title of the story, in one line (RFC 3903 15)
    with presentity, watcher

    watcher sends SUBSCRIBE to presentity      # M1; a comment
        Event: presence
    watcher gets 200
        Expires: 3600
    watcher gets NOTIFY, answers 200
        Subscription-State: active;expires={}

        <presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:presentity@example.org">...</presence>

A step is a line; what is indented under it belongs to it: headers, and after an empty line a body.

    with NAME [over TRANSPORT], DEVICE of NAME [over TRANSPORT], ...
        Users, whose account has the same name, and devices of users. The run says what they speak if the story does not.
    server has
        The server runs with the configuration (TOML) under this line.
    NAME, NAME, ... registers
        Each with an instance (RFC 5627): its GRUU is {NAME.gruu}, and the Contact in what it sends from then on.
    NAME calls NAME
        INVITE, 100, 180, 200 and ACK. {NAME.replaces} is that dialog in a Replaces that NAME gets (RFC 3891), and
        {NAME.replaces.escaped} the same in a URI.
    NAME sends METHOD [to WHOM]
        WHOM is a user, an account or a URI. Without it a REGISTER goes to the domain, another request to the own address.
    NAME sends METHOD in dialog [with WHOM]
        In the dialog of the last SUBSCRIBE, INVITE or REFER that the user sent or got; the last with that account.
    NAME sends CANCEL
        Of the user's last INVITE.
    NAME sends it with credentials
        The request again that was refused last: it answers the challenge.
    NAME sends it again
        The last request, with the same credentials, as a new transaction.
    NAME forwards it to WHOM
        As a proxy does, the last request that waits for an answer; NAME gets the answer, and gives its own.
    NAME gets STATUS
        The answer to a request. A challenge is answered at once where the story does not mention it.
    NAME gets METHOD[, answers STATUS]
    NAME answers STATUS
        The last request that waits for an answer.
    NAME gets nothing
        All that the server has sent to the user was played.
    NAME dies
        Its socket is closed, and it takes no further part.
    NAME moves
        It goes on at another socket, with another {NAME.contact}.
    NAME allows | politely blocks | blocks | forgets NAME
        By the presence rules, over XCAP.
    NAME writes AUID/DOCUMENT[, gets STATUS]
    NAME deletes AUID/DOCUMENT[, gets STATUS]
        A document of its own, over XCAP; under it the header Content-Type, and the document. Without STATUS it is done.

What a user sends has the headers that every request needs; the story's take their place, and "-" leaves one out. What a
user gets must have the headers that the story names, in any order, and those that every message of its kind needs; "-" is
a header that must not be there. A body that is XML is compared as XML: attributes that the story does not name are free,
attribute="-" must not be there, and the elements must be exactly those of the story unless there is a "..." among them. A
body that is a multipart is compared part by part, in their order: the headers that the story names, and the body of each;
its delimiters are lines like "--b". A body that is text is compared as a whole.

{name} is any text the first time and the same text from then on, {name+1} the number after it, {} any text. One is known
from the start: {NAME.contact}, the URI in the Contact of what NAME sends.

A story ends when every request was answered and nothing has come that the story does not mention.
"""

import dataclasses
import http.client
import pathlib
import re
import ssl
import time
import urllib.parse
import uuid
import xml.etree.ElementTree as xml

from beckon_harness import LIMIT, Failure, Silence
from sip_user import Dialog, Message, SipUser, challenge_of, credentials, wait

REASONS = {180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted", 302: "Moved Temporarily", 404: "Not Found",
           480: "Temporarily Unavailable", 481: "Subscription Does Not Exist", 486: "Busy Here", 487: "Request Terminated",
           489: "Bad Event", 600: "Busy Everywhere", 603: "Decline"}
MAKES_DIALOG = ("INVITE", "REFER", "SUBSCRIBE")
HANDLINGS = {"allows": "allow", "politely blocks": "polite-block", "blocks": "block", "forgets": None}


@dataclasses.dataclass
class Step:
    line: int
    text: str
    block: list  # the indented lines, without their indentation
    play: object = None
    words: re.Match = None

    def headers(self):
        return [tuple(part.strip() for part in line.split(":", 1)) for line in self.block[:self.gap()]]

    def body(self):
        return "\n".join(self.block[self.gap() + 1:])

    def gap(self):
        return self.block.index("") if "" in self.block else len(self.block)


class Story:
    """A file, read: its title and its steps. `domain` takes the place of example.org."""

    def __init__(self, path, domain="example.org"):
        self.path = pathlib.Path(path)
        self.steps = []
        lines = self.path.read_text().replace("example.org", domain).splitlines()
        self.title = lines[0].lstrip("# ") if lines else ""
        for number, line in enumerate(lines, 1):
            if line.startswith((" ", "\t")) or not line.strip():
                if self.steps:
                    self.steps[-1].block.append(line)
            elif not line.startswith("#"):
                self.steps.append(Step(number, re.sub(r"\s+#.*", "", line).strip(), []))
        for step in self.steps:
            self.read(step)

    def read(self, step):
        while step.block and not step.block[-1].strip():
            step.block.pop()
        indent = min((len(line) - len(line.lstrip()) for line in step.block if line.strip()), default=0)
        step.block = [line[indent:].rstrip() for line in step.block]
        for pattern, play in Player.STEPS:
            if words := re.fullmatch(pattern, step.text):
                step.words, step.play = words, play
                return step
        raise Failure(f"{self.path.name}:{step.line}: no step of a story: {step.text}")


class Mismatch(Exception):
    """What came is not what the story says."""


class Bindings(dict):
    """What placeholders stand for."""

    PLACEHOLDER = re.compile(r"\{([\w.]*)([+]\d+)?\}")

    def value(self, found):
        name, plus = found.group(1), found.group(2)
        if name not in self:
            raise Mismatch(f"{{{name}}} is not known yet")
        return str(int(self[name]) + int(plus)) if plus else self[name]

    def fill(self, text):
        return self.PLACEHOLDER.sub(self.value, text)

    def matches(self, wanted, got):
        """Is the text as wanted? Binds the placeholders that are not known yet."""
        pattern, at, names = "", 0, []
        for found in self.PLACEHOLDER.finditer(wanted):
            pattern += re.escape(wanted[at:found.start()])
            at = found.end()
            name = found.group(1)
            if name in self:
                pattern += re.escape(self.value(found))
            elif name in names:
                pattern += f"(?P=g{names.index(name)})"
            elif name and not found.group(2):
                pattern += f"(?P<g{len(names)}>.+?)"
                names.append(name)
            elif not name:
                pattern += ".+?"
            else:
                raise Mismatch(f"{found.group()} is not known yet")
        found = re.fullmatch(pattern + re.escape(wanted[at:]), got, re.S)
        if found:
            self.update({name: found.group(f"g{index}") for index, name in enumerate(names)})
        return bool(found)

    def check(self, wanted, got, what):
        if not self.matches(wanted, got):
            raise Mismatch(f"{what}: expected {wanted!r}, got {got!r}")


def parts_of(text, boundary):
    """The parts of a multipart: of each its headers, and its body."""
    lines = re.split(rf"^--{re.escape(boundary)}(?:--)?[ ]*$\n?", text.replace("\r\n", "\n") + "\n", flags=re.M)[1:-1]
    heads = [part.partition("\n\n") for part in lines]
    return [([tuple(word.strip() for word in line.split(":", 1)) for line in head.split("\n") if line], body.strip("\n"))
            for head, _, body in heads]


def boundary_of(kind):
    return re.search(r';\s*boundary="?([^";]+)', kind).group(1)


def documents_in(kind, body):
    """What a body is made of: pairs of Content-Type and text."""
    if not kind.startswith("multipart/"):
        return [(kind, body)]
    return [each for headers, part in parts_of(body, boundary_of(kind))
            for each in documents_in(dict(headers).get("Content-Type", "text/plain"), part)]


def short(name):
    """{namespace}element -> element."""
    return name.rpartition("}")[2]


def compare(wanted, got, bindings, path=""):
    """Two elements; what is bound on the way stays bound only if they match."""
    path = f"{path}/{short(wanted.tag)}"
    if wanted.tag != got.tag:
        raise Mismatch(f"{path}: expected <{wanted.tag}>, got <{got.tag}>")
    for name, value in wanted.attrib.items():
        there = got.get(name)
        if value == "-":
            if there is not None:
                raise Mismatch(f"{path}: expected no attribute {short(name)}, got {there!r}")
        elif there is None:
            raise Mismatch(f"{path}: expected {short(name)}={value!r}, got no such attribute")
        else:
            bindings.check(value, there, f"{path}: {short(name)}")
    words = [text.strip() for text in [wanted.text or "", *(child.tail or "" for child in wanted)]]
    is_open = "..." in words
    if not is_open or len(wanted):
        compare_children(list(wanted), list(got), is_open, bindings, path)
    if not is_open and not len(wanted):
        bindings.check(words[0], (got.text or "").strip(), path)


def compare_children(wanted, got, is_open, bindings, path):
    """In their order; `is_open`: others may be among them."""
    left = list(got)
    for each in wanted:
        fault = Mismatch(f"{path}: expected one more <{short(each.tag)}>, got none")
        while left and fault:
            trial = Bindings(bindings)
            try:
                compare(each, left.pop(0), trial, path)
                bindings.update(trial)
                fault = None
            except Mismatch as error:
                fault = error
                if not is_open:
                    break
        if fault:
            raise fault
    if left and not is_open:
        raise Mismatch(f"{path}: expected nothing more, got <{short(left[0].tag)}>")


class Player:
    """Plays one story against a server: a `Server`, or what looks like one (it has `password`, `listen`, `domain`)."""

    prints = True  # what came last, when the story fails

    def __init__(self, story, server, transport):
        self.story, self.transport = story, transport
        self.server, self.domain = server, server.domain
        self.users = {}
        self.accounts = {}
        self.bindings = Bindings()
        self.received = []   # (line of the story, content type, body) of every document
        self.published = {}  # (AOR, entity-tag) -> event package, of publications that live
        self.rules = {}      # account -> watcher -> handling
        self.last = None     # the message that came last, shown when the story fails

    def play(self):
        config = next((step for step in self.story.steps if step.text == "server has"), None)
        if config and not hasattr(self.server, "options"):
            raise Failure("this story is about a server with a configuration of its own")
        if config:
            path = self.server.data / "story.toml"
            path.write_text("\n".join(config.block) + "\n")
            self.server.options += ["--config", path]
        with self.server:
            for index, step in enumerate(self.story.steps):
                self.mentions = [each.text for each in self.story.steps[index:]]
                self.perform(step, lambda step=step: step.play(self, step, *step.words.groups()))
            for name in self.users:
                self.perform(self.story.steps[-1], lambda name=name: self.finish(name))
        for user in self.users.values():
            user.close()

    def perform(self, step, action):
        try:
            action()
        except (Failure, Mismatch, OSError, xml.ParseError) as error:
            if self.last and self.prints:
                print(f"What came last:\n{self.last}", flush=True)
            raise Failure(f"{self.story.path.name}:{step.line}: {step.text}: {error}") from error

    def run(self, *texts):
        """Plays steps that stand for one of the story."""
        later = self.mentions[1:]
        for index, text in enumerate(texts):
            self.mentions = [*texts[index:], *later]
            first, *block = text.split("\n")
            step = self.story.read(Step(0, first, block))
            step.play(self, step, *step.words.groups())

    # Steps

    def do_with(self, step, people):
        for each in re.split(r",\s*", people):
            name, account, transport = re.fullmatch(r"(\w+)(?: of (\w+))?(?: over (\w+))?", each).groups()
            account = account or name
            if account not in self.accounts:
                self.accounts[account] = f"sip:{account}@{self.domain}"
            address = f"{account}@{self.domain}"
            user = SipUser(self.server, address, self.server.password(address), transport or self.transport)
            user.dialogs = []
            user.registration = None
            user.sent = user.invite = user.refusal = None
            user.inbox = []  # what has come and was not played yet
            user.got = []    # requests that wait for an answer
            self.users[name] = user
            self.bindings[f"{name}.contact"] = user.contact

    def do_nothing(self, step):
        pass

    def aor(self, name):
        return self.accounts[name] if name in self.accounts else self.user(name).aor

    def user(self, name):
        if name not in self.users:
            raise Failure(f"nobody is called {name}")
        return self.users[name]

    def dialog_of(self, user, peer):
        """The last dialog; with a peer, the last with its account."""
        account = self.aor(peer).partition(":")[2] if peer else ""
        found = [each for each in user.dialogs if account in each.peer]
        if not found:
            raise Failure("no dialog")
        return found[-1]

    def do_send(self, step, name, method, whom, in_dialog, peer):
        user = self.user(name)
        dialog = None
        if in_dialog:
            dialog = self.dialog_of(user, peer)
            uri = dialog.target
        elif whom:
            uri = self.bindings.fill(whom) if re.search("[:{]", whom) else self.aor(whom)
        else:
            uri = f"sip:{self.domain}" if method in ("REGISTER", "OPTIONS") else user.aor
        headers = [(key, self.bindings.fill(value)) for key, value in step.headers()]
        body = self.bindings.fill(step.body())
        if body and not body.startswith("<"):
            body = "\r\n".join(body.split("\n")) + ("" if method == "MESSAGE" else "\r\n")
        if method == "REGISTER":
            dialog = user.registration
        to = user.aor if method == "REGISTER" else None
        request = user.request(method, uri, headers, body.encode(), to, dialog)
        if method == "REGISTER" and not dialog:
            # Requests of one registration have one Call-ID (RFC 3261 10.2.4): kept as a dialog is.
            request.dialog = user.registration = Dialog(request, uri)
        if method in MAKES_DIALOG and not in_dialog:
            request.dialog = Dialog(request, uri)
            user.dialogs.append(request.dialog)
        self.send(user, request)

    def send(self, user, request):
        if request.method == "INVITE":
            user.invite = request
        user.sent = request
        user.send(request)

    def do_cancel(self, step, name):
        user = self.user(name)
        cancel = user.of_transaction(user.invite, "CANCEL", user.invite.get("To"))
        cancel.headers += [(key, self.bindings.fill(value)) for key, value in step.headers()]
        user.send(cancel)

    def do_register(self, step, names):
        for name in re.split(r",\s*", names):
            user = self.user(name)
            instance = uuid.uuid5(uuid.NAMESPACE_URL, f"{user.aor}/{name}")
            self.run(f'{name} sends REGISTER\n    Contact: <{user.contact}>;+sip.instance="<urn:uuid:{instance}>"\n    Supported: gruu',
                     f"{name} gets 200")
            gruu = re.search(rf'pub-gruu="([^"]*{instance})"', self.last.get("Contact", ""))
            if not gruu:
                raise Mismatch("expected a GRUU")
            user.contact = self.bindings[f"{name}.gruu"] = gruu.group(1)

    def do_call(self, step, caller, callee):
        self.run(f"{caller} sends INVITE to {callee}", f"{caller} gets 100", f"{callee} gets INVITE, answers 180",
                 f"{caller} gets 180", f"{callee} answers 200", f"{caller} gets 200", f"{caller} sends ACK in dialog",
                 f"{callee} gets ACK")
        for name, dialog in ((each, self.user(each).dialogs[-1]) for each in (caller, callee)):
            own, peer = (each.partition(";tag=")[2] for each in (dialog.own, dialog.peer))
            replaces = f"{dialog.call_id};to-tag={own};from-tag={peer}"
            self.bindings[f"{name}.replaces"] = replaces
            self.bindings[f"{name}.replaces.escaped"] = urllib.parse.quote(replaces)

    def do_forward(self, step, name, whom):
        user = self.user(name)
        got = user.got[-1]
        hops = str(int(got.get("Max-Forwards")) - 1)
        headers = [(key, hops if key == "Max-Forwards" else value) for key, value in got.headers if key != "Content-Length"]
        self.send(user, Message(f"{got.method} {self.aor(whom)} SIP/2.0", [("Via", user.via()), *headers], got.body))

    def do_die(self, step, name):
        self.users.pop(name).close()

    def do_move(self, step, name):
        self.user(name).move()
        self.bindings[f"{name}.contact"] = self.user(name).contact

    def do_send_again(self, step, name):
        user = self.user(name)
        if not user.refusal:
            raise Failure("no challenge to answer")
        self.send(user, user.authorised(user.requests[user.refusal.key], user.refusal))
        user.refusal = None

    def receive(self, name):
        """The next message of a user. What comes for others waits for their steps."""
        user = self.user(name)
        deadline = time.monotonic() + LIMIT
        while True:
            for each, other in self.users.items():
                while message := other.poll():
                    if not self.answers_challenge(each, other, message):
                        other.inbox.append(message)
            if user.inbox:
                self.last = user.inbox.pop(0)
                return user, self.last
            if not wait(list(self.users.values()), deadline):
                raise Silence(f"nothing came within {LIMIT:.0f} s")

    def answers_challenge(self, name, user, message):
        """Answers a challenge that the story does not mention."""
        if not message.is_response or message.status not in (401, 407):
            return False
        user.refusal = message
        request = user.requests[message.key]
        if self.is_next(name, message.status) or request.has("Authorization") or request.has("Proxy-Authorization"):
            return False
        self.send(user, user.authorised(request, message))
        return True

    def do_repeat(self, step, name):
        user = self.user(name)
        headers = [(key, user.via() if key == "Via" else value) for key, value in user.sent.headers]
        self.send(user, Message(user.sent.first, headers, user.sent.body, user.sent.dialog))

    def is_next(self, name, status):
        """Is this what the story has the user get next?"""
        return next((text for text in self.mentions if text.startswith(f"{name} gets")), "") == f"{name} gets {status}"

    def do_get(self, step, name, what, answer):
        user, message = self.receive(name)
        wanted = int(what) if what.isdigit() else what
        got = message.status if message.is_response else message.method
        if got != wanted:
            raise Mismatch(f"expected {wanted}, got {message.first!r}")
        if message.is_response:
            self.check_response(user, message)
        else:
            self.check_request(user, message)
        for key, value in step.headers():
            there = message.get(key)
            if value == "-":
                if there is not None:
                    raise Mismatch(f"{key}: expected none, got {there!r}")
            elif there is None:
                raise Mismatch(f"{key}: expected {value!r}, got no such header")
            else:
                self.bindings.check(value, there, key)
        body, kind = message.body.decode(), message.get("Content-Type")
        if body and kind:
            self.received += [(step.line, *document) for document in documents_in(kind, body)]
        self.check_body(step.body(), body, kind)
        if answer:
            self.do_answer(step, name, answer, plain=True)

    def check_body(self, wanted, got, kind):
        if wanted.startswith("<"):
            compare(xml.fromstring(wanted), xml.fromstring(got), self.bindings)
        elif wanted.startswith("--"):
            self.check_parts(parts_of(wanted, wanted.split("\n", 1)[0][2:]), parts_of(got, boundary_of(kind)))
        elif wanted:
            self.bindings.check(wanted, got.replace("\r\n", "\n").rstrip("\n"), "body")

    def check_parts(self, wanted, got):
        if len(wanted) != len(got):
            raise Mismatch(f"expected {len(wanted)} parts, got {len(got)}")
        for (headers, body), (there, text) in zip(wanted, got):
            there = dict(there)
            for key, value in headers:
                self.bindings.check(value, there.get(key, ""), key)
            self.check_body(body, text, there.get("Content-Type", "text/plain"))

    def check_response(self, user, message):
        """What every response has (RFC 3261 8.2.6), and what it does to the dialog."""
        request = user.requests[message.key]
        for key in ("From", "Call-ID", "CSeq"):
            if message.get(key) != request.get(key):
                raise Mismatch(f"{key}: expected that of the request, {request.get(key)!r}, got {message.get(key)!r}")
        if message.status > 100 and not message.tag("To"):
            raise Mismatch("To: expected a tag")
        if request.method == "PUBLISH" and message.status == 200:
            self.published.pop((user.aor, request.get("SIP-If-Match")), None)
            if request.get("Expires") != "0":
                self.published[user.aor, message.get("SIP-ETag")] = request.get("Event")
        dialog = request.dialog
        if dialog in user.dialogs and 200 <= message.status < 300 and message.has("Contact"):
            if ";tag=" not in dialog.peer:
                dialog.route = [value for _, value in message.all("Record-Route")][::-1]
            dialog.peer = message.get("To")
            dialog.refresh(message)

    def check_request(self, user, message):
        """What every request has (RFC 3261 8.1.1), and whether one in a dialog belongs to it."""
        needed = ["Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq"]
        if message.method == "NOTIFY":
            needed += ["Contact", "Event", "Subscription-State"]
        for key in needed:
            if not message.has(key):
                raise Mismatch(f"expected the header {key}, got none")
        if message.method != "ACK":
            user.got.append(message)
        if message.method in MAKES_DIALOG and not message.tag("To"):
            user.dialogs.append(Dialog.of_peer(message, f"t{next(user.numbers)}"))
        elif message.tag("To"):
            self.check_dialog(user, message)

    def check_dialog(self, user, message):
        dialog = next((each for each in user.dialogs if each.call_id == message.get("Call-ID")), None)
        if not dialog:
            raise Mismatch(f"expected a Call-ID of a dialog of this user, got {message.get('Call-ID')!r}")
        for key, wanted in (("To", dialog.own), ("From", dialog.peer)):
            own = re.search(r";tag=[^;]+", wanted)
            if own and own.group() not in message.get(key):
                raise Mismatch(f"{key}: expected the tag {own.group()!r} of the dialog, got {message.get(key)!r}")
        if message.has("Contact"):
            dialog.refresh(message)
        number = int(message.get("CSeq").split()[0])
        if message.method != "ACK":
            if dialog.peer_number and number != dialog.peer_number + 1:
                raise Mismatch(f"CSeq: expected {dialog.peer_number + 1}, got {number}")
            dialog.peer_number = number

    def do_answer(self, step, name, status, plain=False):
        user = self.user(name)
        if not user.got:
            raise Failure("no request to answer")
        request = user.got[-1]
        headers = [] if plain else [(key, self.bindings.fill(value)) for key, value in step.headers()]
        body = "" if plain else self.bindings.fill(step.body())
        if body and not body.startswith("<"):
            body = "\r\n".join(body.split("\n")) + "\r\n"
        tags = [each.own.partition(";tag=")[2] for each in user.dialogs if each.call_id == request.get("Call-ID")]
        reason = REASONS.get(int(status), "Answer")
        user.answer(request, int(status), reason, headers, body.encode(), tags[0] if tags else "t")
        if int(status) >= 200:
            user.got.pop()

    def do_rule(self, step, name, verb, watcher):
        user = self.user(name)
        rules = self.rules.setdefault(user.name, {})
        rules[self.aor(watcher)] = HANDLINGS[verb]
        put_rules(self.server, user, {each: handling for each, handling in rules.items() if handling})

    def do_document(self, step, name, verb, path, status):
        user = self.user(name)
        headers = {key: self.bindings.fill(value) for key, value in step.headers()}
        method = "PUT" if verb == "writes" else "DELETE"
        got = ask_xcap(self.server, user, method, path, headers, self.bindings.fill(step.body()))
        if str(got) != status and not (status is None and got in (200, 201)):
            raise Mismatch(f"{method} {path}: expected {status or 'success'}, got {got}")

    def do_get_nothing(self, step, name):
        """The answer to an OPTIONS is the next that comes: what the server sent before has come before."""
        user = self.user(name)
        question = user.request("OPTIONS", f"sip:{self.domain}")
        user.send(question)
        _, message = self.receive(name)
        if message.branch != question.branch:
            raise Mismatch(f"expected nothing, got {message.first!r}")

    def finish(self, name):
        user = self.user(name)
        if user.got:
            raise Failure(f"then the story is over, and {name} has not answered the {user.got[-1].method}")
        try:
            self.do_get_nothing(None, name)
        except Mismatch as error:
            raise Mismatch(f"then the story is over, but for {name}: {error}") from None

    STEPS = ((r"with (\w.*)", do_with),
             (r"server has", do_nothing),
             (r"(\w+) sends it with credentials", do_send_again),
             (r"(\w+) sends it again", do_repeat),
             (r"(\w+) sends CANCEL", do_cancel),
             (r"(\w+) sends ([A-Z]+)(?: to (\S+))?( in dialog(?: with (\w+))?)?", do_send),
             (r"(\w+(?:, \w+)*) registers?", do_register),
             (r"(\w+) calls (\w+)", do_call),
             (r"(\w+) forwards it to (\w+)", do_forward),
             (r"(\w+) dies", do_die),
             (r"(\w+) moves", do_move),
             (r"(\w+) gets nothing", do_get_nothing),
             (r"(\w+) gets (\d\d\d|[A-Z]+)(?:, answers (\d\d\d))?", do_get),
             (r"(\w+) answers (\d\d\d)", do_answer),
             (rf"(\w+) ({'|'.join(HANDLINGS)}) (\w+)", do_rule),
             (r"(\w+) (writes|deletes) (\S+/[^\s,]+)(?:, gets (\d\d\d))?", do_document))


ALL = ("<pr:provide-services><pr:all-services/></pr:provide-services>"
       "<pr:provide-persons><pr:all-persons/></pr:provide-persons>"
       "<pr:provide-devices><pr:all-devices/></pr:provide-devices><pr:provide-all-attributes/>")


def put_rules(server, user, handlings):
    """Stores the presence rules of a user over XCAP (RFC 5025): watcher -> handling, or (handling, transformations)."""
    pairs = {watcher: each if isinstance(each, tuple) else (each, ALL) for watcher, each in handlings.items()}
    rules = "".join(
        f'<cr:rule id="r{number}"><cr:conditions><cr:identity><cr:one id="{watcher}"/></cr:identity></cr:conditions>'
        f"<cr:actions><pr:sub-handling>{handling}</pr:sub-handling></cr:actions>"
        f"<cr:transformations>{shown}</cr:transformations></cr:rule>"
        for number, (watcher, (handling, shown)) in enumerate(pairs.items()))
    document = (f'<?xml version="1.0"?><cr:ruleset xmlns:cr="urn:ietf:params:xml:ns:common-policy" '
                f'xmlns:pr="urn:ietf:params:xml:ns:pres-rules">{rules}</cr:ruleset>')
    status = ask_xcap(server, user, "PUT", "pres-rules/index", {"Content-Type": "application/auth-policy+xml"}, document)
    if status not in (200, 201):
        raise Failure(f"PUT of {user.name}'s rules: {status}")


def ask_xcap(server, user, method, document, headers, body=""):
    """The status of a request for a document of the user's own, "pres-rules/index"; it answers the challenge."""
    auid, _, name = document.partition("/")
    path = f"/xcap/{auid}/users/{user.aor}/{name}"
    context = ssl.create_default_context(cafile=server.certificate)
    context.check_hostname = False
    connection = http.client.HTTPSConnection(server.listen["https"], timeout=LIMIT, context=context)
    headers = dict(headers)
    for _ in range(2):
        connection.request(method, path, body.encode() or None, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 401:
            break
        challenge = challenge_of(answer.headers.items())
        headers["Authorization"] = credentials(challenge, method, path, user.name, user.password)
    connection.close()
    return answer.status
