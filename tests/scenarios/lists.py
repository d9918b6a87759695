"""A list of users, watched by one subscription (RFC 4662)."""

import re
import signal
import types

from story import ALICE, BOB, Agent, check, equal, run, until  # first: it finds tests/support
from flow import ask_xcap
from sip_user import SipUser

LIST = "sip:friends@example.org"


def user(account):
    aor, password = account
    return types.SimpleNamespace(aor=f"sip:{aor}", name=aor.split("@")[0], password=password)


def put_document(server, owner, usage, content_type, document):
    status = ask_xcap(server, owner, "PUT", f"{usage}/index", {"Content-Type": content_type}, document)
    check(status in (200, 201), f"PUT of {usage}: {status}")


def put_list(server, members):
    """alice's list of friends, by reference: the service points at the list of her address book"""
    alice = user(ALICE)
    entries = "".join(f'<entry uri="{member}"/>' for member in members)
    put_document(server, alice, "resource-lists", "application/resource-lists+xml",
                 '<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list name="friends">'
                 f"<display-name>Friends</display-name>{entries}</list></resource-lists>")
    reference = (f"https://{server.listen['https']}/xcap/resource-lists/users/{alice.aor}/index/~~/resource-lists/"
                 "list%5b@name=%22friends%22%5d")
    put_document(server, alice, "rls-services", "application/rls-services+xml",
                 f'<rls-services xmlns="urn:ietf:params:xml:ns:rls-services"><service uri="{LIST}">'
                 f"<resource-list>{reference}</resource-list><packages><package>presence</package></packages>"
                 "</service></rls-services>")


def states(event):
    return {each["of"]: each["state"] + (";" + each["reason"] if "reason" in each else "") for each in event["members"]}


def hundred(server):
    """a hundred buddies in one subscription; it survives kill -9 of the server, and ends when alice says so"""
    members = [f"sip:u{number}@example.org" for number in range(98)]
    for member in members:
        server.add_user(member[4:], "secret")
    members += ["sip:bob@example.org", "sip:nobody@example.org"]
    put_list(server, members)
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        for each in (alice, bob):
            each.run("register")
        bob.run("allow", watcher=alice.aor)
        bob.run("publish", basic="open", note="before")
        alice.run("watch", list="friends")
        seen = alice.wait("list", where=lambda e: len(e["members"]) == 100
                          and states(e)["sip:bob@example.org"] == "active")
        equal(seen["of"], LIST, "list")
        equal(states(seen)["sip:u7@example.org"], "pending", "a user who has decided nothing")
        equal(states(seen)["sip:nobody@example.org"], "terminated;noresource", "nobody")
        alice.wait("presence", of=bob.aor, where=lambda e: "before" in str(e))
        bob.run("publish", basic="open", note="promised")
        alice.wait("presence", of=bob.aor, where=lambda e: "promised" in str(e))
        equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
        for each in (alice, bob):
            each.wait("connection", state="down")
            each.forget()
        server.start()
        seen = alice.wait("list", where=lambda e: len(e["members"]) == 100
                          and states(e)["sip:bob@example.org"] == "active")
        equal(seen["document"], "full", "the first document after the crash")
        bob.run("publish", basic="open", note="after")
        alice.wait("presence", of=bob.aor, where=lambda e: "after" in str(e))
        alice.run("unsubscribe", to=LIST)
        equal(alice.last("subscription")["state"], "terminated", "the subscription")


def blocked(server):
    """bob blocks alice and lets her see him again, politely blocks her: her list shows it each time"""
    put_list(server, ["sip:bob@example.org"])
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        for each in (alice, bob):
            each.run("register")
        bob.run("subscribe", to=bob.aor, package="presence.winfo")
        bob.run("publish", basic="open", note="lunch")
        alice.run("watch", list="friends")
        alice.wait("list", where=lambda e: states(e) == {bob.aor: "pending"})
        bob.wait("watchers", where=lambda e: any(w["status"] == "pending" and w["aor"] == alice.aor
                                                 for w in e["watchers"]))
        for _ in range(2):
            bob.run("allow", watcher=alice.aor)
            alice.wait("list", where=lambda e: states(e) == {bob.aor: "active"})
            alice.wait("presence", of=bob.aor, where=lambda e: "lunch" in str(e))
            bob.run("block", watcher=alice.aor)
            alice.wait("list", where=lambda e: states(e) == {bob.aor: "terminated;rejected"})
            alice.wait("presence", of=bob.aor, basic="unknown")


def edited(server):
    """members come and go while the list is watched; without its document the list is over"""
    put_list(server, [])
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        bob.run("register")
        bob.run("allow", watcher=alice.aor)
        alice.run("register")
        alice.run("watch", list="friends")
        equal(alice.wait("list")["members"], [], "an empty list")
        put_list(server, [bob.aor])
        alice.wait("list", where=lambda e: states(e) == {bob.aor: "active"}, document="full")
        put_list(server, [])
        alice.wait("list", where=lambda e: e["members"] == [])
        put_document(server, user(ALICE), "rls-services", "application/rls-services+xml",
                     '<rls-services xmlns="urn:ietf:params:xml:ns:rls-services"/>')
        equal(alice.wait("subscription", to=LIST, state="terminated")["reason"], "noresource", "reason")


def subscribe(phone, headers, body=b""):
    request = phone.request("SUBSCRIBE", LIST, [("Event", "presence"), ("Expires", "600"), *headers], body=body)
    phone.send(request)
    refusal = phone.receive()
    if refusal.status != 401:
        return refusal
    phone.send(phone.authorised(request, refusal))
    return phone.receive()


def by_hand(server):
    """what a phone that is not ours gets: 421 without eventlist, else Require and an unquoted boundary, also over UDP"""
    put_list(server, ["sip:bob@example.org"])
    with Agent(server, *BOB) as bob:
        bob.run("register")
        bob.run("allow", watcher="sip:alice@example.org")
        bob.run("publish", basic="open", note="lunch")
        for transport in ("udp", "tcp"):
            phone = SipUser(server, *ALICE, transport)
            refusal = subscribe(phone, [])
            equal((refusal.status, refusal.get("Require")), (421, "eventlist"), "without Supported")
            phone = SipUser(server, *ALICE, transport)
            answer = subscribe(phone, [("Supported", "eventlist"), ("Accept", "multipart/related"),
                                       ("Accept", "application/pidf+xml"), ("Accept", "application/rlmi+xml")])
            equal((answer.status, answer.get("Require")), (200, "eventlist"), "with it")
            notify = phone.receive()
            phone.answer(notify, 200, "OK")
            equal(notify.get("Require"), "eventlist", "Require of the NOTIFY")
            boundary = re.search(r";boundary=([^;\s]+)", notify.get("Content-Type")).group(1)
            check('"' not in boundary, boundary)
            equal(notify.body.count(b"--" + boundary.encode()), 3, "delimiters")
            check(b"fullState=\"true\"" in notify.body and b"lunch" in notify.body, notify.body)
            phone.close()


if __name__ == "__main__":
    run([hundred, blocked, edited, by_hand])
