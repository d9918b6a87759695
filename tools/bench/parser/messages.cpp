#include "tools/bench/parser/messages.hpp"

#include <string_view>

namespace beckon::bench {

namespace {

/// LF becomes CRLF in the whole text; "@" behind Content-Length becomes the size of the body.
std::string finished(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  const auto body = out.find("\r\n\r\n") + 4;
  return out.replace(out.find('@', out.find("Content-Length:")), 1, std::to_string(out.size() - body));
}

constexpr std::string_view register_text = R"(REGISTER sip:example.org SIP/2.0
Via: SIP/2.0/TLS 192.0.2.17:49152;branch=z9hG4bK1b5ce023e84dda27;rport;alias
Max-Forwards: 70
To: <sip:alice@example.org>
From: <sip:alice@example.org>;tag=8ea312b7e72c3eaa
Call-ID: d7f4406a81c7084d-3b1f@192.0.2.17
CSeq: 4246 REGISTER
Contact: <sip:alice@192.0.2.17:49152;transport=tls;ob>;reg-id=1;+sip.instance="<urn:uuid:0c67446e-f1a1-11d9-94d3-000a95a0e128>"
Authorization: Digest username="alice", realm="example.org", nonce="awEUlmsBE2oFqLsKCoN0ycCk9ixKhUga", uri="sip:example.org", response="35fe02a76d9dfb4b8bf6d4434f2faeff", cnonce="480fa809166c4848", qop=auth, nc=00000001, algorithm=MD5
Supported: path, outbound, gruu
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, SUBSCRIBE, INFO, MESSAGE, REFER, UPDATE
Expires: 600
User-Agent: Parlour/4.2 (Linux; x86_64)
Content-Length: @

)";

constexpr std::string_view unauthorized_text = R"(SIP/2.0 401 Unauthorized
Via: SIP/2.0/TLS edge1.example.org:5061;branch=z9hG4bK.s1.77aa0d20c7e1b387
Via: SIP/2.0/TLS 192.0.2.17:49152;branch=z9hG4bK1b5ce023e84dda27;rport=49152;alias;received=192.0.2.17
To: <sip:alice@example.org>;tag=b27e1a1d33761e85846fc98f5f3a7e58.1fd2
From: <sip:alice@example.org>;tag=8ea312b7e72c3eaa
Call-ID: d7f4406a81c7084d-3b1f@192.0.2.17
CSeq: 4245 REGISTER
WWW-Authenticate: Digest realm="example.org", nonce="awEUlmsBE2oFqLsKCoN0ycCk9ixKhUga", qop="auth", algorithm=MD5
Server: beckond
Content-Length: @

)";

constexpr std::string_view registered_text = R"(SIP/2.0 200 OK
Via: SIP/2.0/TLS edge1.example.org:5061;branch=z9hG4bK.s1.77aa0d20c7e1b388
Via: SIP/2.0/TLS 192.0.2.17:49152;branch=z9hG4bK1b5ce023e84dda28;rport=49152;alias;received=192.0.2.17
To: <sip:alice@example.org>;tag=b27e1a1d33761e85846fc98f5f3a7e58.9c01
From: <sip:alice@example.org>;tag=8ea312b7e72c3eaa
Call-ID: d7f4406a81c7084d-3b1f@192.0.2.17
CSeq: 4246 REGISTER
Contact: <sip:alice@192.0.2.17:49152;transport=tls;ob>;expires=600;reg-id=1;+sip.instance="<urn:uuid:0c67446e-f1a1-11d9-94d3-000a95a0e128>"
Contact: <sip:alice@198.51.100.4:5060>;expires=312;q=0.5
Supported: path, outbound
Require: outbound
Date: Sat, 21 Nov 2026 04:00:00 GMT
Server: beckond
Content-Length: @

)";

constexpr std::string_view subscribe_text = R"(SUBSCRIBE sip:bob@example.org SIP/2.0
Via: SIP/2.0/TCP 192.0.2.17:49153;branch=z9hG4bKnashds7a8f3;rport
Max-Forwards: 70
Route: <sip:edge1.example.org;transport=tcp;lr>
To: "Bob" <sip:bob@example.org>
From: "Alice" <sip:alice@example.org>;tag=12341234
Call-ID: 12345678-9abc-def0@alice-laptop.example.org
CSeq: 1 SUBSCRIBE
Contact: <sip:alice@192.0.2.17:49153;transport=tcp;ob>
Event: presence
Accept: application/pidf+xml, application/pidf-diff+xml;q=0.8, multipart/related
Expires: 3600
Supported: eventlist, gruu
User-Agent: Parlour/4.2 (Linux; x86_64)
Content-Length: @

)";

constexpr std::string_view notify_text = R"(NOTIFY sip:alice@192.0.2.17:49153;transport=tcp;ob SIP/2.0
Via: SIP/2.0/TCP 203.0.113.9:5060;branch=z9hG4bK.s1.4f6a9d20c7e1b385;rport
Via: SIP/2.0/UDP 203.0.113.20:5060;branch=z9hG4bK.s0.90ab44d1e6f2c733;received=203.0.113.20
Max-Forwards: 69
Record-Route: <sip:203.0.113.9;transport=tcp;lr;ftag=ffd2>
From: "Bob" <sip:bob@example.org>;tag=ffd2
To: "Alice" <sip:alice@example.org>;tag=12341234
Call-ID: 12345678-9abc-def0@alice-laptop.example.org
CSeq: 2 NOTIFY
Contact: <sip:203.0.113.20:5060>
Event: presence
Subscription-State: active;expires=3599
Content-Type: application/pidf+xml;charset=UTF-8
User-Agent: beckond
Content-Length: @

<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="pres:bob@example.org">
 <tuple id="t7f3a">
  <status><basic>open</basic></status>
  <contact priority="0.8">sip:bob@198.51.100.4</contact>
  <note xml:lang="en">In the garden until noon</note>
  <timestamp>2026-11-21T04:00:00Z</timestamp>
 </tuple>
 <dm:person id="p1"><rpid:activities><rpid:away/></rpid:activities></dm:person>
</presence>
)";

constexpr std::string_view publish_text = R"(PUBLISH sip:bob@example.org SIP/2.0
Via: SIP/2.0/UDP 198.51.100.4:5060;branch=z9hG4bK652hsge;rport
Max-Forwards: 70
To: <sip:bob@example.org>
From: <sip:bob@example.org>;tag=1234wxyz
Call-ID: 98798798@pua.example.org
CSeq: 7 PUBLISH
Event: presence
Expires: 600
SIP-If-Match: dx200xyz.41
Proxy-Authorization: Digest username="bob", realm="example.org", nonce="bwEUn2sBE3NcNqkdluzFU8NOYs", uri="sip:bob@example.org", response="62316687634f5ddbf466d859fd4a7b7e", cnonce="885948dc79371e68", qop=auth, nc=00000004
User-Agent: Softly 1.9.3
Content-Type: application/pidf+xml
Content-Length: @

<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:bob@example.org">
 <tuple id="a1"><status><basic>open</basic></status><contact>sip:bob@198.51.100.4</contact></tuple>
</presence>
)";

constexpr std::string_view message_text = R"(MESSAGE sip:bob@198.51.100.4:5060 SIP/2.0
Via: SIP/2.0/TLS edge1.example.org:5061;branch=z9hG4bK.s1.77aa0d20c7e1b385
v: SIP/2.0/TLS 192.0.2.17:49152;branch=z9hG4bK776sgdkse;rport=49152;received=192.0.2.17
Max-Forwards: 69
Route: <sip:core2.example.org;transport=tls;lr>, <sip:pop7.example.org;transport=tls;lr>
f: "Alice Liddell" <sip:alice@example.org>;tag=49583
t: <sip:bob@example.org>
i: asd88asd77a@192.0.2.17
CSeq: 1 MESSAGE
P-Asserted-Identity: "Alice Liddell" <sip:alice@example.org>
Date: Sat, 21 Nov 2026 04:00:01 GMT
c: text/plain
Content-Length: @

Curiouser and curiouser! The train leaves at a quarter past seven; I keep a seat for you.)";

constexpr std::string_view accepted_text = R"(SIP/2.0 200 OK
Via: SIP/2.0/TLS edge1.example.org:5061;branch=z9hG4bK.s1.77aa0d20c7e1b385;received=203.0.113.9
Via: SIP/2.0/TLS 192.0.2.17:49152;branch=z9hG4bK776sgdkse;rport=49152;received=192.0.2.17
From: "Alice Liddell" <sip:alice@example.org>;tag=49583
To: <sip:bob@example.org>;tag=ab8asdasd9
Call-ID: asd88asd77a@192.0.2.17
CSeq: 1 MESSAGE
Content-Length: @

)";

constexpr std::string_view invite_text = R"(INVITE sip:bob@example.org SIP/2.0
Via: SIP/2.0/UDP pc33.example.org:5060;branch=z9hG4bK776asdhds;rport
Max-Forwards: 70
Route: <sip:edge1.example.org;lr>
To: Bob <sip:bob@example.org>
From: Alice <sip:alice@example.org>;tag=1928301774
Call-ID: a84b4c76e66710@pc33.example.org
CSeq: 314159 INVITE
Contact: <sip:alice@pc33.example.org:5060>;+sip.instance="<urn:uuid:0c67446e-f1a1-11d9-94d3-000a95a0e128>"
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, SUBSCRIBE, INFO, MESSAGE, REFER, UPDATE, PRACK
Supported: replaces, 100rel, timer, norefersub
Session-Expires: 1800
Min-SE: 90
User-Agent: Parlour/4.2 (Linux; x86_64)
Content-Type: application/sdp
Content-Length: @

v=0
o=alice 2890844526 2890844526 IN IP4 pc33.example.org
s=-
c=IN IP4 192.0.2.17
t=0 0
m=audio 49172 RTP/AVP 96 0 8 101
a=rtpmap:96 opus/48000/2
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
)";

constexpr std::string_view answered_text = R"(SIP/2.0 200 OK
Via: SIP/2.0/UDP edge1.example.org;branch=z9hG4bK4b43c2ff8.1;received=203.0.113.9
Via: SIP/2.0/UDP pc33.example.org:5060;branch=z9hG4bK776asdhds;rport=5060;received=192.0.2.17
Record-Route: <sip:edge1.example.org;lr;ftag=1928301774>
To: Bob <sip:bob@example.org>;tag=a6c85cf
From: Alice <sip:alice@example.org>;tag=1928301774
Call-ID: a84b4c76e66710@pc33.example.org
CSeq: 314159 INVITE
Contact: <sip:bob@198.51.100.4:5060>
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE
Supported: replaces, timer
Server: Softly 1.9.3
Content-Type: application/sdp
Content-Length: @

v=0
o=bob 2890844527 2890844527 IN IP4 198.51.100.4
s=-
c=IN IP4 198.51.100.4
t=0 0
m=audio 3456 RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
)";

}  // namespace

std::vector<Sample> make_messages() {
  return {{"register", finished(register_text)},     {"401", finished(unauthorized_text)},
          {"registered", finished(registered_text)}, {"subscribe", finished(subscribe_text)},
          {"notify", finished(notify_text)},         {"publish", finished(publish_text)},
          {"message", finished(message_text)},       {"accepted", finished(accepted_text)},
          {"invite", finished(invite_text)},         {"answered", finished(answered_text)}};
}

}  // namespace beckon::bench
