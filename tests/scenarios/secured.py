"""Calls by INVITE with DTLS-SRTP: `beckon` to `beckon`, and with Debian's baresip both ways, over signalling with and without TLS. The
recordings prove the voice, as in `invite.py`."""

from invite import TONES, Stage, heard, hears, talk, with_baresip
from story import ALICE, BOB, Agent, equal, run

DTLS = ["--media-security", "dtls"]


def two(server):
    """alice offers DTLS-SRTP, bob takes it: both hear each other, also after a hold"""
    for transport in ("udp", "tls"):
        with Stage() as stage, Agent(server, *ALICE, transport=transport, options=DTLS) as alice, Agent(server, *BOB, transport=transport) as bob:
            for each in (alice, bob):
                each.run("register")
            bob.run("media", play=stage.said("bob"), record=stage.record("bob"))
            call, incoming = talk(alice, bob, play=stage.said("alice"), record=stage.record("alice"))
            hears(alice, call)
            hears(bob, incoming)
            equal((alice.last("call")["secured"], bob.last("call")["secured"]), (True, True), f"encrypted over {transport}")
            bob.run("hold", call=incoming)
            alice.wait("call", call=call, held="there")
            bob.run("resume", call=incoming)
            alice.wait("call", call=call, where=lambda event: "held" not in event)
            hears(alice, call)
            hears(bob, incoming)
            alice.run("hangup", call=call)
            bob.wait("call", call=incoming, state="ended")
            for each, its in ((alice, call), (bob, incoming)):
                each.wait("call-statistics", call=its, where=lambda event: "record" in event)
            heard(stage.record("alice"), TONES["bob"], "alice")
            heard(stage.record("bob"), TONES["alice"], "bob")


def baresip_dtls_udp(server):
    """baresip and beckon call each other with DTLS-SRTP, the signalling over UDP"""
    with_baresip(server, "udp", ";mediaenc=dtls_srtp", options=DTLS, secured=True, modules=["dtls_srtp"])


def baresip_dtls_tls(server):
    """the same over TLS, on one port for media and reports"""
    with_baresip(server, "tls", ";mediaenc=dtls_srtp;rtcp_mux=yes", options=DTLS, secured=True, modules=["dtls_srtp"])


run([two, baresip_dtls_udp, baresip_dtls_tls])
