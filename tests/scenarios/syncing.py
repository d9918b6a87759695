"""Two devices of alice keep her lists and rules alike: one writes with curl, the other hears of it (RFC 5875)."""

import re
import signal
import xml.etree.ElementTree as ElementTree

from story import ALICE, BOB, check, equal, run  # first: it finds tests/support
from sip_user import Dialog, SipUser
from xcap import EL, FRIENDS, LISTS, RULES, Curl, lists

DIFF = "{urn:ietf:params:xml:ns:xcap-diff}"
OWN = f"users/sip:{ALICE[0]}/"


class Phone(SipUser):
    """It subscribes to changes over TCP, and answers each NOTIFY."""

    dialog = None

    def subscribe(self, mode, entries=(), to=None):
        """The status of the answer; without entries there is no list. A second time it is a refresh."""
        body = "".join(f'<entry uri="{each}"/>' for each in entries)
        body = f'<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list>{body}</list></resource-lists>'
        headers = [("Event", f"xcap-diff;diff-processing={mode}"), ("Expires", "600")]
        headers += [("Content-Type", LISTS)] if entries else []
        request = self.request("SUBSCRIBE", self.dialog.target if self.dialog else to or self.aor, headers,
                               body.encode() if entries else b"", dialog=self.dialog)
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

    def news(self):
        """The elements of the next document."""
        notify = self.receive()
        equal(notify.get("Content-Type"), "application/xcap-diff+xml", "type")
        self.answer(notify, 200, "OK")
        root = ElementTree.fromstring(notify.body)
        equal(root.tag, DIFF + "xcap-diff", "root")
        check(re.fullmatch(r"https://example\.org/xcap/", root.get("xcap-root")), root.get("xcap-root"))
        return list(root)


def etags(element):
    """What it is, and the entity-tags before and after as they stand in HTTP."""
    quoted = [f'"{tag}"' if tag else None for tag in (element.get("previous-etag"), element.get("new-etag"))]
    return (element.get("sel"), *quoted)


def two_devices(server):
    """what one device writes the other hears of: documents that come, change by patches and go, an entry of its own"""
    desk, phone = Curl(server, ALICE), Phone(server, *ALICE, "tcp")
    first = desk.put("resource-lists/index", lists("friends"), LISTS)
    index = f"resource-lists/{OWN}index"
    bob = f"{index}{FRIENDS}/entry%5b@uri=%22sip:bob@example.org%22%5d"
    equal(phone.subscribe("aggregate", ["resource-lists/", "pres-rules/", bob]), 200, "SUBSCRIBE")
    equal([etags(each) for each in phone.news()], [(index, None, first.etag)], "what there is")
    entry = '<entry uri="sip:bob@example.org"/>'
    second = desk.put(f"resource-lists/index{FRIENDS}/entry", entry, EL)
    changed, shown = phone.news()
    equal(etags(changed), (index, first.etag, second.etag), "the change")
    equal([each.tag for each in changed], [DIFF + "add"], "its patch")
    equal((shown.get("sel"), shown[0].get("uri")), (bob, "sip:bob@example.org"), "the entry")
    equal(desk.get("resource-lists/index").etag, second.etag, "what the phone would read")
    rules = desk.put("pres-rules/index", '<cr:ruleset xmlns:cr="urn:ietf:params:xml:ns:common-policy"/>', RULES)
    equal([etags(each) for each in phone.news()], [(f"pres-rules/{OWN}index", None, rules.etag)], "new rules")
    equal(desk.delete("resource-lists/index").status, 200, "DELETE")
    gone, entry_gone = phone.news()
    equal(etags(gone), (index, second.etag, None), "the end of the document")
    equal((entry_gone.get("sel"), entry_gone.get("exists")), (bob, "0"), "the end of the entry")
    phone.close()


def killed(server):
    """kill -9 of the server: the phone comes back, in the dialog it had, and is told the truth, then what changes"""
    desk, phone = Curl(server, ALICE), Phone(server, *ALICE, "tcp")
    equal(desk.put("resource-lists/index", lists("friends"), LISTS).status, 201, "a document")
    index = f"resource-lists/{OWN}index"
    equal(phone.subscribe("xcap-patching", [index]), 200, "SUBSCRIBE")
    phone.news()
    promised = desk.put("resource-lists/index", lists("friends", "family"), LISTS)
    equal(promised.status, 200, "a change")
    equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code")
    server.start()
    phone.move()
    equal(phone.subscribe("xcap-patching"), 200, "SUBSCRIBE in the dialog of before")
    equal([etags(each) for each in phone.news()], [(index, None, promised.etag)], "the truth")
    tags = [promised.etag] + [desk.put("resource-lists/index", lists("friends", name), LISTS).etag for name in ("a", "b", "c")]
    seen = [promised.etag]
    while seen[-1] != tags[-1]:
        for each in phone.news():
            equal(etags(each)[1], seen[-1], "each change builds upon the one before")
            seen.append(etags(each)[2])
            check(len(each), "each has its patch")
    equal(seen, tags, "every version")
    phone.close()


def strangers(server):
    """bob follows nothing of alice's"""
    alice, bob = Curl(server, ALICE), Phone(server, *BOB, "tcp")
    equal(bob.subscribe("no-patching", to=f"sip:{ALICE[0]}"), 403, "SUBSCRIBE to alice")
    equal(bob.subscribe("no-patching", [f"resource-lists/{OWN}", "xcap-caps/global/"]), 200, "SUBSCRIBE")
    equal([each.get("sel") for each in bob.news()], ["xcap-caps/global/index"], "what bob may read")
    equal(alice.put("resource-lists/index", lists("friends"), LISTS).status, 201, "alice's document")
    own = Curl(server, BOB).put("resource-lists/index", lists(), LISTS)
    equal(own.status, 201, "bob's document")
    equal(bob.subscribe("no-patching", [f"resource-lists/users/sip:{BOB[0]}/"]), 200, "another list")
    equal([etags(each)[2] for each in bob.news()], [own.etag], "bob's own document alone")
    bob.close()


run([two_devices, killed, strangers])
