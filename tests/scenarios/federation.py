"""Two domains on two servers: alice@example.org and bob@example.net see, write to, call and talk to each other. Servers
know each other by their certificates (RFC 5922), and whoever is not known reaches nobody."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile

from story import ALICE, LIMIT, Agent, Server, check, equal, run, until

from dns_server import DnsServer  # beside the harness
from lists import LIST, put_list, states
from sip_user import Dialog, SipUser

BOB = ("bob@example.net", "looking-glass")
NEAR, FAR = "example.org", "example.net"


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=LIMIT)


class Authority:
    """Certifies the servers of the tests."""

    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder)
        self.certificate, self.key = self.folder / f"{name}.ca.pem", self.folder / f"{name}.ca.key"
        openssl("req", "-x509", *self.new_key(self.key), "-days", "2", "-out", self.certificate, "-subj", f"/CN={name}",
                "-addext", "basicConstraints=critical,CA:TRUE")

    @staticmethod
    def new_key(file):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file

    def certify(self, file, names, days=2):
        """A certificate of a server for these names, and for the loopback address where its users find it, and its key."""
        certificate, key = self.folder / f"{file}.pem", self.folder / f"{file}.key"
        request, extensions = self.folder / f"{file}.csr", self.folder / f"{file}.ext"
        alternatives = ",".join([*(f"DNS:{name}" for name in names), "DNS:localhost", "IP:127.0.0.1"])
        extensions.write_text(f"subjectAltName={alternatives}\n")
        openssl("req", *self.new_key(key), "-out", request, "-subj", "/CN=server")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-days", str(days),
                "-extfile", extensions, "-out", certificate)
        return certificate, key


class Domain(Server):
    """A server of one domain that is certified, and trusts `authority`."""

    def __init__(self, like, domain, authority, certified, dns, federation=""):
        self.config = authority.folder / f"{domain}.toml"
        self.authority = authority
        certificate, key = certified
        other = FAR if domain == NEAR else NEAR
        self.config.write_text(f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n[proxy]\nforeign = "forward"\n'
                               f'[federation]\nca = "{authority.certificate}"\n' +
                               (federation or f'domains = ["{other}"]\n'))
        super().__init__(like.binaries, domain=domain, options=[*like.options, "--config", self.config, "--dns", dns.address])

    @property
    def certificate(self):
        return self.authority.certificate

    def logs(self, text, while_asking=lambda: None):
        """Waits for a line of the log with this text. What is logged once a second may have to be caused again."""

        def is_logged():
            while_asking()
            return any(text in line for line in self.process.errors)

        until(is_logged, f"{self.domain} logs {text!r}: {self.process.errors}")


class World:
    """Both domains, each found in the DNS, with alice and bob. `near` and `far` change what they are set up with."""

    def __init__(self, like, near=None, far=None):
        self.like, self.near_set, self.far_set = like, near or {}, far or {}

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="beckon-federation-"))
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority = Authority(self.folder, "authority")
        self.dns = self.stack.enter_context(DnsServer({NEAR: {}, FAR: {}, "host.test": {"A": ["127.0.0.1"]}}, ttl=0, nothing_ttl=0))
        self.near = self.start(NEAR, ALICE, **self.near_set)
        self.far = self.start(FAR, BOB, **self.far_set)
        return self

    def start(self, domain, user, certified=None, federation=""):
        certified = certified(self) if certified else self.authority.certify(domain, [domain])
        server = self.stack.enter_context(Domain(self.like, domain, self.authority, certified, self.dns, federation))
        server.add_user(*user)
        self.found(server)
        return server

    def found(self, server):
        port = int(server.listen["tls"].rsplit(":", 1)[1])
        self.dns.zone[f"_sips._tcp.{server.domain}"] = {"SRV": [(10, 0, port, "host.test")]}

    def agents(self):
        return (self.stack.enter_context(Agent(self.near, *ALICE)), self.stack.enter_context(Agent(self.far, *BOB)))

    def __exit__(self, *error):
        return self.stack.__exit__(*error)


def watches(event, watcher, status):
    return any(each["aor"] == watcher.aor and each["status"] == status for each in event["watchers"])


def notes(text):
    return lambda event: text in str(event["tuples"])


def enter(*agents, **publication):
    for each in agents:
        each.run("register")
        each.run("subscribe", to=each.aor, package="presence.winfo")
        each.wait("watchers", document="full")
        each.run("publish", basic="open", note=f"{each.name} is here", **publication)


def grant(owner, watcher, **what):
    """`watcher` asks for `owner`'s presence, `owner` sees it and allows it."""
    watcher.run("subscribe", to=owner.aor)
    watcher.wait("subscription", to=owner.aor, state="pending")
    owner.wait("watchers", where=lambda e: watches(e, watcher, "pending"))
    owner.run("allow", watcher=watcher.aor, **what)
    watcher.wait("subscription", to=owner.aor, state="active")
    owner.wait("watchers", where=lambda e: watches(e, watcher, "active"))
    watcher.wait("presence", of=owner.aor, basic="open", where=lambda e: notes(f"{owner.name} is here")(e) and any(
        each.get("direct", {}).get("granted", False) for each in e["tuples"]) == ("direct" in what))


def presence_and_messages(server):
    """alice and bob ask for each other's presence, are pending until allowed, see every change, write to each other"""
    with World(server) as world:
        alice, bob = world.agents()
        enter(alice, bob)
        grant(bob, alice)
        grant(alice, bob)
        for owner, watcher in ((alice, bob), (bob, alice)):
            owner.run("publish", basic="open", note=f"{owner.name} has moved")
            watcher.wait("presence", of=owner.aor, where=notes(f"{owner.name} has moved"))
            equal(owner.run("message", to=watcher.aor, text=f"{owner.name} writes")["status"], 200, "status")
            watcher.wait("message", text=f"{owner.name} writes", **{"from": owner.aor})
        alice.run("unsubscribe", to=bob.aor)
        bob.wait("watchers", where=lambda e: watches(e, alice, "terminated") or not any(
            each["aor"] == alice.aor for each in e["watchers"]))
        bob.run("block", watcher=alice.aor)
        refused = alice.run("subscribe", to=bob.aor, ok=None)
        if refused["ok"]:
            alice.wait("subscription", to=bob.aor, state="terminated")
        alice.quit()
        bob.wait("presence", of=alice.aor, basic="closed")


def history(owner, other):
    owner.run("history", **{"with": other.aor})
    return [each.get("text") for each in owner.wait("history")["messages"]]


def messages_wait(server):
    """what alice writes to bob while he is away waits for him at his server, and is in both histories"""
    with World(server) as world:
        alice = world.stack.enter_context(Agent(world.near, *ALICE))
        alice.run("register")
        equal(alice.run("message", to=BOB[0], text="read me later")["status"], 202, "status")
        bob = world.stack.enter_context(Agent(world.far, *BOB))
        bob.run("register")
        bob.wait("message", text="read me later", **{"from": alice.aor})
        equal(bob.run("message", to=alice.aor, text="I have")["status"], 200, "status")
        alice.wait("message", text="I have", **{"from": bob.aor})
        for each, other in ((alice, bob), (bob, alice)):
            until(lambda each=each, other=other: history(each, other) == ["read me later", "I have"], f"{each.name}'s history")


def room(server):
    """bob is a member of a room of the other domain: messages both ways, and what is said while his server is down waits, over a kill of hers"""
    with World(server) as world:
        alice, bob = world.agents()
        for each in (alice, bob):
            each.run("register")
        lunch = f"sip:lunch@{NEAR}"
        alice.run("room", do="add", room=lunch)
        alice.run("room", do="invite", room=lunch, member=bob.aor)
        equal(alice.run("message", to=lunch, text="Welcome")["status"], 202, "status")
        bob.wait("message", text="Welcome", claimed_from=alice.aor, **{"from": lunch})
        equal(bob.run("message", to=lunch, text="Thanks")["status"], 202, "status")
        alice.wait("message", text="Thanks", claimed_from=bob.aor, **{"from": lunch})
        equal(world.far.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
        bob.wait("connection", state="down")
        bob.forget()
        for text in ("Are you", "still there?"):
            equal(alice.run("message", to=lunch, text=text)["status"], 202, "status")
        world.far.start()
        bob.wait("registration", state="registered")
        kill_and_restart(world.near, alice)
        bob.wait("message", text="still there?", claimed_from=alice.aor)
        equal([each["text"] for each in bob.events if each["event"] == "message"], ["Welcome", "Are you", "still there?"], "messages, each once")
        alice.run("room", do="remove", room=lunch, member=bob.aor)
        equal(bob.run("message", ok=None, to=lunch, text="Let me in")["status"], 403, "status")


def direct_session(server):
    """alice starts a direct session with bob from his presence, without INVITE, and a block by bob ends it"""
    with World(server) as world:
        alice, bob = world.agents()
        enter(alice, bob, direct="auto")
        grant(bob, alice, direct="auto")
        grant(alice, bob, direct="auto")
        call = alice.run("call", to=bob.aor)["call"]
        alice.wait("call", call=call, state="active")
        bob.wait("call", direction="in", state="active")
        bob.run("block", watcher=alice.aor)
        alice.wait("call", call=call, state="ended")


class Phones:
    """alice and bob at phones that call by hand."""

    def __init__(self, world, transport):
        self.alice = SipUser(world.near, *ALICE, transport)
        self.bob = SipUser(world.far, *BOB, transport)
        for each in (self.alice, self.bob):
            request = each.request("REGISTER", f"sip:{each.domain}", to=each.aor)
            each.send(request)
            each.send(each.authorised(request, each.receive()))
            equal(each.receive().status, 200, f"status of {each.name}'s REGISTER")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.alice.close()
        self.bob.close()

    def call(self, caller, callee):
        """`caller` calls `callee`, who answers; the dialogs of both."""
        invite = caller.request("INVITE", callee.aor)
        caller.send(invite)
        invite = caller.authorised(invite, self.final(caller))
        caller.send(invite)
        got = self.next(callee, "INVITE")
        equal(got.uri, callee.contact, "Request-URI")
        check(f"<{caller.aor}>" in got.get("P-Asserted-Identity", ""), f"{caller.name}'s domain has proven the caller")
        routes = re.findall(r"<sip:bk[^>]*>", got.get("Record-Route"))
        hosts = {re.search(r"@([^;>]+)", each).group(1) for each in routes}
        check(len(hosts) > 1, f"both servers stay in the call: {got.get('Record-Route')}")
        callee.answer(got, 180, "Ringing", tag="callee")
        callee.answer(got, 200, "OK", tag="callee")
        equal(self.next(caller, 180).status, 180, "status")
        answer = self.next(caller, 200)
        dialog = Dialog(invite, re.search(r"<([^>]+)>", answer.get("Contact")).group(1))
        dialog.peer = answer.get("To")
        dialog.route = [value for _, value in reversed(answer.all("Record-Route"))]
        dialog.route = [each.strip() for value in dialog.route for each in reversed(value.split(","))]
        caller.send(caller.request("ACK", dialog.target, dialog=dialog))
        self.next(callee, "ACK")
        return dialog, Dialog.of_peer(got, "callee")

    @staticmethod
    def next(user, wanted):
        """The next message with that method or status; provisional ones are passed over."""
        while True:
            message = user.receive()
            if wanted in (message.method if not message.is_response else None, message.status):
                return message
            check(message.is_response and message.status < 200, f"{wanted}, not {message.first}")

    @staticmethod
    def final(user):
        while (message := user.receive()).status < 200:
            pass
        return message

    def ask(self, asker, asked, method, dialog):
        """A request in the dialog, without credentials, is answered 200."""
        asker.send(asker.request(method, dialog.target, dialog=dialog))
        got = self.next(asked, method)
        asked.answer(got, 200, "OK")
        equal(self.final(asker).status, 200, f"status of {method}")
        if method == "INVITE":
            asker.send(asker.request("ACK", dialog.target, dialog=dialog))
            self.next(asked, "ACK")


def calls(server):
    """calls both ways, through both servers: ringing, answer, re-INVITE and BYE of either side, each found by Record-Route"""
    with World(server) as world:
        for transport in ("tls", "udp"):
            with Phones(world, transport) as phones:
                for caller, callee in ((phones.alice, phones.bob), (phones.bob, phones.alice)):
                    for hangs_up in ("caller", "callee"):
                        of_caller, of_callee = phones.call(caller, callee)
                        phones.ask(caller, callee, "INVITE", of_caller)
                        phones.ask(callee, caller, "INVITE", of_callee)
                        if hangs_up == "caller":
                            phones.ask(caller, callee, "BYE", of_caller)
                        else:
                            phones.ask(callee, caller, "BYE", of_callee)


def calls_outlive_connections(server):
    """a server that is killed in mid-call and is back is found again by the other: the call ends in an orderly way"""
    with World(server) as world, Phones(world, "udp") as phones:
        of_caller, of_callee = phones.call(phones.alice, phones.bob)
        equal(world.far.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
        world.far.start()
        # bob's server does not know the dialog any more: bob proves who he is, and so does his server.
        bye = phones.bob.request("BYE", of_callee.target, dialog=of_callee)
        phones.bob.send(bye)
        phones.bob.send(phones.bob.authorised(bye, phones.bob.receive()))
        phones.alice.answer(phones.next(phones.alice, "BYE"), 200, "OK")
        equal(phones.final(phones.bob).status, 200, "status of BYE")


def kill_and_restart(server, *agents):
    equal(server.stop(signal.SIGKILL), -signal.SIGKILL, "exit code of the killed server")
    for each in agents:
        each.wait("connection", state="down")
        each.forget()
    server.start()
    for each in agents:
        each.wait("registration", state="registered")


def restarts(server):
    """subscriptions across live on when either server is killed -9: its next change is seen, with no action of the watcher"""
    with World(server) as world:
        alice, bob = world.agents()
        enter(alice, bob)
        grant(bob, alice)
        kill_and_restart(world.far, bob)
        bob.run("publish", basic="open", note="after far")
        alice.wait("presence", of=bob.aor, where=notes("after far"))
        kill_and_restart(world.near, alice)
        bob.run("publish", basic="open", note="after near")
        alice.wait("presence", of=bob.aor, where=notes("after near"))
        equal(alice.run("message", to=bob.aor, text="still there")["status"], 200, "status")
        equal(bob.run("message", to=alice.aor, text="I am")["status"], 200, "status")
        alice.run("unsubscribe", to=bob.aor)


def lists(server):
    """bob is in alice's list: pending until he allows her, then each change, over kill -9 of either server; he blocks her"""
    with World(server) as world:
        alice, bob = world.agents()
        enter(alice, bob)
        put_list(world.near, [bob.aor, "sip:nobody@example.net", "sip:x@example.com"])
        alice.run("watch", list="friends")
        seen = alice.wait("list", where=lambda e: states(e)[bob.aor] == "pending")
        equal(states(seen)["sip:x@example.com"], "terminated;noresource", "a domain that is not admitted")
        if states(seen)["sip:nobody@example.net"] == "unknown":
            seen = alice.wait("list", where=lambda e: states(e)["sip:nobody@example.net"] != "unknown")
        equal(states(seen)["sip:nobody@example.net"], "terminated;noresource", "nobody there")
        bob.wait("watchers", where=lambda e: watches(e, alice, "pending"))
        bob.run("allow", watcher=alice.aor)
        bob.wait("watchers", where=lambda e: watches(e, alice, "active"))
        alice.wait("list", where=lambda e: states(e)[bob.aor] == "active")
        alice.wait("presence", of=bob.aor, where=notes("bob is here"))
        kill_and_restart(world.far, bob)
        bob.run("publish", basic="open", note="after far")
        alice.wait("presence", of=bob.aor, where=notes("after far"))
        kill_and_restart(world.near, alice)
        bob.run("publish", basic="open", note="after near")
        alice.wait("presence", of=bob.aor, where=notes("after near"))
        bob.run("block", watcher=alice.aor)
        alice.wait("list", where=lambda e: states(e)[bob.aor] == "terminated;rejected")
        alice.run("unsubscribe", to=LIST)


def one_connection(server):
    """where one thread serves each side, requests of both servers share one connection (RFC 5923)"""
    if server.options[server.options.index("--shards") + 1] != "1":
        return
    with World(server) as world:
        alice, bob = world.agents()
        enter(alice, bob)
        for number in range(3):
            equal(alice.run("message", to=bob.aor, text=f"to {number}")["status"], 200, "status")
            equal(bob.run("message", to=alice.aor, text=f"fro {number}")["status"], 200, "status")
        equal(len(connections_between(world.near, world.far)), 1, "connections between the servers")


def connections_between(one, other):
    """The established ones that either has made to the other's TLS port."""
    ports = {int(each.listen["tls"].rsplit(":", 1)[1]) for each in (one, other)}
    sockets = {os.readlink(link) for each in (one, other) for link in pathlib.Path(f"/proc/{each.process.pid}/fd").iterdir()}
    established = []
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, _, remote, state, _, _, _, _, _, inode, *_ = line.split()
        if state == "01" and int(remote.split(":")[1], 16) in ports and f"socket:[{inode}]" in sockets:
            established.append(line)
    return established


# ---- those who are not known

class Peer:
    """A server of another domain by hand: a TLS connection that shows a certificate, or none."""

    def __init__(self, world, certified=None):
        context = ssl.create_default_context(cafile=world.authority.certificate)
        context.check_hostname = False
        if certified:
            context.load_cert_chain(*certified)
        host, port = world.far.listen["tls"].rsplit(":", 1)
        self.socket = context.wrap_socket(socket.create_connection((host, int(port)), LIMIT))
        self.number = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, method, uri, sender, headers=""):
        """The status of the answer."""
        self.number += 1
        self.socket.sendall(
            (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bK{self.number}\r\nMax-Forwards: 70\r\n"
             f"From: <{sender}>;tag=p\r\nTo: <{uri}>\r\nCall-ID: peer-{id(self)}-{self.number}\r\nCSeq: 1 {method}\r\n{headers}"
             "Content-Length: 0\r\n\r\n").encode())
        answer = self.socket.recv(65536).decode()
        check(answer, f"{method} {uri}: answered, not closed")
        return int(answer.split()[1])


def knock(world, certified):
    with Peer(world, certified) as peer:
        peer.ask("MESSAGE", f"sip:{BOB[0]}", f"sip:{ALICE[0]}")


def strangers(server):
    """who has no certificate, one of another authority, an expired one or one for another domain speaks for nobody, and the log says why"""
    with World(server) as world:
        stranger = Authority(world.folder, "stranger")
        rows = ((None, "the connection has no trusted certificate"),
                (stranger.certify("forged", [NEAR]), "unable to get local issuer certificate"),
                ((stranger.certificate, stranger.key), "self-signed certificate"),
                (world.authority.certify("expired", [NEAR], days=-1), "certificate has expired"),
                (world.authority.certify("third", ["example.com"]), "the certificate of the connection is for example.com"))
        for certified, why in rows:
            with Peer(world, certified) as peer:
                equal(peer.ask("MESSAGE", f"sip:{BOB[0]}", f"sip:{ALICE[0]}"), 403, f"status where {why}")
                equal(peer.ask("SUBSCRIBE", f"sip:{BOB[0]}", f"sip:{ALICE[0]}", "Event: presence\r\n"), 403, "status of SUBSCRIBE")
            world.far.logs(why, while_asking=lambda: knock(world, certified))


def known_peer(server):
    """a known domain's server speaks for its own users alone, reaches users of ours alone, and registers nobody"""
    with World(server) as world, Peer(world, world.authority.certify("known", [NEAR])) as peer:
        alice, bob = f"sip:{ALICE[0]}", f"sip:{BOB[0]}"
        equal(peer.ask("MESSAGE", bob, alice), 202, "to bob, who is offline")
        equal(peer.ask("MESSAGE", "sip:nobody@example.net", alice), 404, "to nobody")
        equal(peer.ask("MESSAGE", bob, "sip:eve@example.com"), 403, "for a user of a third domain")
        equal(peer.ask("MESSAGE", "sip:dora@example.net", bob), 403, "for a user of ours")
        equal(peer.ask("MESSAGE", "sip:eve@example.com", alice), 403, "to a third domain")
        equal(peer.ask("INVITE", bob, alice, "Route: <sip:example.com;lr>\r\n"), 403, "by a Route to a third domain")
        equal(peer.ask("PUBLISH", bob, alice, "Event: presence\r\n"), 403, "for bob's presence")
        equal(peer.ask("SUBSCRIBE", bob, alice, "Event: reg\r\nContact: <sip:a@127.0.0.1>\r\n"), 403, "for bob's devices")
        check(peer.ask("REGISTER", "sip:example.net", bob) >= 400, "for bob's registration")
        world.far.logs("claims to be")


def not_admitted(server):
    """a domain that proves itself and is not listed is refused; SIGHUP lets it in, and "*" lets in whoever proves a domain"""
    with World(server, far={"federation": 'domains = ["example.com"]\n'}) as world:
        alice, bob = world.agents()
        enter(alice, bob)
        equal(alice.run("message", ok=False, to=bob.aor, text="hi")["status"], 403, "status")
        equal(alice.run("subscribe", ok=False, to=bob.aor)["status"], 403, "status")
        world.far.logs("not among federation.domains")
        for domains in ('"*"', f'"example.com", "{NEAR}"'):
            world.far.config.write_text(re.sub(r"domains = .*", f"domains = [{domains}]", world.far.config.read_text()))
            world.far.process.errors.clear()
            world.far.process.process.send_signal(signal.SIGHUP)
            world.far.logs("read again")
            equal(alice.run("message", to=bob.aor, text="hi")["status"], 200, f"status with {domains}")


def servers_not_trusted(server):
    """a request goes to no server whose certificate is wrong, and by no other transport: 504, and the log says why"""
    stranger = {}

    def forged(world):
        stranger["authority"] = Authority(world.folder, "stranger")
        return stranger["authority"].certify("far", [FAR])

    rows = ((lambda world: world.authority.certify("wrong", ["example.com"]), "the certificate is not for example.net"),
            (lambda world: world.authority.certify("late", [FAR], days=-1), "certificate has expired"),
            (forged, "unable to get local issuer certificate"))
    for certified, why in rows:
        with World(server, far={"certified": certified}) as world, Agent(world.near, *ALICE) as alice:
            # Whoever controls the DNS offers UDP and TCP as well.
            for transport in ("udp", "tcp"):
                port = int(world.far.listen[transport].rsplit(":", 1)[1])
                world.dns.zone[f"_sip._{transport}.{FAR}"] = {"SRV": [(1, 0, port, "host.test")]}
            alice.run("register")
            result = alice.run("message", ok=False, to=BOB[0], text="hi")
            equal(result["status"], 504, f"status where {why}")
            world.near.logs(why)
            world.near.logs("example.net at 127.0.0.1")
            udp = world.far.listen["udp"]
            equal(alice.run("message", ok=False, to=f"sip:{BOB[0]};transport=udp", text="hi")["status"], 504, "status by UDP")
            equal(world.dns.count(f"_sip._udp.{FAR}"), 0, f"questions for UDP ({udp})")


def no_certificate(server):
    """a server that shows no certificate of its own domain is refused by the other: the sender hears 403"""
    with World(server, near={"certified": lambda world: world.authority.certify("other", ["example.com"])}) as world:
        alice, bob = world.agents()
        enter(alice, bob)
        equal(alice.run("message", ok=False, to=bob.aor, text="hi")["status"], 403, "status")
        world.far.logs("the certificate of the connection is for example.com")


def another_authority(server):
    """once the file of the authorities is another one and SIGHUP has come, an open connection proves nothing any more"""
    with World(server) as world:
        alice, bob = world.agents()
        enter(alice, bob)
        equal(alice.run("message", to=bob.aor, text="hi")["status"], 200, "status")
        world.authority.certificate.write_bytes(Authority(world.folder, "another").certificate.read_bytes())
        world.far.process.errors.clear()
        world.far.process.process.send_signal(signal.SIGHUP)
        world.far.logs("read again")
        until(lambda: alice.run("message", to=bob.aor, text="hi", ok=None)["status"] == 403, "a message to bob is refused")


def not_found(server):
    """no such domain is 404, silent name servers are 504, and a domain without TLS is 504"""
    with World(server) as world, Agent(world.near, *ALICE) as alice:
        alice.run("register")
        equal(alice.run("message", ok=False, to="x@nowhere.test", text="hi")["status"], 404, "status of a domain that is not there")
        world.dns.zone["silent.test"] = {kind: {"silent": True} for kind in ("NAPTR", "A", "AAAA")}
        world.dns.zone["_sips._tcp.silent.test"] = {"SRV": {"silent": True}}
        equal(alice.run("message", ok=False, to="x@silent.test", text="hi")["status"], 504, "status where the DNS is silent")
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))  # nobody listens there
            world.dns.zone["_sips._tcp.mute.test"] = {"SRV": [(1, 0, held.getsockname()[1], "host.test")]}
            equal(alice.run("message", ok=False, to="x@mute.test", text="hi")["status"], 504, "status where nobody listens")


run([presence_and_messages, messages_wait, room, direct_session, calls, calls_outlive_connections, restarts, lists,
     one_connection, strangers, known_peer, not_admitted, servers_not_trusted, no_certificate, another_authority, not_found])
