"""What a person's agent does when something fails between it and the server: it says once what is wrong, tries again without
a busy loop, and goes on where it was."""

import contextlib
import os
import signal
import socket
import subprocess
import threading

from story import ALICE, BOB, LIMIT, Agent, check, equal, run

SECONDS = 90  # a connection that only falls silent is given up after a while


def processor_time(agent):
    """Ticks (mostly 10 ms) that the agent has worked so far."""
    with open(f"/proc/{agent.process.pid}/stat") as file:
        words = file.read().rpartition(")")[2].split()
    return int(words[11]) + int(words[12])


@contextlib.contextmanager
def at_rest(agent):
    """The agent works no second meanwhile, however long it takes: a busy loop would."""
    before = processor_time(agent)
    yield
    spent = processor_time(agent) - before
    check(spent < os.sysconf("SC_CLK_TCK"), f"the agent works little, not {spent} ticks")


def events(agent, name, **members):
    return [event for event in agent.events
            if event["event"] == name and all(event.get(key) == value for key, value in members.items())]


def be_seen(alice, bob, note):
    alice.run("publish", basic="open", note=note)
    bob.wait("presence", of=alice.aor, where=lambda e: any(t.get("note") == note for t in e["tuples"]))


def meet(alice, bob):
    for each in (alice, bob):
        each.run("register")
    alice.run("allow", watcher=bob.aor)
    bob.run("subscribe", to=alice.aor)
    be_seen(alice, bob, "before")


def killed(server):
    """kill -9 of the server, which is away for a while: one event says so, and all is as before when it is back"""
    for transport in ("tls", "udp"):
        options = ["--keep-alive", "1"]  # over UDP nothing else would tell
        with Agent(server, *ALICE, transport=transport, options=options) as alice, \
                Agent(server, *BOB, transport=transport, options=options) as bob:
            meet(alice, bob)
            for each in (alice, bob):
                each.forget()
            server.stop(signal.SIGKILL)
            alice.wait("connection", state="down")
            with at_rest(alice):
                for _ in range(5):  # with rising pauses
                    alice.wait("trace", direction="sent", method="REGISTER")
            server.start()
            for each in (alice, bob):
                each.wait("connection", state="up", limit=SECONDS)
                equal(len(events(each, "connection", state="down")), 1, f"{each.name}: how often it says that the connection is lost")
                failed = events(each, "registration", state="failed")
                equal([event["reason"] for event in failed], ["Connection refused"], f"{each.name}: why")
                check("gruu" in each.wait("registration", state="registered"), "the device has its GRUU again")
            be_seen(alice, bob, "after")
            bob.run("message", to=alice.aor, text="there you are")
            alice.wait("message", text="there you are")


class Cable:
    """What lies between agents and the server; cut, it swallows everything and ends nothing."""

    def __init__(self, server):
        host, port = server.listen["tls"].rsplit(":", 1)
        self.beyond = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.whole = threading.Event()
        self.whole.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):  # closed at the end
            while True:
                near = self.listener.accept()[0]
                cut = not self.whole.is_set()
                far = None if cut else socket.create_connection(self.beyond, LIMIT)
                for one, other in ((near, far), (far, near)):
                    if one:
                        threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one, other):
        with contextlib.suppress(OSError):
            while octets := one.recv(65536):
                if other and self.whole.is_set():
                    other.sendall(octets)
        if other and self.whole.is_set():
            with contextlib.suppress(OSError):
                other.shutdown(socket.SHUT_RDWR)

    def uri(self, transport):
        return f"{transport}:{self.address}"


def cut_off(server):
    """the network swallows everything: pings find that out, one event says so, and a new connection takes over"""
    cable = Cable(server)
    with Agent(server, *BOB) as bob:
        alice = Agent(server, *ALICE, options=["--keep-alive", "1"])
        at = alice.arguments.index(server.uri("tls"))
        alice.arguments[at] = cable.uri("tls")
        with alice:
            meet(alice, bob)
            alice.forget()
            cable.whole.clear()
            with at_rest(alice):
                alice.wait("connection", state="down", limit=SECONDS)
                alice.wait("registration", state="failed", limit=SECONDS)
            cable.whole.set()
            alice.wait("connection", state="up", limit=SECONDS)
            alice.wait("registration", state="registered", limit=SECONDS)
            be_seen(alice, bob, "after")
    cable.listener.close()


def change_password(server, account, password):
    subprocess.run([server.beckond, "user", "passwd", account, "--data", server.data], input=password + "\n", text=True,
                   capture_output=True, timeout=60, check=True)


def password_changed(server):
    """the password is another one: one event says so, the agent does not guess, and goes on when it is right again"""
    with Agent(server, *ALICE) as alice, Agent(server, *BOB) as bob:
        meet(alice, bob)
        change_password(server, ALICE[0], "drink me")
        server.stop()
        server.start()
        failed = alice.wait("registration", state="failed", where=lambda e: e["status"] == 401)
        check("refuses the password that it accepted before" in failed["reason"], f"what is wrong: {failed['reason']}")
        result = alice.run("message", ok=False, to=bob.aor, text="hi")
        equal(result["cause"], "credentials", "cause of a command meanwhile")
        change_password(server, ALICE[0], ALICE[1])
        alice.run("register")
        be_seen(alice, bob, "after")
        equal(len(events(alice, "registration", status=401)), 1, "how often it says so")


if __name__ == "__main__":
    run([killed, cut_off, password_changed])
