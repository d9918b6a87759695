"""Rooms: messages to all members, who comes and goes, what was said, over a kill of the server (RFC 3862, RFC 4575)."""

import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from story import ALICE, BOB, Agent, check, equal, run, until

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from sip_user import SipUser, wait  # noqa: E402

LUNCH = "sip:lunch@example.org"
CAROL = ("carol@example.org", "hookah")
LIMIT = 60


def texts(agent):
    return [each["text"] for each in agent.events if each["event"] == "message"]


def members_of(event):
    return {each["user"]: (each["role"], each["here"]) for each in event["members"]}


def make_lunch(alice, *others, **more):
    alice.run("room", do="add", room=LUNCH, **more)
    for each in others:
        alice.run("room", do="invite", room=LUNCH, member=each)


def said(agent, **more):
    agent.forget()
    agent.run("room", do="history", room=LUNCH, **more)
    return [(each["with"], each["text"]) for each in agent.wait("history")["messages"]]


def life_of_a_room(server):
    """a room is made, joined, written to, renamed, left and ended; its members read what was said, others do not"""
    server.add_user(*CAROL)
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob, Agent(server, *CAROL) as carol:
        for each in (alice, bob, carol):
            each.run("register")
        make_lunch(alice, topic="Where to eat", open="yes", member=bob.aor)
        equal(carol.run("message", ok=None, to=LUNCH, text="let me in")["status"], 403, "a stranger's message")
        equal(carol.run("room", ok=None, do="members", room=LUNCH)["status"], 403, "a stranger's look")
        carol.run("room", do="join", room=LUNCH)
        sent = alice.run("message", to=LUNCH, text="Sushi?")
        equal(sent["status"], 202, "status")
        for each in (bob, carol):
            got = each.wait("message", text="Sushi?")
            equal((got["from"], got["claimed_from"]), (LUNCH, alice.aor), "room and author")
        bob.run("message", to=LUNCH, text="No fish", receipts="ask")
        for each in (alice, carol):
            equal(each.wait("message", text="No fish")["claimed_from"], bob.aor, "author")
        bob.run("rooms")
        equal(bob.wait("rooms")["rooms"], [LUNCH], "bob's rooms")
        equal(bob.run("room", ok=None, do="topic", room=LUNCH, topic="mine")["status"], 403, "bob is no owner")
        alice.run("room", do="topic", room=LUNCH, topic="Pizza", invites="yes")
        bob.run("room", do="members", room=LUNCH)
        room = bob.wait("room", topic="Pizza")
        equal(members_of(room), {alice.aor: ("owner", True), bob.aor: ("member", True), carol.aor: ("member", True)},
              "the members: bob has accepted by writing, carol by joining")
        equal(said(carol), [(alice.aor, "Sushi?"), (bob.aor, "No fish")], "what was said")
        carol.run("room", do="leave", room=LUNCH)
        equal(carol.run("room", ok=None, do="history", room=LUNCH)["status"], 403, "a former member's look")
        alice.run("message", to=LUNCH, text="Only us")
        bob.wait("message", text="Only us")
        bob.run("history", **{"with": LUNCH})
        own = bob.wait("history")["messages"]
        equal([(each["direction"], each.get("author"), each["text"]) for each in own],
              [("received", alice.aor, "Sushi?"), ("sent", None, "No fish"), ("received", alice.aor, "Only us")],
              "bob's own history")
        alice.run("room", do="erase", room=LUNCH)
        equal(said(bob), [], "what was said is erased")
        alice.run("room", do="end", room=LUNCH)
        equal(alice.run("message", ok=None, to=LUNCH, text="anybody?")["status"], 404, "there is no room any more")
        equal(texts(carol), ["Sushi?", "No fish"], "carol heard nothing afterwards")
        check(not [e for e in bob.events if e["event"] == "receipt"], "a room sends no receipts")


def who_is_there(server):
    """members watch the room: who is here, having accepted; its presence says so; strangers are refused; over a kill"""
    server.add_user(*CAROL)
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob, Agent(server, *CAROL) as carol:
        alice.run("register")
        make_lunch(alice, bob.aor, topic="soup")
        alice.run("subscribe", to=LUNCH, package="conference")
        first = alice.wait("room", topic="soup")
        equal(members_of(first), {alice.aor: ("owner", True), bob.aor: ("member", False)}, "the members")
        alice.run("subscribe", to=LUNCH)
        shown = alice.wait("presence", of=LUNCH, basic="open")["tuples"][0]
        equal(shown["note"], "1 of 2 here: alice@example.org", "the note")
        alice.forget()
        bob.run("register")
        alice.run("room", do="topic", room=LUNCH, topic="soup again")
        seen = alice.wait("room", topic="soup again")
        equal(members_of(seen)[bob.aor], ("member", False), "bob has not accepted yet")
        bob.run("room", do="join", room=LUNCH)
        alice.wait("room", where=lambda e: members_of(e).get(bob.aor) == ("member", True))
        alice.wait("presence", where=lambda e: e["of"] == LUNCH and "2 of 2 here" in str(e["tuples"]))
        equal(carol.run("subscribe", ok=None, to=LUNCH, package="conference")["status"], 403, "a stranger")
        equal(carol.run("subscribe", ok=None, to=LUNCH)["status"], 403, "a stranger")
        equal(alice.run("subscribe", ok=None, to=bob.aor, package="conference")["status"], 404, "no room")
        alice.run("room", do="invite", room=LUNCH, member=carol.aor)
        alice.wait("room", where=lambda e: carol.aor in members_of(e))
        carol.run("subscribe", to=LUNCH, package="conference")
        carol.wait("room")
        equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
        for each in (alice, carol):
            each.wait("connection", state="down")
        server.start()
        alice.run("room", do="remove", room=LUNCH, member=carol.aor)
        alice.wait("room", where=lambda e: carol.aor not in members_of(e))
        carol.wait("subscription", to=LUNCH, package="conference", state="terminated")


def away_over_a_kill(server):
    """bob is away: what was answered 202 is there after kill -9, once, in order, and not again after another kill"""
    phone = server.data / "phone"
    phone.mkdir()
    with Agent(server, *ALICE) as alice:
        alice.run("register")
        make_lunch(alice, "sip:bob@example.org")
        for text in ("one", "two", "three"):
            equal(alice.run("message", to=LUNCH, text=text)["status"], 202, "status")
        # A crash may forget the last milliseconds of a history.
        until(lambda: len(said(alice)) == 3, "the history has all three")
        for wanted in (["one", "two", "three"], []):
            equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
            alice.wait("connection", state="down")
            alice.forget()
            server.start()
            alice.wait("registration", state="registered")
            with Agent(server, *BOB, state=phone) as bob:
                bob.run("register")
                alice.run("message", to=LUNCH, text="the last one")
                bob.wait("message", text="the last one")
                equal(texts(bob), [*wanted, "the last one"], "messages")
        all_said = ["one", "two", "three", "the last one", "the last one"]
        until(lambda: [text for _, text in said(alice)] == all_said, f"the history is {all_said}")


class Phone:
    """A plain SIP phone of one member: takes texts alone, or message/cpim too."""

    def __init__(self, server, name, is_plain):
        self.aor, self.is_plain, self.got = f"sip:{name}@example.org", is_plain, []
        self.user = SipUser(server, f"{name}@example.org", "secret", "tcp")
        equal(self.ask("REGISTER", "sip:example.org", to=self.aor), 200, "status of the REGISTER")

    def ask(self, method, uri, headers=(), body=b"", to=None):
        request = self.user.request(method, uri, headers, body, to=to)
        self.user.send(request)
        while True:
            message = self.user.receive()
            if not message.is_response:
                self.take(message)
            elif message.status in (401, 407):
                request = self.user.authorised(request, message)
                self.user.send(request)
            elif message.status >= 200:
                return message.status

    def take(self, message):
        """A text is noted, and answered."""
        kind = message.get("Content-Type", "")
        if self.is_plain and kind.startswith("message/cpim"):
            self.user.answer(message, 415, "Unsupported Media Type", [("Accept", "text/plain")], tag="p")
        else:
            self.got.append((kind, message.body.decode()))
            self.user.answer(message, 200, "OK", tag="p")

    def take_all(self):
        while message := self.user.poll():
            self.take(message)


def fifty(server):
    """a room of 50: each writes once, each gets 49 messages once; half of them are phones that read plain text only"""
    names = [f"guest{number}" for number in range(49)]
    listing = server.data / "guests"
    listing.write_text("".join(f"{name}@example.org secret\n" for name in names))
    subprocess.run([server.beckond, "user", "import", str(listing), "--data", server.data], check=True,
                   capture_output=True)
    with Agent(server, *ALICE) as alice, ExitStack() as stack:
        alice.run("register")
        make_lunch(alice, *[f"sip:{name}@example.org" for name in names])
        phones = [Phone(server, name, is_plain=number % 2 == 0) for number, name in enumerate(names)]
        for each in phones:
            stack.callback(each.user.close)
        equal(alice.run("message", to=LUNCH, text="hello from alice")["status"], 202, "status")
        for each in phones:
            equal(each.ask("MESSAGE", LUNCH, [("Content-Type", "text/plain")], f"hello from {each.aor}".encode()), 202,
                  f"what {each.aor} is answered")
        deadline = time.monotonic() + LIMIT
        while missing := [each for each in phones if len(each.got) < 49]:
            check(wait([each.user for each in missing], deadline),
                  f"{missing[0].aor} has {len(missing[0].got)} of 49 messages")
            for each in missing:
                each.take_all()
        everybody = ["alice", *[each.aor for each in phones]]
        for each in phones:
            for whom in everybody:
                count = sum(text.endswith(f"hello from {whom}") for _, text in each.got)
                equal(count, int(whom != each.aor), f"messages of {whom} at {each.aor}")
            if each.is_plain:
                check(all(kind.startswith("text/plain") for kind, _ in each.got), "plain text alone")
                check(("text/plain", "alice@example.org: hello from alice") in
                      [(kind.split(";")[0], text) for kind, text in each.got], "its author is told")
        for each in phones:
            alice.wait("message", text=f"hello from {each.aor}", claimed_from=each.aor)
        equal(len(texts(alice)), 49, "messages at alice")


def administration(server):
    """the administrator makes a room, and neither takes the name of the other: a room and a user"""
    def beckond(*words, code=0, given=None):
        done = subprocess.run([server.beckond, *words, "--data", server.data], capture_output=True, text=True,
                              input=given)
        equal(done.returncode, code, f"exit code of {words}: {done.stdout}{done.stderr}")
        return done.stdout
    beckond("room", "add", "lunch@example.org", "--owner", "alice@example.org", "--topic", "soup")
    check("lunch@example.org" in beckond("room", "list"), "it is listed")
    beckond("room", "add", "lunch@example.org", "--owner", "alice@example.org", code=5)
    beckond("room", "add", "bob@example.org", "--owner", "alice@example.org", code=5)
    beckond("user", "add", "lunch@example.org", code=5, given="secret\n")
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        alice.run("room", do="members", room=LUNCH)
        equal(members_of(alice.wait("room", topic="soup")), {alice.aor: ("owner", False)}, "the owner")
        alice.run("room", do="invite", room=LUNCH, member=bob.aor)
        beckond("user", "remove", "alice@example.org")
        for _ in range(LIMIT * 10):
            if bob.run("room", ok=None, do="topic", room=LUNCH, topic="mine now")["status"] == 200:
                break
        bob.run("room", do="members", room=LUNCH)
        equal(members_of(bob.wait("room", topic="mine now")), {bob.aor: ("owner", False)}, "what the eldest owns")
    beckond("room", "remove", "lunch@example.org")
    equal(beckond("room", "list"), "", "no rooms")
    beckond("user", "add", "lunch@example.org", given="secret\n")


run([life_of_a_room, who_is_there, away_over_a_kill, fifty, administration])
