"""The `<direct>` element in presence, and the permits in watcher information (DIRECT_SESSIONS 2, 3)."""

import base64
import ipaddress
import xml.etree.ElementTree as ElementTree

from ds1.endpoint import Offer

DIRECT = "{urn:beckon:params:xml:ns:direct:1}"
PIDF = "{urn:ietf:params:xml:ns:pidf}"
WINFO = "{urn:ietf:params:xml:ns:watcherinfo}"
MODES = {"off": 0, "ask": 1, "auto": 2}


def text_of(octets):
    return base64.b64encode(octets).decode()


def document(endpoint, epoch, secret, basic, mode, contact, candidates=None):
    """What a device publishes; `mode`: "off" is a document without <direct>. `candidates`: others than the own address."""
    places = "".join(f'<d:cand type="host" prio="{2130706431 - number}" ip="{host}" port="{port}"/>'
                     for number, (host, port) in enumerate(candidates or [endpoint.address]))
    direct = f"""
   <d:direct v="1" mode="{mode}" profile="sealed" epoch="{epoch.hex()}">
    <d:media kind="audio"><d:codec pt="0" name="PCMU" clock="8000" ptime="20"/></d:media>
    {places}
    <d:key>{text_of(endpoint.device_public)}</d:key>
    <d:ident key="{text_of(endpoint.ident)}" sig="{text_of(endpoint.signature)}"/>
    <d:secret>{text_of(secret)}</d:secret>
   </d:direct>""" if mode != "off" else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:d="urn:beckon:params:xml:ns:direct:1" entity="{endpoint.aor}">
 <tuple id="second">
  <status>
   <basic>{basic}</basic>{direct}
  </status>
  <contact priority="0.8">{contact}</contact>
 </tuple>
</presence>
""".encode()


def read(octets):
    """Pairs of the basic status and the `Offer` of each tuple; None for a tuple without one that can be used."""
    out = []
    for each in ElementTree.fromstring(octets).iter(f"{PIDF}tuple"):
        status = each.find(f"{PIDF}status")
        basic = status.findtext(f"{PIDF}basic", "").strip() if status is not None else ""
        known = [one for one in each.iter(f"{DIRECT}direct") if one.get("v") == "1" and one.get("profile") == "sealed"]
        out.append((basic, offer_of(known[0]) if known else None))
    return out


def offer_of(direct):
    """None without key, grant, candidate or audio; what is unknown is passed over."""
    def octets(name, within=direct):
        return base64.b64decode(within.findtext(f"{DIRECT}{name}", "") if within is not None else "")

    mode = MODES.get(direct.get("mode"), 0)
    audio = next((each for each in direct.iter(f"{DIRECT}media") if each.get("kind") == "audio"), None)
    grant = direct.find(f"{DIRECT}grant")
    if audio is None or grant is None or len(octets("key")) != 32:
        return None
    if audio.get("mode"):
        mode = min(mode, MODES.get(audio.get("mode"), 0))
    codecs = [(int(each.get("pt")), each.get("name")) for each in audio.iter(f"{DIRECT}codec")]
    found = sorted(direct.iter(f"{DIRECT}cand"), key=lambda each: -int(each.get("prio")))
    candidates = [(each.get("ip"), int(each.get("port"))) for each in found if is_usable(each)]
    ident = direct.find(f"{DIRECT}ident")
    signed = tuple(base64.b64decode(ident.get(name, text_of(bytes(32)))) for name in ("key", "fp", "sig")) if ident is not None else ()
    return Offer(mode, bytes.fromhex(direct.get("epoch")), octets("key"), candidates, codecs, signed,
                 octets("ticket", grant), octets("psk", grant)) if candidates else None


def is_usable(candidate):
    """IPv4, and loopback alone: this program never sends anywhere else."""
    try:
        return ipaddress.IPv4Address(candidate.get("ip")).is_loopback and int(candidate.get("port")) >= 1024
    except ValueError:
        return False


def permits(octets):
    """AOR -> mode of a watcher information document."""
    return {each.get("aor"): MODES.get(each.get("mode"), 0) for each in ElementTree.fromstring(octets).iter(f"{DIRECT}permit")}
