"""Other people's user agents (Debian's SIPp and sipsak) over UDP, TCP and TLS. Debian's SIPp has no TLS; sipsak has."""

import subprocess

from story import ALICE, BOB, LIMIT, Agent, check, equal, run
from sipp import CALLS, Sipp


def sipp(server, scenario, transport, **keys):
    with Sipp(scenario, transport, server.listen[transport], "-r", "200", "-l", "5", **keys) as done:
        return done.result()


def sipp_options(server):
    """SIPp asks OPTIONS 50 times, over UDP and TCP; every call is answered with our methods"""
    for transport in ("udp", "tcp"):
        equal(sipp(server, "options", transport), (CALLS, 0), f"calls over {transport}")


def sipp_register(server):
    """SIPp registers 50 contacts with digest, over UDP and TCP"""
    for transport in ("udp", "tcp"):
        equal(sipp(server, "register", transport), (CALLS, 0), f"calls over {transport}")


def sipp_publish(server):
    """SIPp publishes presence 50 times with digest and takes it back, over UDP and TCP"""
    for transport in ("udp", "tcp"):
        equal(sipp(server, "publish", transport), (CALLS, 0), f"calls over {transport}")


def sipp_subscribe(server):
    """SIPp subscribes to presence, presence.winfo, reg and dialog with digest, is notified, and ends each"""
    packages = {"presence": "application/pidf+xml", "presence.winfo": "application/watcherinfo+xml",
                "reg": "application/reginfo+xml", "dialog": "application/dialog-info+xml"}
    for event, accept in packages.items():
        for transport in ("udp", "tcp"):
            equal(sipp(server, "subscribe", transport, whom="alice", event=event, accept=accept), (CALLS, 0), f"{event}: calls over {transport}")


def sipp_watch(server):
    """SIPp subscribes for alice to the presence of bob, who allows it, and to the list of her own entries among his watchers"""
    for event, accept in (("presence", "application/pidf+xml"), ("presence.winfo", "application/watcherinfo+xml")):
        for transport in ("udp", "tcp"):
            equal(sipp(server, "subscribe", transport, whom="bob", event=event, accept=accept), (CALLS, 0), f"{event}: calls over {transport}")


def sipp_message(server):
    """SIPp sends bob 50 messages, with credentials that name the server and not bob, over UDP and TCP"""
    for transport in ("udp", "tcp"):
        with Agent(server, *BOB) as bob:
            bob.run("register")
            equal(sipp(server, "message", transport), (CALLS, 0), f"calls over {transport}")
            got = {bob.wait("message")["text"].strip() for _ in range(CALLS)}
            equal(got, {f"hello from call {number}" for number in range(1, CALLS + 1)}, "bob's messages")


def sipsak(server, transport, *words):
    # The proxy says where to go: of a port with five digits in a URI sipsak 0.9.8 drops the last.
    host, port = server.listen[transport].rsplit(":", 1)
    return subprocess.run(["sipsak", "-E", transport, "--tls-ca-cert", server.certificate, "-p", f"{host}:{port}", "-H", "127.0.0.1", "-vv",
                           *words], capture_output=True, text=True, errors="replace", timeout=2 * LIMIT)


def sipsak_options(server):
    """sipsak asks OPTIONS over UDP, TCP and TLS"""
    for transport in ("udp", "tcp", "tls"):
        done = sipsak(server, transport, "-s", "sip:example.org")
        equal(done.returncode, 0, f"exit code over {transport} ({done.stdout}{done.stderr})")
        check("200 OK" in done.stdout, f"200 over {transport}: {done.stdout}")


def sipsak_register(server):
    """sipsak registers with digest over UDP, TCP and TLS"""
    for transport in ("udp", "tcp", "tls"):
        done = sipsak(server, transport, "-U", "-x", "600", "-s", f"sip:{ALICE[0]}", "-u", "alice", "-a", ALICE[1])
        equal(done.returncode, 0, f"exit code over {transport} ({done.stdout}{done.stderr})")


def sipsak_wrong_password(server):
    """sipsak with a wrong password does not get in, over any of them"""
    for transport in ("udp", "tcp", "tls"):
        done = sipsak(server, transport, "-U", "-x", "600", "-s", f"sip:{ALICE[0]}", "-u", "alice", "-a", "not-hers")
        check(done.returncode != 0, f"refused over {transport}: {done.stdout}{done.stderr}")


run([sipp_options, sipp_register, sipp_publish, sipp_subscribe, sipp_watch, sipp_message, sipsak_options, sipsak_register,
     sipsak_wrong_password], ["--watcher-policy", "allow"])
