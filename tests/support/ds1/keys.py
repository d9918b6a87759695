"""Keys, tickets and the HELLO of direct sessions: values in, values out (DIRECT_SESSIONS 3, 4, 5, 13).

Keys are octets. `Refused` says why something of a peer does not open.
"""

import dataclasses
import hashlib
import hmac
import os
import struct

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

EMPTY = bytes(32)  # "salt empty"
RAW = (Encoding.Raw, PublicFormat.Raw)
ASK, AUTO = 1, 2  # modes, in the ticket and as WANT
AUDIO, VIDEO = 1, 2
TAG, MEDIA, EPH, WANT, CONTACT, IDENT, SUBJECT, CALL = range(1, 9)  # items of a HELLO's body


class Refused(Exception):
    """What a peer sent is not good; the text says why."""


# Building blocks

def extract(salt, material):
    return hmac.new(salt, material, hashlib.sha256).digest()


def expand(prk, info, length):
    out, block = b"", b""
    for number in range(1, 256):
        if len(out) >= length:
            break
        block = hmac.new(prk, block + info + bytes([number]), hashlib.sha256).digest()
        out += block
    return out[:length]


def hkdf(material, info, length):
    """RFC 5869 with SHA-256 and the empty salt."""
    return expand(extract(EMPTY, material), info, length)


def x25519(secret, public):
    try:
        return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise Refused("an all-zero shared secret") from None


def x25519_pair():
    secret = os.urandom(32)
    return secret, x25519_public(secret)


def x25519_public(secret):
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes(*RAW)


def xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def seal(key, nonce, aad, text):
    return AESGCM(key).encrypt(nonce, text, aad)


def unseal(key, nonce, aad, sealed):
    try:
        return AESGCM(key).decrypt(nonce, sealed, aad)
    except InvalidTag:
        raise Refused("it does not authenticate") from None


# HPKE mode_auth_psk (RFC 9180 4, 5) for DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM

KEM = b"KEM" + struct.pack(">H", 0x20)
SUITE = b"HPKE" + struct.pack(">HHH", 0x20, 1, 1)
MODE_AUTH_PSK = 3


def labeled_extract(suite, salt, label, material):
    return extract(salt, b"HPKE-v1" + suite + label + material)


def labeled_expand(suite, prk, label, info, length):
    return expand(prk, struct.pack(">H", length) + b"HPKE-v1" + suite + label + info, length)


class Context:
    """What both sides of one HPKE set-up have."""

    def __init__(self, products, enc, receiver, sender, info, psk, psk_id):
        """`products`: the two X25519 products, of the ephemeral key and of the sender's; the others are public keys."""
        prk = labeled_extract(KEM, b"", b"eae_prk", products)
        self.shared_secret = labeled_expand(KEM, prk, b"shared_secret", enc + receiver + sender, 32)
        self.schedule = (bytes([MODE_AUTH_PSK]) + labeled_extract(SUITE, b"", b"psk_id_hash", psk_id)
                         + labeled_extract(SUITE, b"", b"info_hash", info))
        secret = labeled_extract(SUITE, self.shared_secret, b"secret", psk)
        self.key = labeled_expand(SUITE, secret, b"key", self.schedule, 16)
        self.base_nonce = labeled_expand(SUITE, secret, b"base_nonce", self.schedule, 12)
        self.exporter_secret = labeled_expand(SUITE, secret, b"exp", self.schedule, 32)

    def export(self, context, length):
        return labeled_expand(SUITE, self.exporter_secret, b"sec", context, length)


def context_of_sender(ephemeral, sender, receiver, info, psk, psk_id):
    """`ephemeral`, `sender`: secret keys; `receiver`: a public key."""
    products = x25519(ephemeral, receiver) + x25519(sender, receiver)
    return Context(products, x25519_public(ephemeral), receiver, x25519_public(sender), info, psk, psk_id)


def context_of_receiver(enc, sender, receiver, info, psk, psk_id):
    """`receiver`: a secret key; `enc`, `sender`: public keys."""
    products = x25519(receiver, enc) + x25519(receiver, sender)
    return Context(products, enc, x25519_public(receiver), sender, info, psk, psk_id)


# Identity (13)

def signed_by_ident(aor, device, fingerprint):
    return b"beckon-ds1 ident" + bytes([len(aor)]) + aor.encode() + device + fingerprint


def ident_public(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(*RAW)


def sign(seed, aor, device, fingerprint=EMPTY):
    return Ed25519PrivateKey.from_private_bytes(seed).sign(signed_by_ident(aor, device, fingerprint))


def is_signed(ident, signature, aor, device, fingerprint=EMPTY):
    try:
        Ed25519PublicKey.from_public_bytes(ident).verify(signature, signed_by_ident(aor, device, fingerprint))
    except (InvalidSignature, ValueError):
        return False
    return True


def safety_number(*idents):
    """60 digits of two pairs of AOR and ident key."""
    def half(aor, ident):
        digest = hashlib.sha256(b"beckon-ds1 safety" + bytes([len(aor)]) + aor.encode() + ident).digest()
        return "".join(f"{int.from_bytes(digest[5 * i:5 * i + 5], 'big') % 100000:05}" for i in range(6))
    return "".join(sorted(half(*each) for each in idents))


# Grants (3.6)

def ticket_key(secret):
    return hkdf(secret, b"beckon-ds1 ticket", 16)


def make_ticket(secret, epoch, mode, aor, nonce):
    text = bytes([mode, len(aor)]) + aor.encode()
    text += bytes(-len(text) % 32)
    return nonce + seal(ticket_key(secret), nonce, b"beckon-ds1 ticket" + epoch, text)


def open_ticket(secret, epoch, ticket):
    """Mode and AOR."""
    text = unseal(ticket_key(secret), ticket[:12], b"beckon-ds1 ticket" + epoch, ticket[12:])
    return text[0], text[2:2 + text[1]].decode()


def psk_of(secret, ticket):
    return hkdf(secret, b"beckon-ds1 psk" + ticket, 32)


# HELLO (5)

@dataclasses.dataclass(frozen=True)
class Line:
    """One MEDIA item; `dir` as the caller sees it: 1 sendrecv, 2 sendonly, 3 recvonly."""
    kind: int
    dir: int
    pt: int
    ssrc: int


@dataclasses.dataclass(frozen=True)
class Body:
    """What a HELLO says; `others`: pairs of type and value of items that have no name here."""
    tag: bytes
    media: tuple
    eph: bytes
    call: bytes
    want: int = AUTO
    contact: str = ""
    ident: bytes = b""  # ident key, fingerprint, signature
    subject: str = ""
    others: tuple = ()

    def octets(self):
        items = [(TAG, self.tag)]
        items += [(MEDIA, struct.pack(">BBBBI", each.kind, each.dir, each.pt, 0, each.ssrc)) for each in self.media]
        items += [(EPH, self.eph), (WANT, bytes([self.want]))]
        items += [(kind, value) for kind, value in ((CONTACT, self.contact.encode()), (IDENT, self.ident),
                                                    (SUBJECT, self.subject.encode())) if value]
        items += [*self.others, (CALL, self.call)]
        return b"".join(bytes([kind, len(value)]) + value for kind, value in items)

    @staticmethod
    def parse(octets):
        found, media, others = {}, [], []
        while octets:
            if len(octets) < 2 or len(octets) < 2 + octets[1]:
                raise Refused("a body cut short")
            kind, value, octets = octets[0], octets[2:2 + octets[1]], octets[2 + octets[1]:]
            if kind == MEDIA:
                if len(value) != 8:
                    raise Refused("a MEDIA item of another length")
                medium, direction, pt, _, ssrc = struct.unpack(">BBBBI", value)
                media.append(Line(medium, direction, pt, ssrc))
            elif kind in range(1, 9):
                found.setdefault(kind, value)
            else:
                others.append((kind, value))
        for kind, length in ((TAG, 3), (EPH, 32), (CALL, 8)):
            if len(found.get(kind, b"")) != length:
                raise Refused(f"item {kind} is missing or of another length")
        if not 1 <= len(media) <= 2:
            raise Refused("not one or two MEDIA items")
        ident = found.get(IDENT, b"")
        return Body(found[TAG], tuple(media), found[EPH], found[CALL], found.get(WANT, bytes([AUTO]))[0],
                    found.get(CONTACT, b"").decode(errors="replace"), ident if len(ident) == 128 else b"",
                    found.get(SUBJECT, b"").decode(errors="replace"), tuple(others))

    @property
    def demands_unknown(self):
        return any(kind >= 0x80 for kind, _ in self.others)


class Keys:
    """What follows from the HPKE context of a HELLO, until phase 1."""

    def __init__(self, context):
        self.phase0 = {way: context.export(b"ds1 ph0 " + way, 28) for way in (b"c2s", b"s2c")}
        self.stun = {way: context.export(b"ds1 stun " + way, 32) for way in (b"c2s", b"s2c")}
        self.forward = context.export(b"ds1 fs", 32)
        self.proof = context.export(b"ds1 invite", 16)

    def phase1(self, ee, se, caller_eph, callee_eph):
        prk = extract(self.forward, ee + se)
        return {way: expand(prk, b"ds1 ph1 " + way + caller_eph + callee_eph, 28) for way in (b"c2s", b"s2c")}


def mask_of(psk, enc):
    return hkdf(psk, b"beckon-ds1 devkey" + enc, 32)


def mac_of(psk, octets):
    return hmac.new(hkdf(psk, b"beckon-ds1 hello", 32), octets, hashlib.sha256).digest()[:16]


def make_hello(device, callee, epoch, ticket, psk, body, ephemeral=None):
    """The value of DIRECT-HELLO, and the HPKE context. `device`, `ephemeral`: secret keys; `callee`: a public key."""
    ephemeral = ephemeral or os.urandom(32)
    context = context_of_sender(ephemeral, device, callee, b"beckon-ds1" + epoch, psk, ticket)
    enc = x25519_public(ephemeral)
    head = struct.pack(">BBH", 1, 0, len(ticket)) + epoch + enc + xor(x25519_public(device), mask_of(psk, enc)) + ticket
    octets = head + seal(context.key, context.base_nonce, head, body)
    return octets + mac_of(psk, octets), context


@dataclasses.dataclass(frozen=True)
class Cover:
    """The parts of a DIRECT-HELLO that lie open."""
    octets: bytes

    @staticmethod
    def parse(octets):
        if len(octets) < 4:
            raise Refused("too short")
        size = struct.unpack(">H", octets[2:4])[0]
        if len(octets) < 72 + size + 16 + 16:
            raise Refused("too short")
        return Cover(octets)

    version = property(lambda self: self.octets[0])
    epoch = property(lambda self: self.octets[4:8])
    enc = property(lambda self: self.octets[8:40])
    cdk = property(lambda self: self.octets[40:72])
    size = property(lambda self: struct.unpack(">H", self.octets[2:4])[0])
    ticket = property(lambda self: self.octets[72:72 + self.size])
    head = property(lambda self: self.octets[:72 + self.size])
    sealed = property(lambda self: self.octets[72 + self.size:-16])
    mac = property(lambda self: self.octets[-16:])

    def has_good_mac(self, psk):
        return hmac.compare_digest(mac_of(psk, self.octets[:-16]), self.mac)

    def open(self, device, psk):
        """The caller's device key, the context and the body; `device`: the callee's secret key."""
        caller = xor(self.cdk, mask_of(psk, self.enc))
        if caller == x25519_public(device):
            raise Refused("two equal device keys")
        context = context_of_receiver(self.enc, caller, device, b"beckon-ds1" + self.epoch, psk, self.ticket)
        return caller, context, unseal(context.key, context.base_nonce, self.head, self.sealed)
