"""Checks this ds1 against the test vectors of DIRECT_SESSIONS 15 (`vectors.txt`, as printed there) and of RFC 9180
A.1.4 (`hpke.txt`), and that nothing opens after a change of a single bit. Run: /usr/bin/python3 tests/support/ds1/vectors.py
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from ds1 import keys, packets  # noqa: E402

ALICE, BOB = "sip:alice@example.org", "sip:bob@example.org"


def read_vectors():
    """Of each name its values; a line that is indented continues the one before."""
    found, name = {}, ""
    for line in (HERE / "vectors.txt").read_text().splitlines():
        name, values = (line[:13].strip() or name), line[13:].split()
        if name in found:
            found[name][-1] += values[0]
        else:
            found[name] = [each for each in values if each != "/"]
    return {name: values if name == "safety" else [bytes.fromhex(each) for each in values] for name, values in found.items()}


class Check:
    """Counts comparisons, and says which fail."""

    def __init__(self):
        self.done, self.failed = 0, 0

    def equal(self, got, wanted, what):
        self.done += 1
        if got != wanted:
            self.failed += 1
            print(f"{what}: {got.hex() if isinstance(got, bytes) else got} instead of "
                  f"{wanted.hex() if isinstance(wanted, bytes) else wanted}")

    def refused(self, action, what):
        try:
            action()
        except keys.Refused:
            self.equal(True, True, what)
        else:
            self.equal("accepted", "refused", what)


def check_hpke(check):
    """RFC 9180 A.1.4, both sides."""
    lines = [line.split() for line in (HERE / "hpke.txt").read_text().splitlines()]
    v = {name: bytes.fromhex(value) for name, value in lines}
    for name in "ERS":
        check.equal(keys.x25519_public(v[f"sk{name}"]), v[f"pk{name}"], f"RFC 9180 pk{name}")
    sides = {"sender": keys.context_of_sender(v["skE"], v["skS"], v["pkR"], v["info"], v["psk"], v["psk_id"]),
             "receiver": keys.context_of_receiver(v["pkE"], v["pkS"], v["skR"], v["info"], v["psk"], v["psk_id"])}
    for side, context in sides.items():
        for name, got in (("shared_secret", context.shared_secret), ("key_schedule_context", context.schedule), ("key", context.key),
                          ("base_nonce", context.base_nonce), ("exporter_secret", context.exporter_secret),
                          ("ct", keys.seal(context.key, context.base_nonce, v["aad"], v["pt"]))):
            check.equal(got, v[name], f"RFC 9180 {side} {name}")
        for name, value in v.items():
            if name.startswith("export-"):
                check.equal(context.export(bytes.fromhex(name[7:]), 32), value, f"RFC 9180 {side} {name}")


def check_identities(check, v):
    """Public keys, signature, safety number."""
    for name in ("A device", "B device", "HPKE skE, enc", "B EPH", "A EPH"):
        check.equal(keys.x25519_public(v[name][0]), v[name][1], name)
    for name in ("A ident", "B ident"):
        check.equal(keys.ident_public(v[name][0]), v[name][1], name)
    device, fingerprint, signature = v["A device"][1], v["A fp"][0], v["A ident sig"][0]
    check.equal(keys.sign(v["A ident"][0], ALICE, device, fingerprint), signature, "A ident sig")
    check.equal(keys.is_signed(v["A ident"][1], signature, ALICE, device, fingerprint), True, "A ident sig verifies")
    check.equal(keys.is_signed(v["A ident"][1], signature, BOB, device, fingerprint), False, "A ident sig for bob verifies")
    number = keys.safety_number((ALICE, v["A ident"][1]), (BOB, v["B ident"][1]))
    check.equal(number, v["safety"][0], "safety")


def check_grant(check, v):
    secret, epoch, ticket = v["secret"][0], v["epoch / tag"][0], v["ticket"][0]
    check.equal(keys.ticket_key(secret), v["Kt"][0], "Kt")
    check.equal(keys.make_ticket(secret, epoch, keys.AUTO, BOB, bytes(range(0xA0, 0xAC))), ticket, "ticket")
    check.equal(keys.unseal(v["Kt"][0], ticket[:12], b"beckon-ds1 ticket" + epoch, ticket[12:]), v["ticket pt"][0], "ticket pt")
    check.equal(keys.open_ticket(secret, epoch, ticket), (keys.AUTO, BOB), "what the ticket says")
    check.equal(keys.psk_of(secret, ticket), v["psk, Kh"][0], "psk")
    check.equal(keys.hkdf(v["psk, Kh"][0], b"beckon-ds1 hello", 32), v["psk, Kh"][1], "Kh")


def check_hello(check, v):
    """The HELLO as the caller makes it and as the callee opens it; gives the keys of both."""
    epoch, tag = v["epoch / tag"]
    ticket, psk = v["ticket"][0], v["psk, Kh"][0]
    body = keys.Body(tag, (keys.Line(keys.AUDIO, 1, 111, 0x1234ABCD),), v["B EPH"][1], bytes.fromhex("d1d2d3d4d5d6d7d8"))
    check.equal(body.octets(), v["body"][0], "body")
    check.equal(keys.Body.parse(v["body"][0]), body, "what the body says")
    octets, sender = keys.make_hello(v["B device"][0], v["A device"][1], epoch, ticket, psk, body.octets(), v["HPKE skE, enc"][0])
    packet = v["HELLO packet"][0]
    check.equal(packets.Stun(packets.REQUEST, bytes(range(0x10, 0x1C)), [(packets.HELLO, octets)]).octets(), packet, "HELLO packet")

    read = packets.Stun.parse(packet).get(packets.HELLO)
    cover = keys.Cover.parse(read)
    check.equal((cover.version, cover.epoch, cover.ticket), (1, epoch, ticket), "the open part of the HELLO")
    check.equal(cover.enc, v["HPKE skE, enc"][1], "enc")
    check.equal(cover.cdk, v["cdk"][0], "cdk")
    check.equal(cover.mac, v["MAC, proof"][0], "MAC")
    check.equal(cover.has_good_mac(psk), True, "the MAC is good")
    caller, receiver, opened = cover.open(v["A device"][0], psk)
    check.equal(caller, v["B device"][1], "the caller's device key")
    check.equal(opened, v["body"][0], "the opened body")
    for side, context in (("caller", sender), ("callee", receiver)):
        for name, got in (("key", context.key), ("bn", context.base_nonce)):
            check.equal(got, v["HPKE key, bn"][name == "bn"], f"{side} HPKE {name}")
        check.equal(context.exporter_secret, v["exporter_sec"][0], f"{side} exporter_secret")
    check_bits(check, v["A device"][0], psk, read)
    return keys.Keys(sender), keys.Keys(receiver)


def check_bits(check, device, psk, good):
    """Every change of one bit is refused, also by who has the psk and makes the MAC right."""
    for bit in range(len(good) * 8):
        changed = bytearray(good)
        changed[bit // 8] ^= 1 << bit % 8
        cover = keys.Cover(bytes(changed))
        check.equal(cover.has_good_mac(psk), False, f"the MAC after a change of bit {bit}")
        if bit < (len(good) - 16) * 8:
            check.refused(lambda cover=cover: cover.open(device, psk), f"opening after a change of bit {bit}")


def check_session(check, v, caller, callee):
    """Keys of both phases, SRTP, and the response."""
    se_caller = keys.x25519(v["B device"][0], v["A EPH"][1])
    check.equal(keys.x25519(v["B EPH"][0], v["A EPH"][1]), v["ee, se"][0], "ee")
    check.equal(keys.x25519(v["A EPH"][0], v["B EPH"][1]), v["ee, se"][0], "ee of the callee")
    check.equal(se_caller, v["ee, se"][1], "se")
    check.equal(keys.x25519(v["A EPH"][0], v["B device"][1]), v["ee, se"][1], "se of the callee")
    for side, own in (("caller", caller), ("callee", callee)):
        phase1 = own.phase1(*v["ee, se"], v["B EPH"][1], v["A EPH"][1])
        for place, way in enumerate((b"c2s", b"s2c")):
            check.equal(own.phase0[way], v["ph0 c2s, s2c"][place], f"{side} ph0 {way}")
            check.equal(own.stun[way], v["stun c2s, s2c"][place], f"{side} stun {way}")
            check.equal(phase1[way], v["ph1 c2s, s2c"][place], f"{side} ph1 {way}")
        check.equal(own.forward, v["fs, prk"][0], f"{side} fs")
        check.equal(keys.extract(own.forward, b"".join(v["ee, se"])), v["fs, prk"][1], f"{side} prk")
        check.equal(own.proof, v["MAC, proof"][1], f"{side} proof")
    tag = v["epoch / tag"][1]
    for phase, master, text, sealed in ((0, v["ph0 c2s, s2c"][0], v["RTP 1 in"][0], v["SRTP ph0"][0]),
                                        (1, v["ph1 c2s, s2c"][0], v["RTP 2 in"][0], v["SRTP ph1"][0])):
        check.equal(packets.Crypt(master, tag + bytes([phase])).protect(text), sealed, f"SRTP of phase {phase}")
        opener = packets.Crypt(master, tag + bytes([phase]))
        check.equal(opener.open(sealed), text, f"RTP of phase {phase}")
        check.refused(lambda opener=opener, sealed=sealed: opener.open(sealed), f"SRTP of phase {phase} again")
        control = packets.compound(0x1234ABCD, "cname", packets.app(0x1234ABCD, packets.ACK, 1))
        check.equal(opener.open_rtcp(packets.Crypt(master, opener.mki).protect_rtcp(control)), control, f"SRTCP of phase {phase}")
    transaction, key = bytes(range(0x10, 0x1C)), caller.stun[b"c2s"]
    response = packets.Stun(packets.SUCCESS, transaction, [(packets.MAPPED, packets.mapped(("192.0.2.20", 40002), transaction)),
                                                           (packets.STATE, bytes([2, 0, 0, 0]))])
    check.equal(response.octets(key), v["response"][0], "response")
    check.equal(packets.Stun.parse(v["response"][0]).has_integrity(key), True, "the response's integrity")
    check.equal(packets.Stun.parse(v["response"][0]).has_integrity(caller.stun[b"s2c"]), False, "with the other direction's key")


def check_audio(check):
    """Every code of G.711 comes back; RFC 3550 compounds are read as they are written."""
    codes = bytes(each for each in range(256) if each != 0x7F)  # of the two zeros one is written
    check.equal(packets.encode_pcmu(packets.decode_pcmu(codes)), codes, "mu-law")
    whole = packets.compound(7, "abc", packets.bye([7, 8], 11))
    check.equal([kind for kind, _, _ in packets.parts(whole)], [packets.RR, packets.SDES, packets.BYE], "a compound")


def main():
    check, v = Check(), read_vectors()
    check_hpke(check)
    check_identities(check, v)
    check_grant(check, v)
    check_session(check, v, *check_hello(check, v))
    check_audio(check)
    used = {name for name in v if re.search(rf'"{re.escape(name)}"', pathlib.Path(__file__).read_text())}
    check.equal(used, set(v), "vectors that are looked at")
    print(f"{check.done} comparisons, {check.failed} failed")
    sys.exit(1 if check.failed else 0)


if __name__ == "__main__":
    main()
