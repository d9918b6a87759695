"""XCAP (RFC 4825) as programs of others speak it: curl, over HTTPS with digest.
"""

import re
import signal
import subprocess
import tempfile
import threading
import xml.etree.ElementTree as ElementTree

from story import ALICE, BOB, check, equal, restart_with, run

EL, ATT, NS = (f"application/xcap-{kind}+xml" for kind in ("el", "att", "ns"))
LISTS, SERVICES, RULES = "application/resource-lists+xml", "application/rls-services+xml", "application/auth-policy+xml"
ERRORS = "{urn:ietf:params:xml:ns:xcap-error}"
FRIENDS = "/~~/resource-lists/list%5b@name=%22friends%22%5d"


class Answer:
    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        while self.body.startswith("HTTP/1.1 "):  # the challenge goes before
            head, _, self.body = self.body.partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def etag(self):
        return self.headers.get("etag")

    def error(self):
        """The element that says what is wrong."""
        equal(self.headers.get("content-type"), "application/xcap-error+xml", "type of the error document")
        root = ElementTree.fromstring(self.body)
        equal(root.tag, ERRORS + "xcap-error", "root of the error document")
        return root[0]


class Curl:
    """Someone's documents, asked for with curl."""

    def __init__(self, server, user):
        self.server, (self.aor, self.password) = server, user

    def arguments(self, method, path, kind=None, headers=()):
        arguments = ["curl", "-s", "-i", "-g", "--path-as-is", "--http1.1", "--digest", "-u", f"{self.aor}:{self.password}",
                     "--cacert", self.server.certificate, "--connect-to", f"::{self.server.listen['https']}",
                     "-X", method]
        if method == "HEAD":
            arguments[-2:] = ["--head"]
        for each in [*([f"Content-Type: {kind}"] if kind else []), *headers]:
            arguments += ["-H", each]
        return [*arguments, f"https://localhost{path}"]

    def ask(self, method, document, body=None, kind=None, headers=(), user=None):
        """`document`: "resource-lists/index" of the user's own, or a path."""
        auid, _, rest = document.partition("/")
        path = document if document.startswith("/") else f"/xcap/{auid}/users/sip:{user or self.aor}/{rest}"
        with tempfile.NamedTemporaryFile() as file:
            file.write(body if isinstance(body, bytes) else (body or "").encode())
            file.flush()
            data = ["--data-binary", f"@{file.name}"] if body is not None else []
            done = subprocess.run([*self.arguments(method, path, kind, headers), *data], capture_output=True, timeout=60)
        check(done.returncode == 0, f"curl {method} {path}: exit {done.returncode} {done.stderr.decode()}")
        return Answer(done.stdout.decode(errors="replace"))

    def get(self, document, **options):
        return self.ask("GET", document, **options)

    def put(self, document, body, kind, **options):
        return self.ask("PUT", document, body, kind, **options)

    def delete(self, document, **options):
        return self.ask("DELETE", document, **options)


def lists(*names):
    return ('<?xml version="1.0" encoding="UTF-8"?>\n<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">\n'
            + "".join(f'  <list name="{name}">\n  </list>\n' for name in names) + "</resource-lists>")


def services(*uris):
    return ('<rls-services xmlns="urn:ietf:params:xml:ns:rls-services">'
            + "".join(f'<service uri="{uri}"><list/></service>' for uri in uris) + "</rls-services>")


def examples(server):
    """the examples of RFC 4825 13, one after the other, of a user here: documents, elements, an attribute, octet by octet"""
    alice = Curl(server, ALICE)
    equal(alice.put("resource-lists/index", lists("friends"), LISTS).status, 201, "a new document")
    reference = f"https://localhost/xcap/resource-lists/users/sip:{ALICE[0]}/index{FRIENDS}"
    service = ('<rls-services xmlns="urn:ietf:params:xml:ns:rls-services">\n<service uri="sip:myfriends@example.org">\n'
               f'  <resource-list>{reference}</resource-list>\n  <packages>\n   <package>presence</package>\n  </packages>\n'
               ' </service>\n</rls-services>')
    equal(alice.put("rls-services/index", service, SERVICES).status, 201, "a service")
    bob = '<entry uri="sip:bob@example.org">\n    <display-name>Bob Jones</display-name>\n  </entry>'
    equal(alice.put(f"resource-lists/index{FRIENDS}/entry", bob, EL).status, 201, "an entry")
    whole = alice.get("resource-lists/index")
    equal(whole.headers["content-type"], LISTS, "type of the document")
    equal(whole.body, lists("friends").replace("  </list>", f"  {bob}</list>"), "the document")
    close = ('<list name="close-friends"><entry uri="sip:joe@example.org"/><entry uri="sip:nancy@example.org"/>'
             '<entry uri="sip:petri@example.org"/></list>')
    made = alice.put(f"resource-lists/index{FRIENDS}/list%5b@name=%22close-friends%22%5d", close, EL)
    equal(made.status, 201, "a list in the list")
    gone = alice.delete("resource-lists/index/~~/resource-lists/list/list/entry%5b@uri=%22sip:petri@example.org%22%5d")
    equal(gone.status, 200, "deletion of an entry")
    check(gone.etag and gone.etag != made.etag, "the document has another entity-tag")
    uri = alice.get("resource-lists/index/~~/resource-lists/list/list/entry%5b2%5d/@uri")
    equal((uri.body, uri.headers["content-type"], uri.etag), ('"sip:nancy@example.org"', ATT, gone.etag), "an attribute")
    equal(alice.get("resource-lists/index").etag, gone.etag, "the entity-tag of the whole")
    names = alice.get(f"resource-lists/index{FRIENDS}/namespace::*")
    equal((names.body, names.headers["content-type"]),
          ('<list xmlns="urn:ietf:params:xml:ns:resource-lists"/>', NS), "the namespaces")
    head = alice.ask("HEAD", "resource-lists/index")
    equal((head.status, head.body), (200, ""), "HEAD")
    equal(head.headers["content-length"], alice.get("resource-lists/index").headers["content-length"], "its length")


def refusals(server):
    """every refusal of RFC 4825 8 and 11, each with its error document; the document stays as it was"""
    alice = Curl(server, ALICE)
    equal(alice.put("resource-lists/index", lists("friends"), LISTS).status, 201, "a document")
    before = alice.get("resource-lists/index")
    friends = f"resource-lists/index{FRIENDS}"
    entry = '<entry uri="sip:bob@example.org"/>'
    for document, body, kind, element in [
            ("resource-lists/index", "<resource-lists", LISTS, "not-well-formed"),
            ("resource-lists/index", b"<a>\xff</a>", LISTS, "not-utf-8"),
            (f"{friends}/entry", b'<entry uri="\xff"/>', EL, "not-utf-8"),
            ("resource-lists/index", "<other/>", LISTS, "schema-validation-error"),
            (f"{friends}/entry", "<entry/>", EL, "schema-validation-error"),
            (f"{friends}/entry", "<entry", EL, "not-xml-frag"),
            (f"{friends}/entry", entry * 2, EL, "not-xml-frag"),
            (f"{friends}/@x", "unquoted", ATT, "not-xml-att-value"),
            (f"{friends}/list/entry", entry, EL, "no-parent"),
            ("resource-lists/other/~~/resource-lists/list", "<list/>", EL, "no-parent"),
            ("resource-lists/folder/index", lists(), LISTS, "no-parent"),
            (f"{friends}/entry%5b@uri=%22sip:carol@example.org%22%5d", entry, EL, "cannot-insert"),
            (f"{friends}/entry%5b2%5d", entry, EL, "cannot-insert"),
            (f"{friends}/@name", '"foes"', ATT, "cannot-insert"),
            ("resource-lists/index", lists("a", "a"), LISTS, "uniqueness-failure"),
            (f"{friends}/external", '<external anchor="sip:bob@example.org"/>', EL, "constraint-failure")]:
        answer = alice.put(document, body, kind)
        equal(answer.status, 409, f"PUT of {document}: {answer.body}")
        equal(answer.error().tag, ERRORS + element, f"PUT of {document}")
    equal(alice.put("rls-services/index", services("sip:friends@elsewhere.example"), SERVICES).error().tag,
          ERRORS + "constraint-failure", "a service of another domain")
    ancestor = alice.put(f"{friends}/list/entry", entry, EL).error()[0]
    equal(alice.get(ancestor.text).body, '<list name="friends">\n  </list>', "what the ancestor's URI names")

    equal(alice.put(friends, '<list name="friends"/>', LISTS).status, 415, "another type")
    equal(alice.put(f"{friends}/namespace::*", "<a/>", NS).status, 405, "namespaces are not written")
    refused = alice.ask("POST", "resource-lists/index", "x", "text/plain")
    equal((refused.status, refused.headers["allow"]), (405, "GET, HEAD, PUT, DELETE"), "POST")
    for path, status in [("unheard-of/index", 404), ("resource-lists/other", 404), (f"{friends}/entry", 404),
                         (f"{friends}/text()", 404), (f"{friends}/a:entry", 400), ("resource-lists/%zz", 400),
                         ("/xcap", 404), ("/xcap/resource-lists/global/index", 404)]:
        equal(alice.get(path).status, status, path)
    equal(alice.get("resource-lists/index", user=BOB[0]).status, 403, "somebody else's tree")
    equal(Curl(server, (ALICE[0], "wrong")).get("resource-lists/index").status, 401, "a wrong password")

    two = '<list name="friends"><entry uri="sip:a@example.org"/><entry uri="sip:b@example.org"/></list>'
    equal(alice.put(friends, two, EL).status, 200, "two entries")
    equal(alice.delete(f"{friends}/entry%5b1%5d").error().tag, ERRORS + "cannot-delete", "the first of two")
    equal(alice.delete(f"{friends}/entry%5b1%5d/@uri").error().tag, ERRORS + "schema-validation-error", "what must be")
    equal(alice.put("resource-lists/index", before.body, LISTS).status, 200, "as before")


def conditions(server):
    """two editors: the one that was slower gets 412, reads again and loses nothing; the same PUT again changes nothing"""
    desk, phone = Curl(server, ALICE), Curl(server, ALICE)
    first = desk.put("resource-lists/index", lists("friends"), LISTS, headers=["If-None-Match: *"])
    equal(first.status, 201, "a new document")
    equal(phone.put("resource-lists/index", lists(), LISTS, headers=["If-None-Match: *"]).status, 412, "not a new one")

    def add(editor, name, etag):
        return editor.put(f"resource-lists/index{FRIENDS}/entry%5b@uri=%22sip:{name}@example.org%22%5d",
                          f'<entry uri="sip:{name}@example.org"/>', EL, headers=[f"If-Match: {etag}"])

    second = add(desk, "bob", first.etag)
    equal(second.status, 201, "the first editor")
    equal(add(phone, "carol", first.etag).status, 412, "the second editor")
    equal(add(phone, "carol", phone.get("resource-lists/index").etag).status, 201, "the second editor, again")
    whole = desk.get("resource-lists/index")
    equal(re.findall(r"sip:(\w+)", whole.body), ["bob", "carol"], "both entries")
    equal(desk.get("resource-lists/index", headers=[f"If-None-Match: {whole.etag}"]).status, 304, "what is known")
    again = desk.put("resource-lists/index", whole.body, LISTS)
    equal((again.status, again.etag), (200, whole.etag), "the same document")
    entry = f"resource-lists/index{FRIENDS}/entry%5b2%5d"
    equal(desk.put(entry, '<entry uri="sip:carol@example.org"/>', EL).etag, whole.etag, "the same element")


def service_uris(server):
    """the URI of a service is one user's; the index of all services is for the trust domain (RFC 4826 4.4)"""
    alice, bob = Curl(server, ALICE), Curl(server, BOB)
    equal(alice.put("rls-services/index", services("sip:friends@example.org"), SERVICES).status, 201, "alice's service")
    for uri in ("sip:friends@example.org", "sip:friends@EXAMPLE.ORG", f"sip:{ALICE[0]}"):
        failure = bob.put("rls-services/index", services(uri), SERVICES).error()
        equal(failure.tag, ERRORS + "uniqueness-failure", uri)
        equal(failure[0].get("field"), "rls-services/service%5B1%5D/@uri", "which URI")
    free = failure[0][0].text
    equal(bob.put("rls-services/index", services(free), SERVICES).status, 201, "the proposed URI")
    index = "/xcap/rls-services/global/index"
    equal(bob.get(index).status, 403, "the index, for anybody")
    restart_with(server, '[proxy]\ntrust_domain = ["127.0.0.0/8"]\n')
    found = bob.get(index)
    equal(sorted(re.findall(r'uri="([^"]*)"', found.body)), sorted([free, "sip:friends@example.org"]), "the index")
    one = bob.get(index + "/~~/rls-services/service%5b@uri=%22sip:friends@example.org%22%5d/@uri")
    equal(one.body, '"sip:friends@example.org"', "a part of the index")
    equal(alice.delete("rls-services/index").status, 200, "the end of a service")
    equal(re.findall(r'uri="([^"]*)"', bob.get(index).body), [free], "the index then")


def what_there_is(server):
    """the capabilities say what the server knows, and the directory what a user has"""
    alice = Curl(server, ALICE)
    caps = alice.get("/xcap/xcap-caps/global/index")
    equal(caps.headers["content-type"], "application/xcap-caps+xml", "type of the capabilities")
    for auid in ("pres-rules", "resource-lists", "rls-services", "pidf-manipulation", "xcap-caps"):
        check(f"<auid>{auid}</auid>" in caps.body, auid)
    equal(alice.put("/xcap/xcap-caps/global/index", "<a/>", "text/xml").status, 405, "nobody writes them")
    etag = alice.put("resource-lists/index", lists(), LISTS).etag
    directory = alice.get("org.openmobilealliance.xcap-directory/directory.xml/~~/xcap-directory/"
                          "folder%5b@auid=%22resource-lists%22%5d/entry")
    entry = ElementTree.fromstring(directory.body)
    equal(entry.get("etag"), etag.strip('"'), "the entity-tag in the directory")
    equal(alice.get(entry.get("uri").removeprefix("https://localhost")).body, lists(), "what its URI names")


def killed_in_the_middle(server):
    """kill -9 while documents are written: the last that was answered is there, or the one after it, whole"""
    alice = Curl(server, ALICE)
    path = f"/xcap/resource-lists/users/sip:{ALICE[0]}/index"
    newest = 0

    def version(number):
        return lists(*[f"v{number}-{i}" for i in range(3000)])

    def write():
        nonlocal newest
        with tempfile.NamedTemporaryFile("w") as file:
            while True:
                file.seek(0)
                file.truncate()
                file.write(version(newest + 1))
                file.flush()
                command = [*alice.arguments("PUT", path, LISTS), "--data-binary", f"@{file.name}"]
                done = subprocess.run(command, capture_output=True, timeout=60)
                if done.returncode or Answer(done.stdout.decode()).status not in (200, 201):
                    return
                newest += 1

    for round_ in range(3):
        wanted = newest + 2 + round_
        writer = threading.Thread(target=write)
        writer.start()
        while newest < wanted and writer.is_alive():
            writer.join(0.001)
        check(writer.is_alive(), "documents are written")
        equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code")
        writer.join()
        server.start()
        found = alice.get("resource-lists/index").body
        check(found in (version(newest), version(newest + 1)), f"version {newest} or the next, whole: {found[:200]}")
        newest += found == version(newest + 1)


if __name__ == "__main__":
    run([examples, refusals, conditions, service_uris, what_there_is, killed_in_the_middle])
