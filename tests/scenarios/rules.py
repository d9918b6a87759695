"""What a watcher is sent, message by message, while the user it watches writes other rules with curl (RFC 5025)."""

import re

from story import ALICE, BOB, Agent, check, equal, run  # first: it finds tests/support
from sip_user import Dialog, SipUser
from xcap import RULES, Curl

RECIPROCAL = '<b:reciprocal xmlns:b="urn:beckon:params:xml:ns:rules:1"/>'


def rules(who, handling, condition=""):
    return ('<cr:ruleset xmlns="urn:ietf:params:xml:ns:pres-rules" xmlns:cr="urn:ietf:params:xml:ns:common-policy">'
            f'<cr:rule id="a"><cr:conditions><cr:identity><cr:one id="sip:{who[0]}"/></cr:identity>{condition}</cr:conditions>'
            f"<cr:actions><sub-handling>{handling}</sub-handling></cr:actions><cr:transformations><provide-services>"
            "<all-services/></provide-services><provide-persons><all-persons/></provide-persons><provide-all-attributes/>"
            "</cr:transformations></cr:rule></cr:ruleset>")


class Watcher(SipUser):
    """It subscribes to somebody's presence over TCP, and answers each NOTIFY."""

    dialog = None

    def subscribe(self, to, expires=600):
        request = self.request("SUBSCRIBE", self.dialog.target if self.dialog else f"sip:{to[0]}",
                               [("Event", "presence"), ("Expires", str(expires))], dialog=self.dialog)
        self.send(request)
        answer = self.receive()
        if answer.status == 401:
            request = self.authorised(request, answer)
            self.send(request)
            answer = self.receive()
        if answer.status == 200 and not self.dialog:
            self.dialog = Dialog(request, None)
            self.dialog.peer = answer.get("To")
            self.dialog.refresh(answer)
        return answer.status

    def next(self):
        """What the next NOTIFY says: the state of the subscription; basic status and note, if there is a document."""
        notify = self.receive()
        equal(notify.method, "NOTIFY", "what comes")
        self.answer(notify, 200, "OK")
        state = re.sub(r";expires=\d+", "", notify.get("Subscription-State"))
        body = notify.body.decode()
        if not body:
            return (state,)
        note = re.search(r"<note[^>]*>([^<]*)", body)
        return (state, re.search(r"<basic>(\w+)", body).group(1), *([note.group(1)] if note else []))


def write(user, *arguments):
    check(user.put("pres-rules/index", rules(*arguments), RULES).status in (200, 201), f"rules of {user.aor}")


def blocked(server):
    """alice blocks bob while he watches: his last NOTIFY says rejected and shows nothing, and none follows, whatever she does"""
    alice, bob = Curl(server, ALICE), Watcher(server, *BOB, "tcp")
    with Agent(server, *ALICE) as desk:
        desk.run("register")
        desk.run("publish", basic="open", note="lunch")
        equal(bob.subscribe(ALICE), 200, "SUBSCRIBE")
        equal(bob.next(), ("pending",), "before alice has decided")
        write(alice, BOB, "allow")
        equal(bob.next(), ("active", "open", "lunch"), "allowed")
        desk.run("publish", basic="open", note="office")
        equal(bob.next(), ("active", "open", "office"), "the next state")
        write(alice, BOB, "block")
        equal(bob.next(), ("terminated;reason=rejected",), "blocked")
        desk.run("publish", basic="open", note="secret")
        bob.dialog = None
        equal(bob.subscribe(ALICE), 403, "the next message that bob gets: the answer to a new SUBSCRIBE")
    bob.close()


def politely_blocked(server):
    """politely blocked, bob sees alice offline: now, after a refresh, and nothing in between; then what there is"""
    alice, bob = Curl(server, ALICE), Watcher(server, *BOB, "tcp")
    write(alice, BOB, "allow")
    with Agent(server, *ALICE) as desk:
        desk.run("register")
        desk.run("publish", basic="open", note="lunch")
        equal(bob.subscribe(ALICE), 200, "SUBSCRIBE")
        equal(bob.next(), ("active", "open", "lunch"), "allowed")
        write(alice, BOB, "polite-block")
        equal(bob.next(), ("active", "closed"), "politely blocked")
        desk.run("publish", basic="open", note="secret")
        equal(bob.subscribe(ALICE), 200, "a refresh, whose answer is the next message that bob gets")
        equal(bob.next(), ("active", "closed"), "after the refresh")
        write(alice, BOB, "allow")
        equal(bob.next(), ("active", "open", "secret"), "allowed again")
    bob.close()


def reciprocity(server):
    """sees me only who lets me see him: bob sees alice while his own rules allow her, at whatever shard the two live"""
    alice, bob, phone = Curl(server, ALICE), Curl(server, BOB), Watcher(server, *BOB, "tcp")
    write(alice, BOB, "allow", RECIPROCAL)
    with Agent(server, *ALICE) as desk:
        desk.run("register")
        desk.run("publish", basic="open", note="lunch")
        equal(phone.subscribe(ALICE), 200, "SUBSCRIBE")
        equal(phone.next(), ("pending",), "bob has no rules")
        for note in ("office", "home"):
            write(bob, ALICE, "allow")
            equal(phone.next()[:2], ("active", "open"), "bob lets alice see him")
            desk.run("publish", basic="open", note=note)
            equal(phone.next(), ("active", "open", note), "the next state")
            write(bob, ALICE, "block")
            equal(phone.next(), ("pending",), "bob lets her no more")
        write(bob, ALICE, "allow", RECIPROCAL)
        equal(phone.next(), ("active", "open", "home"), "both ask for it")
    phone.close()


run([blocked, politely_blocked, reciprocity])
