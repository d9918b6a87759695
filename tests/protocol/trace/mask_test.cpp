#include "protocol/trace/mask.hpp"

#include <doctest/doctest.h>

using namespace beckon;

TEST_CASE("secrets are replaced, everything else stays") {
  struct Row {
    std::string_view text, masked;
  };
  const Row rows[] = {
      // Digest (RFC 7616 3.4)
      {"Authorization: Digest username=\"bob\", nonce=\"84a\", uri=\"sip:b\", response=\"42ce\", nc=00000001",
       "Authorization: Digest username=\"bob\", nonce=\"84a\", uri=\"sip:b\", response=***, nc=00000001"},
      {"Proxy-Authorization: Digest cnonce=\"0a4f\",response=42ce,realm=\"r\"",
       "Proxy-Authorization: Digest cnonce=***,response=***,realm=\"r\""},
      {"AUTHORIZATION : digest RESPONSE = \"42ce\"", "AUTHORIZATION : digest RESPONSE = ***"},
      {"Authorization: Digest\r\n realm=\"r\",\r\n response=\r\n \"42ce\"\r\nVia: v",
       "Authorization: Digest\r\n realm=\"r\",\r\n response=\r\n ***\r\nVia: v"},
      {"Authentication-Info: rspauth=\"6629\", cnonce=\"0a\", nextnonce=\"n\"",
       "Authentication-Info: rspauth=***, cnonce=***, nextnonce=\"n\""},
      {"response=\"a\\\"b\", x=1", "response=***, x=1"},
      {"response=\"never ends", "response=***"},
      {"auts=\"CX3\"", "auts=***"},
      {"the-response=\"no parameter of ours\"", "the-response=\"no parameter of ours\""},
      {"realm=\"a response\"", "realm=\"a response\""},
      // Other schemes (RFC 7617, 6750)
      {"Via: v\r\nAuthorization: Basic Ym9iOnpvb21h\r\nTo: t", "Via: v\r\nAuthorization: Basic ***\r\nTo: t"},
      {"Authorization: Bearer\r\n eyJ\r\n\tabc\r\nTo: t", "Authorization: Bearer\r\n ***\r\nTo: t"},
      {"Authorization: Ym9i\nTo: t", "Authorization: ***\nTo: t"},
      {"Authorization:\r\nTo: t", "Authorization:\r\nTo: t"},
      {"X-Authorization: Basic of another header", "X-Authorization: Basic of another header"},
      // Direct sessions (DIRECT_SESSIONS 2, 3.3, 11)
      {"<d:direct><d:secret>AAECAw==</d:secret><d:key>k</d:key></d:direct>",
       "<d:direct><d:secret>***</d:secret><d:key>k</d:key></d:direct>"},
      {"<x:grant><x:ticket>oKGi</x:ticket><x:psk>SzqN</x:psk></x:grant>", "<x:grant>***</x:grant>"},
      {"<psk xmlns=\"u\" a='>'\n>SzqN</psk\n>", "<psk xmlns=\"u\" a='***'\n>***</psk\n>"},
      {"<secret><![CDATA[AAEC]]><!-- </x> --></secret>", "<secret>***</secret>"},
      {"<d:secret/><d:note>n</d:note>", "<d:secret/><d:note>n</d:note>"},
      {"<d:ticket>cut he", "<d:ticket>***"},
      {"<secrets>no</secrets>", "<secrets>no</secrets>"},
      // Broken start tags: everything after the name.
      {"<d:secret a='>KEY</d:secret><d:note/>", "<d:secret***</d:secret><d:note/>"},
      {"<d:secret a='>KEY</d:secret><d:note b='c'/>", "<d:secret***</d:secret><d:note b='c'/>"},
      {"<d:secret a=\">KEY", "<d:secret***"},
      {"<d:secret a=b>KEY</d:secret>", "<d:secret***</d:secret>"},
      {"<d:secret a=b/>KEY</d:secret>", "<d:secret***</d:secret>"},
      {"<d:secret/ >KEY</d:secret>", "<d:secret***</d:secret>"},
      {"<d:secret\f>KEY</d:secret>", "<d:secret***</d:secret>"},
      {"<d:secret <d:note>KEY</d:secret>", "<d:secret***</d:secret>"},
      {"< d:secret>KEY</d:secret>", "< d:secret>***</d:secret>"},
      {"<d:secret", "<d:secret"},
      {"<d:secret a='KE", "<d:secret***"},
      // End tags that are none, or not its own.
      {"<secret><![CDATA[</secret>KEY]]></secret>", "<secret>***</secret>"},
      {"<secret><!-- </secret> -->KEY</secret>", "<secret>***</secret>"},
      {"<secret><![CDATA[</secret>KEY", "<secret>***"},
      {"<secret>A<secret a=\"b\">B</secret><secret/>KEY</secret>n", "<secret>***</secret>n"},
      {"<a:secret>A</b:secret>KEY</a:secret>", "<a:secret>***</a:secret>"},
      {"<secret>A</secretive>KEY</secret>", "<secret>***</secret>"},
      {"<secret>A</ secret>KEY", "<secret>***"},
      // Around and inside.
      {"<!-- <secret>KEY</secret> --><![CDATA[<psk>KEY</psk>]]>",
       "<!-- <secret>***</secret> --><![CDATA[<psk>***</psk>]]>"},
      {"<secret>KE&#89;&lt;</secret>", "<secret>***</secret>"},
      {"&lt;d:secret&gt;KEY&lt;/d:secret&gt;", "&lt;d:secret***&lt;/d:secret&gt;"},
      {"&lt;psk&gt;KEY", "&lt;psk***"},
      {"<D:SECRET>KEY</D:Secret>", "<D:SECRET>***</D:Secret>"},
      // In attributes.
      {"<d:secret value=\"KEY\"/>", "<d:secret value=\"***\"/>"},
      {"<d:direct secret='KEY MORE' psk=\"KEY\" />", "<d:direct secret=*** psk=*** />"},
      {"response='a, b'", "response=***"},
      {"response='a, cnonce=b", "response=***, cnonce=***"},
      {"Direct-Session: call=0a;tag=0b;epoch=0c;proof=5ef066a6",
       "Direct-Session: call=0a;tag=0b;epoch=0c;proof=***"},
      // SDP (RFC 4568, 8866 5.12, 8839)
      {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNf|2^20|1:4 FEC_ORDER=FEC_SRTP",
       "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***|2^20|1:4 FEC_ORDER=FEC_SRTP"},
      {"a=crypto:1 F inline:AAAA;INLINE:BBBB\r\n", "a=crypto:1 F inline:***;INLINE:***\r\n"},
      {"v=0\r\nk=clear:pass word\r\na=key-mgmt:mikey AQAF\r\n", "v=0\r\nk=***\r\na=key-mgmt:***\r\n"},
      {"a=ice-ufrag:8hhY\na=ice-pwd:asd88fgpdd777uzjYhagZg\n", "a=ice-ufrag:8hhY\na=ice-pwd:***\n"},
      {"a=fingerprint:sha-256 AB:CD", "a=fingerprint:sha-256 AB:CD"},
      // URIs (RFC 3261 19.1.1, RFC 3986 3.2.1)
      {"INVITE sip:bob:zooma@biloxi.com SIP/2.0", "INVITE sip:bob:***@biloxi.com SIP/2.0"},
      {"<SIPS:bob:a;b@c@biloxi.com:5061;x=y>", "<SIPS:bob:***@biloxi.com:5061;x=y>"},
      {"<sip:biloxi.com:5060>, <sip:bob@biloxi.com>", "<sip:biloxi.com:5060>, <sip:bob@biloxi.com>"},
      {"Call-Info: <http://user:pw@example.org/>", "Call-Info: <http://user:***@example.org/>"},
      {"sip:x?password=zooma", "sip:x?password=***"},
      {"", ""},
      {"=", "="},
      {"response=", "response="},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(trace::mask(row.text) == row.masked);
    CHECK(trace::mask(row.masked) == row.masked);
  }
}

TEST_CASE("a message cut anywhere shows no more of a secret than whole") {
  const std::string_view text =
      "REGISTER sip:bob:zooma@example.org SIP/2.0\r\nAuthorization: Digest username=\"bob\", "
      "response=\"42ce\"\r\n"
      "Proxy-Authorization: Basic zooma\r\n\r\nk=zooma\r\na=crypto:1 F "
      "inline:zooma|2\r\n<d:secret>zooma</d:secret>";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const auto masked = trace::mask(text.substr(0, size));
    CAPTURE(masked);
    CHECK(masked.find("42") == std::string::npos);
    // A URI whose '@' has not come is not known to hold a password.
    if (size > text.find('@')) CHECK(masked.find("zoo") == std::string::npos);
  }
}

TEST_CASE("hostile repetitions are masked in one pass") {
  // Each takes quadratic time in a scanner that begins anew at every hit, which would not end.
  constexpr std::size_t octets = 2 << 20;
  for (const std::string_view piece :
       {"Authorization: Basic x\r\n ", "<secret '", "<d:secret>", "sip:", "response=\"", "= ",
        "inline:", "<secret/>", "<secret a='", "<secret a='b' ", "<secret><!--", "<secret></secret>", "<psk ",
        "&lt;psk", "secret='", "< "}) {
    std::string text;
    while (text.size() < octets) text += piece;
    CAPTURE(piece);
    CHECK(trace::mask(text).size() <= text.size() * 2);
  }
}

TEST_CASE("secrets of direct sessions alone are replaced where that is asked for") {
  CHECK(trace::mask_direct_secrets("response=1\r\n<d:secret>AAEC</d:secret><psk>x</psk>") ==
        "response=1\r\n<d:secret>***</d:secret><psk>***</psk>");
  CHECK(trace::mask_direct_secrets("") == "");
}

TEST_CASE("bodies with secrets of direct sessions are recognised") {
  CHECK(
      trace::may_hold_direct_secrets("...xmlns:d=\"urn:beckon:params:xml:ns:direct:1\">...</presence>\r\n"));
  CHECK(trace::may_hold_direct_secrets("...urn:beckon:params:xml:ns:direct:1...\r\n--b--"));
  CHECK_FALSE(trace::may_hold_direct_secrets("<presence>urn:ietf:params:xml:ns:pidf</presence>"));
  CHECK_FALSE(trace::may_hold_direct_secrets("Content-Length: 0\r\n\r\n"));
  CHECK_FALSE(trace::may_hold_direct_secrets("\r\n"));
  CHECK_FALSE(trace::may_hold_direct_secrets(""));
}
