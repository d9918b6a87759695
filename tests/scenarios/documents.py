"""What the server makes of the documents that devices publish: the examples of the RFCs (of the corpora beside this
repository) go in by PUBLISH, two devices at a time, and what the watchers get is valid.
"""

import json
import pathlib
import re

from story import ALICE, BOB, check, equal, parser, run  # first: it finds tests/support
from flow import put_rules
from schemas import Schemas
from sip_user import SipUser

CORPORA = pathlib.Path(__file__).resolve().parents[3] / "shared/corpora"
CAROL = ("carol@example.org", "through-the-window")
ENTITY = re.compile(r"""(<(?:\w+:)?(?:presence|dialog-info)\b[^>]*?\bentity=["'])[^"']*""")

# What a watcher with this rule may not see is taken out of the document.
SOME = ("<pr:provide-services><pr:all-services/></pr:provide-services>"
        "<pr:provide-persons><pr:all-persons/></pr:provide-persons>"
        "<pr:provide-activities>true</pr:provide-activities><pr:provide-user-input>bare</pr:provide-user-input>"
        "<pr:provide-note>true</pr:provide-note>")


def examples(root):
    """(name, document) of the examples with this root that the schemas accept, made documents of alice."""
    folder = arguments.corpora / "xml/examples"
    for each in json.loads((folder / "index.json").read_text()):
        if each["root"] == root and each["schema_result"] == "valid":
            text = (folder / each["file"]).read_text(encoding="utf-8")
            yield each["file"], ENTITY.sub(rf"\g<1>sip:{ALICE[0]}", text, count=1)


class Device(SipUser):
    """A user whose requests have credentials, and who takes what comes with the answer."""

    def __init__(self, server, user):
        super().__init__(server, *user, "udp")
        self.etag = "-"

    def ask(self, method, uri, headers, body=b""):
        """The final answer to a request, and the NOTIFY if one is wanted, which a SUBSCRIBE always is."""
        request = self.request(method, uri, headers, body)
        self.send(request)
        answer = notify = None
        while answer is None or (method == "SUBSCRIBE" and answer.status < 300 and notify is None):
            message = self.receive()
            if not message.is_response:
                self.answer(message, 200, "OK")
                notify = message
            elif message.status == 401:
                self.send(self.authorised(request, message))
            else:
                answer = message
        return answer, notify

    def publish(self, package, kind, body):
        """The status of the answer; the document takes the place of the device's last one."""
        headers = [("Event", package), ("SIP-If-Match", self.etag), ("Content-Type", kind)]
        answer, _ = self.ask("PUBLISH", self.aor, headers, body.encode())
        self.etag = answer.get("SIP-ETag", self.etag)
        return answer.status

    def fetch(self, package):
        answer, notify = self.ask("SUBSCRIBE", f"sip:{ALICE[0]}", [("Event", package), ("Expires", "0")])
        equal(answer.status, 200, f"answer to {self.name}")
        return notify.get("Content-Type"), notify.body.decode()


def publish_all(server, package, kind, documents, watchers):
    """Each document beside the next one, as two devices have them; what the watchers see is valid."""
    desk, mobile = Device(server, ALICE), Device(server, ALICE)
    check(len(documents) > 5, f"there are examples of {kind}")
    seen = []
    for (name, document), (next_name, next_document) in zip(documents, documents[1:] + documents[:1]):
        equal(desk.publish(package, kind, document), 200, f"answer to the PUBLISH of {name}")
        equal(mobile.publish(package, kind, next_document), 200, f"answer to the PUBLISH of {next_name}")
        seen += [(f"{name} with {next_name}, as {each.name} sees them", *each.fetch(package)) for each in watchers]
    Schemas(arguments.corpora).check(seen)


def presence(server):
    """presence documents, published in pairs, reach a watcher who may see all, and one who may see some, as valid ones"""
    server.add_user(*CAROL)
    alice, bob, carol = Device(server, ALICE), Device(server, BOB), Device(server, CAROL)
    put_rules(server, alice, {bob.aor: "allow", carol.aor: ("allow", SOME)})
    publish_all(server, "presence", "application/pidf+xml", list(examples("presence")), [alice, bob, carol])


def dialogs(server):
    """two devices publish dialogs: alice, who may see everything, and bob, who may not, both get valid documents"""
    alice, bob = Device(server, ALICE), Device(server, BOB)
    put_rules(server, alice, {bob.aor: "allow"})
    publish_all(server, "dialog", "application/dialog-info+xml", list(examples("dialog-info")), [alice, bob])


words = parser()
words.add_argument("--corpora", type=pathlib.Path, default=CORPORA)
arguments = words.parse_args()
run([presence, dialogs], arguments=arguments)
