"""What the server says about a decision, and what a user hears of its own watchers."""

import json
import subprocess
import urllib.request

from story import ALICE, BOB, Agent, check, equal, run, until
from sip_user import SipUser


def explain(server, *words):
    return subprocess.run([server.beckond, "explain", *words, "--data", server.data], capture_output=True, text=True,
                          encoding="utf-8", timeout=60)


def facts(server, *words):
    out = explain(server, *words, "--json")
    equal(out.returncode, 0, f"exit code ({out.stderr})")
    return json.loads(out.stdout)


def decisions(server):
    """bob asks, is allowed, sees alice, is blocked: each time the server says why, for people and as JSON"""
    out = explain(server, "alice", "--for", "bob")
    equal(out.returncode, 0, f"exit code ({out.stderr})")
    for sentence in ("No device is registered.", "Nothing is published.",
                     'No rule covers bob@example.org; the server\'s policy is "confirm".',
                     "bob@example.org has no subscription, so nothing is sent."):
        check(sentence in out.stdout, f"{sentence!r} in {out.stdout!r}")
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        for each in (alice, bob):
            each.run("register")
        alice.run("publish", basic="open", note="lunch")
        bob.run("subscribe", to=alice.aor)
        bob.wait("subscription", to=alice.aor, state="pending")
        equal(facts(server, "alice", "--for", "bob")["decision"]["result"], "confirm", "result")
        alice.run("allow", watcher=bob.aor)
        bob.wait("presence", of=alice.aor, where=lambda e: "lunch" in str(e))
        until(lambda: facts(server, "ALICE@example.org", "--for", "Bob")["subscriptions"][0]
              ["last_notify"].get("status") == 200, "the NOTIFY is answered")
        said = facts(server, "alice", "--for", "bob")
        equal(said["decision"]["by"], "rules", "who decides")
        check(said["decision"]["rules"], "the rule's id")
        equal(len(said["devices"]), 1, "devices")
        equal([e["became"] for p in said["publications"] for e in p["elements"] if e["element"] == "tuple"], ["itself"],
              "what became of the tuple")
        check(said["subscriptions"][0]["last_notify"]["octets"] > 500, "octets")
        check("lunch" not in json.dumps(said), "the note is no fact of it")
        text = explain(server, "alice", "--for", "bob").stdout
        check("answered 200" in text and "bob@example.org is allowed" in text, text)
        alice.run("block", watcher=bob.aor)
        bob.wait("subscription", to=alice.aor, state="terminated")
        text = explain(server, "alice", "--for", "bob").stdout
        check("bob@example.org is refused: a SUBSCRIBE is answered with 403." in text, text)


def stored_messages(server):
    """what bob wrote to alice waits: the server says since when, why, and which device has it"""
    with Agent(server, *BOB) as bob:
        bob.run("register")
        bob.run("message", to="sip:alice@example.org", text="are you there?")
        waits, = facts(server, "alice", "--for", "bob")["messages"]
        equal((waits["stored_as"], waits["devices"]), ("away", []), "it waits for a device")
        text = explain(server, "alice", "--for", "bob").stdout
        check("It was stored as no device took it." in text, text)
        check("are you" not in text, "the text is no fact of it")
        with Agent(server, *ALICE) as alice:
            alice.run("register")
            alice.wait("message", text="are you there?")
            until(lambda: [each["is"] for each in facts(server, "alice", "--for", "bob")["messages"][0]["devices"]]
                  == ["delivered"], "her device has it")


def names(server):
    """who is not there is said to be not there, with an exit code; so is a name that could be several"""
    for words, code, told in [(("carol", "--for", "bob"), 5, "there is no user carol@example.org"),
                              (("carol",), 5, "there is no user carol@example.org"),
                              (("@", "--for", "bob"), 2, "beckond: @: ")]:
        out = explain(server, *words)
        equal(out.returncode, code, f"exit code of {words} ({out.stdout}{out.stderr})")
        check(told in out.stderr, f"{told!r} in {out.stderr!r}")


def strange_device(server):
    """a device calls itself what it likes: the answers stay readable, and no control character reaches the terminal"""
    phone = SipUser(server, *ALICE, "tcp")
    request = phone.request("REGISTER", "sip:example.org", [("User-Agent", "STRANGE")], to=phone.aor)
    phone.send(request)
    request = phone.authorised(request, phone.receive())
    phone.requests[request.key] = request
    phone.write(request.octets().replace(b"STRANGE", b"\x1b[2J\xff"))
    equal(phone.receive().status, 200, "status")
    for words in (["tables"], ["explain", "alice"], ["explain", "alice", "--for", "bob"], ["trace"]):
        for form in ([], ["--json"]):
            out = subprocess.run([server.beckond, *words, *form, "--data", server.data], capture_output=True, timeout=60)
            equal(out.returncode, 0, f"exit code of {words} ({out.stderr})")
            out.stdout.decode()
            check(b"\x1b" not in out.stdout, f"no control character in {out.stdout!r}")
            check(words == ["trace"] or b"?[2J?" in out.stdout, f"the name in {out.stdout!r}")
    phone.close()


def watch_log(server):
    """alice reads what bob was shown: nothing while she had not decided, then her state, in order of time"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        for each in (alice, bob):
            each.run("register")
        bob.run("subscribe", to=alice.aor)
        bob.wait("subscription", to=alice.aor, state="pending")
        alice.run("allow", watcher=bob.aor)
        bob.wait("presence", of=alice.aor)
        alice.run("publish", basic="open", note="lunch")
        bob.wait("presence", of=alice.aor, where=lambda e: "lunch" in str(e))
        alice.run("watchers")
        now = alice.wait("watch-log")["lines"]
        equal([(each["watcher"], each["view"], each["shown"]) for each in now], [(bob.aor, "all", "open, note")], "now")
        alice.run("watchers", log=True)
        before = alice.wait("watch-log")["lines"]
        equal((before[0]["view"], before[0]["shown"]), ("pending", "nothing"), "first")
        equal(before[-1], now[0], "last")
        bob.run("watchers", log=True)
        equal(bob.wait("watch-log")["lines"], [], "bob's watchers")


def metrics(server):
    """the admin port counts what is there, in Prometheus's format"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        for each in (alice, bob):
            each.run("register")
        alice.run("allow", watcher=bob.aor)
        alice.run("publish", basic="open", note="lunch")
        bob.run("subscribe", to=alice.aor)
        bob.wait("presence", of=alice.aor, where=lambda e: "lunch" in str(e))
        alice.run("publish", basic="open", note="dinner")
        bob.wait("presence", of=alice.aor, where=lambda e: "dinner" in str(e))

        def text():
            with urllib.request.urlopen(f"http://{server.listen['admin']}/metrics", timeout=60) as answer:
                return answer.read().decode()

        until(lambda: 'beckon_notify_answers_total{code="200"} 2' in text(), "both NOTIFYs are answered")
        lines = text().splitlines()
        for line in ("beckon_bindings 2", 'beckon_publications{package="presence"} 1',
                     'beckon_subscriptions{package="presence",state="active"} 1', "beckon_notifies_total 2",
                     "beckon_publish_to_last_notify_seconds_count 1", "beckon_staleness_seconds 0"):
            check(line in lines, f"{line} in {lines}")
        check('beckon_inbox_tasks{shard="0"} ' in text(), "the depth of an inbox")


run([strange_device, decisions, stored_messages, names, watch_log, metrics])
