"""SIPp calls SIPp by way of the server, over UDP and TCP, and each call is counted at both ends. What each side does is a
ladder in words, which is written out as a scenario of SIPp.
"""

from story import ALICE, BOB, equal, restart_with, run, until
from ports import reserve_port, taken
from sipp import CALLS, Sipp
from wire import Wire, authorised

# "> X" is sent, "< X" received, "< X?" may be received; "~ N" is a pause of N ms. A "+" adds credentials to an INVITE, and
# SDP to an answer.
CHALLENGED = ("> INVITE", "< 407", "> ACK", "> INVITE+", "< 100?")
REASONS = {180: "Ringing", 183: "Session Progress", 200: "OK", 302: "Moved Temporarily", 486: "Busy Here",
           487: "Request Terminated"}
SDP = ["v=0", "o=- 1 1 IN IP4 [local_ip]", "s=-", "c=IN IP4 [local_ip]", "t=0 0", "m=audio 6000 RTP/AVP 0"]
# Headers of the INVITE that came: those of the answer when a CANCEL has come since.
KEPT = {"via": "Via:", "under": "Via:", "from": "From:", "to": "To:", "call": "Call-ID:", "cseq": "CSeq:"}


class Side:
    """Writes out the ladder of alice, who calls, or of bob."""

    def __init__(self, name, ladder):
        self.steps, self.own, self.peer = ladder, name, {"alice": "bob", "bob": "alice"}[name]
        self.calls = name == "alice"
        self.tag = f";tag={name}[call_number]"
        self.contact = f"Contact: <sip:{name}@[local_ip]:[local_port];transport=[transport]>"
        self.number = 0         # CSeq of its last request
        self.invite = 0         # index of its last INVITE
        self.asked = None       # method of the last request, of either side
        self.in_dialog = False
        self.text = ""

    def scenario(self):
        self.text = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="ladder">\n'
        for index, step in enumerate(self.steps):
            kind, what = step.split()
            if kind == "~":
                self.text += f'<pause milliseconds="{what}" />\n'
            elif kind == "<":
                self.receive(what)
            elif what[0].isdigit():
                self.answer(index, int(what.rstrip("+")), what.endswith("+"))
            else:
                self.request(index, what.rstrip("+"), what.endswith("+"))
        return self.text + "</scenario>\n"

    def receive(self, what):
        name, actions = what.rstrip("?"), ""
        kind = "response" if name.isdigit() else "request"
        options = ' optional="true"' if what.endswith("?") else ' timeout="20000"'
        if name == "407":
            options += ' auth="true"'
        if not self.in_dialog and (name == "INVITE" or (name == "200" and self.asked == "INVITE")):
            options += ' rrs="true"'  # the routes and the peer's Contact are kept
        if not self.in_dialog and name == "INVITE":
            actions = '<ereg regexp=";tag=.*" search_in="hdr" header="From:" assign_to="peer" />'
            for variable, header in KEPT.items():
                at = 2 if variable == "under" else 1
                actions += f'<ereg regexp=".*" search_in="hdr" header="{header}" occurrence="{at}" assign_to="{variable}" />'
            actions += f'<log message="{"".join(f"[${each}]" for each in ("peer", *KEPT))}" />'  # all must be used
        self.text += f'<recv {kind}="{name}"{options}><action>{actions}</action></recv>\n'
        if name == "ACK" or (name == "200" and self.asked == "INVITE"):
            self.in_dialog = True
        if kind == "request" and name != "ACK":
            self.asked = name

    def request(self, index, name, with_credentials):
        if name == "INVITE":
            self.invite = index
        if name != "ACK":
            self.asked = name
        self.number += name not in ("ACK", "CANCEL")
        # A CANCEL and the ACK of a refusal have the branch of their INVITE.
        branch = f"[branch-{index - self.invite}]" if name in ("CANCEL", "ACK") and not self.in_dialog else "[branch]"
        peer_tag = "" if name in ("INVITE", "CANCEL") and not self.in_dialog else "[peer_tag_param]" if self.calls else "[$peer]"
        lines = [f"{name} {'[next_url]' if self.in_dialog else 'sip:bob@example.org'} SIP/2.0",
                 f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch};rport", "Max-Forwards: 70",
                 f"From: <sip:{self.own}@example.org>{self.tag}", f"To: <sip:{self.peer}@example.org>{peer_tag}",
                 "Call-ID: [call_id]", f"CSeq: {self.number} {name}", "[routes]" if self.in_dialog else "User-Agent: SIPp"]
        if name == "INVITE":
            lines.append(self.contact)
        if with_credentials:
            lines.append(f"[authentication username={self.own} password={ALICE[1]}]")
        self.send(lines, name == "INVITE", is_repeated=name != "ACK")

    def answer(self, index, status, has_sdp):
        tag = "" if self.in_dialog else self.tag
        if status == 487:
            headers = ["Via:[$via]", "Via:[$under]", "From:[$from]", f"To:[$to]{tag}", "Call-ID:[$call]", "CSeq:[$cseq]"]
        else:
            headers = ["[last_Via:]", "[last_Record-Route:]", "[last_From:]", f"[last_To:]{tag}", "[last_Call-ID:]", "[last_CSeq:]"]
        contact = "Contact: <sip:carol@example.org>" if status == 302 else self.contact
        is_repeated = self.steps[index + 1:index + 2] == ["< ACK"]
        self.send([f"SIP/2.0 {status} {REASONS[status]}", *headers, contact], has_sdp, is_repeated)

    def send(self, lines, has_sdp, is_repeated):
        body = SDP if has_sdp else []
        kind = ["Content-Type: application/sdp"] if has_sdp else []
        text = "\n".join([*lines, *kind, "Content-Length: [len]", "", *body])
        again = ' retrans="500"' if is_repeated else ""
        self.text += f"<send{again}>\n<![CDATA[\n{text}\n\n]]>\n</send>\n"


def play(server, alices, bobs, *options):
    """alice calls bob, who has registered where his SIPp listens."""
    for transport in ("udp", "tcp"):
        port = reserve_port()
        with Wire(server, "udp") as phone:
            contact = f"Contact: <sip:bob@127.0.0.1:{port};transport={transport}>\r\n"
            answer = authorised(phone, "REGISTER", "sip:example.org", 1, contact, user=BOB)
            equal(answer.split()[1], "200", "the REGISTER's status")
            with Sipp(Side("bob", bobs).scenario(), transport, "-p", str(port)) as bob:
                until(lambda: port in taken(transport), "bob listens")
                words = ("-p", str(reserve_port()), server.listen[transport], "-r", "100", "-l", "10", *options)
                with Sipp(Side("alice", alices).scenario(), transport, *words) as alice:
                    equal(alice.result(), (CALLS, 0), f"alice's calls over {transport}")
                equal(bob.result(), (CALLS, 0), f"bob's calls over {transport}")
            authorised(phone, "REGISTER", "sip:example.org", 3, "Contact: *\r\nExpires: 0\r\n", user=BOB)


def answered(server):
    """alice is challenged, bob rings and answers, alice hangs up"""
    play(server, [*CHALLENGED, "< 180", "< 200", "> ACK", "> BYE", "< 200"],
         ["< INVITE", "> 180", "~ 300", "> 200+", "< ACK", "< BYE", "> 200"])


def early_media(server):
    """bob's 183 with SDP comes before his ringing; he hangs up"""
    play(server, [*CHALLENGED, "< 183", "< 180", "< 200", "> ACK", "< BYE", "> 200"],
         ["< INVITE", "> 183+", "> 180", "> 200+", "< ACK", "> BYE", "< 200"])


def reinvite(server):
    """alice changes the session, and bob does"""
    play(server, [*CHALLENGED, "< 180", "< 200", "> ACK", "> INVITE", "< 100?", "< 200", "> ACK", "< INVITE", "> 200+", "< ACK",
                  "> BYE", "< 200"],
         ["< INVITE", "> 180", "> 200+", "< ACK", "< INVITE", "> 200+", "< ACK", "> INVITE", "< 100?", "< 200", "> ACK",
          "< BYE", "> 200"])


def cancelled(server):
    """alice gives up while bob's phone rings"""
    restart_with(server, "[calls]\nmissed_notes = false\n")
    play(server, [*CHALLENGED, "< 180", "> CANCEL", "< 200", "< 487", "> ACK"],
         ["< INVITE", "> 180", "< CANCEL", "> 200", "> 487", "< ACK"])


def busy(server):
    """bob is busy"""
    play(server, [*CHALLENGED, "< 486", "> ACK"], ["< INVITE", "> 486", "< ACK"])


def redirected(server):
    """bob's phone sends alice to carol"""
    play(server, [*CHALLENGED, "< 302", "> ACK"], ["< INVITE", "> 302", "< ACK"])


def lost_ack(server):
    """alice's ACK is lost: bob's second 200 reaches her, and her second ACK him"""
    play(server, [*CHALLENGED, "< 200", "< 200", "> ACK", "> BYE", "< 200"],
         ["< INVITE", "> 200+", "~ 50", "> 200+", "< ACK", "< BYE", "> 200"], "-nr")  # or SIPp takes the second for a copy


run([answered, early_media, reinvite, cancelled, busy, redirected, lost_ack])
