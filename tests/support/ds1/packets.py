"""STUN, SRTP, RTP and RTCP as direct sessions use them: octets in, octets out (RFC 8489, 3711, 7714, 3550)."""

import hashlib
import hmac
import ipaddress
import struct
import zlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ds1.keys import Refused, seal, unseal

COOKIE = 0x2112A442
REQUEST, SUCCESS, ERROR = 0x0001, 0x0101, 0x0111  # of the method Binding
USERNAME, ERROR_CODE, INTEGRITY, MAPPED = 0x0006, 0x0009, 0x001C, 0x0020
FINGERPRINT, HELLO, STATE = 0x8028, 0xCB01, 0xCB02
RINGING, ANSWER, REJECT, ACK = 1, 2, 3, 4  # subtypes of APP
SR, RR, SDES, BYE, APP = 200, 201, 202, 203, 204


class Stun:
    """A message: kind, transaction id, pairs of attribute and value."""

    def __init__(self, kind, transaction, attributes=(), octets=b""):
        self.kind, self.transaction, self.attributes, self.raw = kind, transaction, list(attributes), octets

    def get(self, attribute):
        return next((value for kind, value in self.attributes if kind == attribute), None)

    def octets(self, key=None):
        """With MESSAGE-INTEGRITY-SHA256 if there is a key, and FINGERPRINT; each covers what is before it, and the
        header's length counts up to its own end (RFC 8489 14.6, 14.7)."""
        body = b"".join(struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)
                        for kind, value in self.attributes)
        if key:
            digest = hmac.new(key, self._head(len(body) + 36) + body, hashlib.sha256).digest()
            body += struct.pack(">HH", INTEGRITY, 32) + digest
        check = zlib.crc32(self._head(len(body) + 8) + body) ^ 0x5354554E
        return self._head(len(body) + 8) + body + struct.pack(">HHI", FINGERPRINT, 4, check)

    def _head(self, length):
        return struct.pack(">HHI", self.kind, length, COOKIE) + self.transaction

    @staticmethod
    def parse(octets):
        if len(octets) < 20:
            raise Refused("too short for STUN")
        kind, length, cookie = struct.unpack(">HHI", octets[:8])
        if kind >> 14 or cookie != COOKIE or length % 4 or length != len(octets) - 20:
            raise Refused("no STUN header")
        message, at = Stun(kind, octets[8:20], octets=octets), 20
        while at < len(octets):
            attribute, size = struct.unpack(">HH", octets[at:at + 4])
            if at + 4 + size > len(octets):
                raise Refused("an attribute beyond the end")
            message.attributes.append((attribute, octets[at + 4:at + 4 + size]))
            at += 4 + size + -size % 4
        last, value = message.attributes[-1] if message.attributes else (None, b"")
        if last != FINGERPRINT or value != struct.pack(">I", zlib.crc32(octets[:-8]) ^ 0x5354554E):
            raise Refused("no good FINGERPRINT")
        return message

    def has_integrity(self, key):
        """MESSAGE-INTEGRITY-SHA256, before FINGERPRINT."""
        if len(self.attributes) < 2 or self.attributes[-2][0] != INTEGRITY:
            return False
        covered = self._head(len(self.raw) - 20 - 8) + self.raw[20:-44]
        return hmac.compare_digest(hmac.new(key, covered, hashlib.sha256).digest(), self.attributes[-2][1])


def mapped(address, transaction):
    """The value of XOR-MAPPED-ADDRESS (RFC 8489 14.2)."""
    ip = ipaddress.ip_address(address[0])
    mask = struct.pack(">I", COOKIE) + transaction
    port = address[1] ^ COOKIE >> 16
    return struct.pack(">BBH", 0, 1 if ip.version == 4 else 2, port) + bytes(a ^ b for a, b in zip(ip.packed, mask))


# SRTP (RFC 3711, AEAD_AES_128_GCM of RFC 7714), with the MKI behind everything else

def derive(master, label, length):
    """A session key (RFC 3711 4.3.1, 4.3.3); the salt of 96 bits is filled up with zeros to 112 (RFC 7714 11)."""
    key, salt = master[:16], bytearray(master[16:] + bytes(2))
    salt[7] ^= label
    stream = Cipher(algorithms.AES(key), modes.CTR(bytes(salt) + bytes(2))).encryptor()
    return stream.update(bytes(length))


class Crypt:
    """One direction of one phase: protects and opens. Rollover counters start at 0; what comes twice is refused."""

    def __init__(self, master, mki):
        self.mki = mki
        self.rtp, self.rtcp = ((derive(master, label, 16), derive(master, label + 2, 12)) for label in (0, 3))
        self.sent, self.rtcp_sent = {}, 0  # of each SSRC the index of its last packet
        self.highest, self.seen = {}, set()

    @staticmethod
    def _nonce(salt, ssrc, index):
        return bytes(a ^ b for a, b in zip(struct.pack(">HIHI", 0, ssrc, index >> 32, index & 0xFFFFFFFF), salt))

    @staticmethod
    def index_of(sequence, last):
        """The index nearest to the last one (RFC 3711 3.3.1)."""
        if last is None:
            return sequence
        near = [(last >> 16) + step << 16 | sequence for step in (-1, 0, 1)]
        return min((each for each in near if each >= 0), key=lambda each: abs(each - last))

    @staticmethod
    def _header(packet):
        size = 12 + 4 * (packet[0] & 15)
        if packet[0] & 16:
            size += 4 + 4 * struct.unpack(">H", packet[size + 2:size + 4])[0]
        return size

    def protect(self, packet):
        sequence, _, ssrc = struct.unpack(">HII", packet[2:12])
        index = self.index_of(sequence, self.sent.get(ssrc))
        self.sent[ssrc] = index
        size = self._header(packet)
        key, salt = self.rtp
        return packet[:size] + seal(key, self._nonce(salt, ssrc, index), packet[:size], packet[size:]) + self.mki

    def open(self, packet):
        """RTP; `Refused` if it does not authenticate or has come before."""
        sequence, _, ssrc = struct.unpack(">HII", packet[2:12])
        size, last = self._header(packet), self.highest.get(ssrc)
        if size + 20 > len(packet):
            raise Refused("too short for SRTP")
        index = self.index_of(sequence, last)
        key, salt = self.rtp
        text = unseal(key, self._nonce(salt, ssrc, index), packet[:size], packet[size:-4])
        self._once("rtp", ssrc, index)
        self.highest[ssrc] = max(index, last or 0)
        return packet[:size] + text

    def protect_rtcp(self, packet):
        ssrc = struct.unpack(">I", packet[4:8])[0]
        word = struct.pack(">I", 1 << 31 | self.rtcp_sent)
        key, salt = self.rtcp
        sealed = seal(key, self._nonce(salt, ssrc, self.rtcp_sent), packet[:8] + word, packet[8:])
        self.rtcp_sent += 1
        return packet[:8] + sealed + word + self.mki

    def open_rtcp(self, packet):
        if len(packet) < 8 + 16 + 8:
            raise Refused("too short for SRTCP")
        ssrc, word = struct.unpack(">I", packet[4:8])[0], packet[-8:-4]
        index = struct.unpack(">I", word)[0] & 0x7FFFFFFF
        key, salt = self.rtcp
        text = unseal(key, self._nonce(salt, ssrc, index), packet[:8] + word, packet[8:-8])
        self._once("rtcp", ssrc, index)
        return packet[:8] + text

    def _once(self, *which):
        if which in self.seen:
            raise Refused("a replay")
        self.seen.add(which)


# RTP and RTCP

def rtp(pt, sequence, timestamp, ssrc, payload, marker=False):
    return struct.pack(">BBHII", 0x80, marker << 7 | pt, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def rtcp(kind, count, body, padding=False):
    assert len(body) % 4 == 0
    return struct.pack(">BBH", 0x80 | padding << 5 | count, kind, len(body) // 4) + body


def compound(ssrc, cname, last=b"", block=b""):
    """RR, SDES and what follows; `block`: a report block, or none."""
    text = struct.pack(">IBB", ssrc, 1, len(cname)) + cname.encode()
    text += bytes(4 - len(text) % 4)
    return rtcp(RR, len(block) // 24, struct.pack(">I", ssrc) + block) + rtcp(SDES, 1, text) + last


def app(ssrc, subtype, number, reason=0, more=b""):
    return rtcp(APP, subtype, struct.pack(">I", ssrc) + b"BKDS" + bytes([number, reason, 0, 0]) + more)


def bye(ssrcs, reason):
    text = bytes([len(str(reason))]) + str(reason).encode()
    return rtcp(BYE, len(ssrcs), b"".join(struct.pack(">I", each) for each in ssrcs) + text + bytes(-len(text) % 4))


def parts(packet):
    """The packets of a compound: triples of type, count and body."""
    out = []
    while packet:
        if len(packet) < 4:
            raise Refused("RTCP cut short")
        first, kind, words = struct.unpack(">BBH", packet[:4])
        if first >> 6 != 2 or len(packet) < 4 + 4 * words:
            raise Refused("RTCP cut short")
        out.append((kind, first & 31, packet[4:4 + 4 * words]))
        packet = packet[4 + 4 * words:]
    return out


# G.711 mu-law

def encode_pcmu(samples):
    out = bytearray()
    for each in samples:
        sign, size = (0x80, -each) if each < 0 else (0, each)
        size = min(size, 32635) + 132
        exponent = size.bit_length() - 8
        out.append(~(sign | exponent << 4 | size >> exponent + 3 & 15) & 0xFF)
    return bytes(out)


def decode_pcmu(octets):
    out = []
    for each in octets:
        code = ~each & 0xFF
        size = ((code & 15) * 8 + 132 << (code >> 4 & 7)) - 132
        out.append(-size if code & 0x80 else size)
    return out
