#include "protocol/sip/header_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <vector>

#include "exercise.hpp"
#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::sip;

namespace {

/// Values of one header field that are read, and that are refused.
struct Examples {
  HeaderId id;
  std::vector<std::string_view> good;
  std::vector<std::string_view> bad;
};

const std::vector<Examples>& examples() {
  using enum HeaderId;
  static const std::vector<Examples> all{
      {other, {"", "anything ;; at \"all"}, {}},
      {accept,
       {"application/sdp;level=1, application/x-private, text/html", "", "*/*;q=0.1", "text/*",
        "text / html"},
       {"text", "*/html", "text/html;q=2", "text/html,,text/plain", "text/html,", "text/html;", "/"}},
      {accept_contact,
       {"*;mobility=\"mobile\";methods=\"INVITE\"", "*;audio;require;explicit", "*;q=0.5", "*"},
       {"sip:a@b", "*;require=yes", "*;audio;audio", "*;mobility=mobile", "*;explicit;explicit", ""}},
      {accept_encoding, {"gzip", "", "compress;q=0.5, gzip;q=1.0", "*"}, {"gz ip", "gzip;q=1.1", "gzip;q"}},
      {accept_language,
       {"da, en-gb;q=0.8, en;q=0.7", "*", "", "es-419"},
       {"d4", "en-", "en_gb", "englishlanguage", "en;q=.5"}},
      {alert_info,
       {"<http://www.example.com/sounds/moo.wav>", "<urn:alert:source:internal>;a=b, <cid:x@y>"},
       {"http://www.example.com/sounds/moo.wav", "<moo.wav>", "<>", "", "<http://a b>"}},
      {allow, {"INVITE, ACK, OPTIONS, CANCEL, BYE", "", "X-Mine"}, {"INVITE ACK", "INVITE;a=b", ", INVITE"}},
      {allow_events, {"presence, presence.winfo", "conference"}, {"", "presence winfo", "a;b"}},
      {answer_mode, {"Manual", "Auto;require", "Auto;x=y"}, {"", "Auto;require=yes", "very auto"}},
      {authentication_info,
       {"nextnonce=\"47364c23432d2e131a5fb210812c\"", "qop=auth, rspauth=\"\", cnonce=\"0a4f\", nc=00000001"},
       {"", "nextnonce", "Digest nextnonce=\"a\"", "nextnonce=\"a"}},
      {authorization,
       {"Digest username=\"bob\", realm=\"a, b\", nonce=\"84a4\", uri=\"sip:a;b\", response=\"7587\"",
        "NoOneKnowsThisScheme opaque-data=here", "Digest  username=\"x\"", "Bearer eyJh.-_~+/="},
       {"", "Digest", "Digest username", "Digest username=\"x\",", "Digest =x", "Di\"gest a=b"}},
      {call_id,
       {"a84b4c76e66710@pc33.atlanta.com", "1j9FpLxk3uxtm8tn@[2001:db8::1]", "a=$1"},
       {"", "a b", "\x01"}},
      {call_info,
       {"<http://wwww.example.com/alice/photo.jpg> ;purpose=icon, <http://a/>;purpose=info", "<sip:a@b>"},
       {"http://a/;purpose=icon", "<http://a/>;purpose=", "<http://a/", "photo.jpg"}},
      {contact,
       {"\"Mr. Watson\" <sip:watson@worcester.bell-telephone.com> ;q=0.7; expires=3600, "
        "\"Mr. Watson\" <mailto:watson@bell-telephone.com> ;q=0.1",
        "*", "sip:a@b;expires=5",
        "<sip:a@b>;+sip.instance=\"<urn:uuid:0C67446E-F1A1-11D9-94D3-000A95A0E128>\"",
        "<sip:a@b;ob>;reg-id=1;pub-gruu=\"sip:a@b;gr=urn:uuid:f\";temp-gruu=\"sip:t@b;gr\"",
        "<sip:a@b>;audio;video;methods=\"INVITE,BYE\";+sip.message=\"TRUE\";description=\"<PC>\"",
        "<sip:a@b>;duplex=\"!full\";priority=\"#>=3,#1:10\";+g.x=\"#=-1.5\"", "<tel:+1-201-555-0123>"},
       {"", "<sip:a@b", "<sip:a@b>;q=2", "<sip:a@b>;expires=soon", "<sip:a@b>;expires=-1", "*, <sip:a@b>",
        "<sip:a@b>;reg-id=0", "<sip:a@b>;reg-id=2147483648", "<sip:a@b>;+sip.instance=urn:uuid:f",
        "<sip:a@b>;pub-gruu=\"a b\"", "<sip:a@b>;methods=INVITE", "<sip:a@b>;audio;audio", "sip:a@b?Route=x",
        "<sip:a@b>;priority=\"#~3\"", "<sip:a@b>;language=\"en,\"", "<sip:a@b>;description=\"<a>b>\"",
        "<sip:a@b>;+-x", "<sip:a@b>;q=0.1;q=0.2"}},
      {content_disposition,
       {"session", "attachment; filename=smime.p7s; handling=required", "icon;handling=other"},
       {"", "session;handling", "a b", "session;;"}},
      {content_encoding, {"gzip", "deflate, gzip"}, {"", "gz ip", "gzip,"}},
      {content_language, {"fr", "en-US, i-klingon"}, {"", "*", "en us", "1"}},
      {content_length, {"0", "349", "007"}, {"", "-1", "+1", "1 2", "0x10", "4294967296", "1;a"}},
      {content_type,
       {"application/sdp", "text/html; charset=ISO-8859-4", "multipart/mixed;boundary=\"a b\""},
       {"", "text", "text/*", "text/html; charset", "text/html;", "a/b, c/d"}},
      {cseq,
       {"4711 INVITE", "0 ACK", "2147483647   X-Mine"},
       {"", "4711", "INVITE 4711", "2147483648 INVITE", "-1 INVITE", "1 IN VITE"}},
      {date,
       {"Sat, 13 Nov 2010 23:29:00 GMT", "Thu, 29 Feb 2024 00:00:00 GMT"},
       {"", "Sat, 13 Nov 2010 23:29:00 EST", "Sat, 13 Nov 2010 23:29 GMT", "Thu, 29 Feb 2023 00:00:00 GMT",
        "Xyz, 13 Nov 2010 23:29:00 GMT", "Sat, 13 Nov 2010 24:00:00 GMT", "Saturday, 13-Nov-10 23:29:00 GMT",
        "2010-11-13T23:29:00Z", "Sat, 13 Nov 2010 23:29:00 +000"}},
      {error_info, {"<sip:not-in-service-recording@atlanta.com>"}, {"", "sip:a@b", "<a>"}},
      {event,
       {"presence", "presence.winfo;id=ab", "dialog;call-id=\"a\";from-tag=x",
        "presence;max-rate=0.05;min-rate=1", "presence;adaptive-min-rate=2.0"},
       {"", "pre sence", "presence;id=", "presence;max-rate=fast", "presence;max-rate=100",
        "presence;min-rate=1."}},
      {expires, {"0", "5", "4294967296"}, {"", "-1", "soon", "Thu, 01 Dec 1994 16:00:00 GMT", "5;a"}},
      {flow_timer, {"120"}, {"", "-1", "2m"}},
      {from,
       {"\"A. G. Bell\" <sip:agb@bell-telephone.com> ;tag=a48s",
        "sip:+12125551212@server.phone2net.com;tag=887s", "Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=hyh8",
        "<sip:a@[2001:db8::1]>"},
       {"", "<sip:a@b>, <sip:c@d>", "<sip:a@b>;tag=", "<sip:a@b>;tag=\"x y\"", "<sip:a@b>;tag=1;tag=2",
        "\"a <sip:a@b>", "alice"}},
      {in_reply_to, {"70710@saturn.bell-tel.com, 17320@saturn.bell-tel.com", "a"}, {"", "a,,b", "a b", "a,"}},
      {HeaderId::join,
       {"12345600@atlanta.example.com;from-tag=1234567;to-tag=23431"},
       {"", "a", "a;to-tag=1", "a;from-tag=1;to-tag=2;to-tag=3", "a b;to-tag=1;from-tag=2"}},
      {max_breadth, {"60", "0"}, {"", "-1", "many", "4294967296"}},
      {max_forwards, {"70", "0", "255"}, {"", "256", "-1", "seventy", "7 0"}},
      {mime_version, {"1.0"}, {"", "1", "1.", ".0", "one.zero", "1.0.0"}},
      {min_expires, {"60"}, {"", "-60", "1m"}},
      {min_se, {"60", "90;lr"}, {"", "x", "60;", ";lr"}},
      {organization, {"Boxes by Bob", "", "\xc3\x84rzte"}, {"\xff", "a\x01z"}},
      {p_access_network_info,
       {"IEEE-802.11",
        "3GPP-UTRAN-TDD;utran-cell-id-3gpp=234151D0FCE11, ADSL;dsl-location=\"a b\";network-provided"},
       {"", "\"x\"", "3GPP;=1", "a b"}},
      {p_asserted_identity,
       {"\"Cullen Jennings\" <sip:fluffy@cisco.com>, tel:+14085264000", "sip:a@b"},
       {"", "Cullen", "<sip:a@b", "sip:a@b,"}},
      {p_associated_uri, {"<sip:a@b>, <tel:+1>;x=y", ""}, {"sip:a@b", "<sip:a@b>,", "a"}},
      {p_called_party_id,
       {"<sip:user1-business@example.com>", "\"B\" <sip:b@c>;p"},
       {"", "sip:a@b", "<sip:a@b>, <sip:c@d>"}},
      {p_charging_function_addresses,
       {"ccf=192.0.8.1; ecf=192.0.8.3", "ccf=192.0.8.1, ecf=\"[2001:db8::1]\""},
       {"", ";ccf=1", "ccf=", "ccf=1;;ecf=2", "=1"}},
      {p_charging_vector,
       {"icid-value=1234bc9876e;icid-generated-at=192.0.6.8;orig-ioi=home1.net", "icid-value=\"a b\""},
       {"", "orig-ioi=home1.net", "icid-value", "icid-value=", "orig-ioi=a;icid-value=b"}},
      {p_preferred_identity, {"\"Cullen Jennings\" <sip:fluffy@cisco.com>"}, {"", "Cullen", "<>"}},
      {p_visited_network_id,
       {"other.net, \"Visited network number 1\"", "a;b=c"},
       {"", "Visited network", "\"open", "a,,b"}},
      {path,
       {"<sip:P3.EXAMPLEHOME.COM;lr>,<sip:P1.EXAMPLEVISITED.COM;lr>"},
       {"", "sip:a;lr", "<sip:a;lr>,", "<a>"}},
      {priority, {"emergency", "x-mine"}, {"", "very urgent", "a;b"}},
      {priv_answer_mode, {"Auto;require", "Manual"}, {"", "Auto;require=1", "Auto,Manual"}},
      {privacy, {"id", "header; user;critical"}, {"", "id;", "id header", "id,none", "\"id\""}},
      {proxy_authenticate,
       {"Digest realm=\"atlanta.com\", domain=\"sip:ss1.carrier.com\", qop=\"auth\", nonce=\"f84f\", "
        "opaque=\"\", "
        "stale=FALSE, algorithm=MD5"},
       {"", "Digest", "Digest realm=\"a", "Digest realm", "Digest realm=\"a\" nonce=\"b\""}},
      {proxy_authentication_info, {"nextnonce=\"a\", qop=auth"}, {"", "nextnonce", "a b=c"}},
      {proxy_authorization,
       {"Digest username=\"Alice\", realm=\"atlanta.com\", nonce=\"c60f3082ee1212b402a21831ae\", "
        "response=\"245f\""},
       {"", "Digest", "Digest username=\"Alice", "username=\"Alice\""}},
      {proxy_require, {"foo", "foo, bar"}, {"", "foo bar", "foo;a"}},
      {rack,
       {"776656 1 INVITE", "1   0  X"},
       {"", "776656 INVITE", "0 1 INVITE", "1 2", "1 2147483648 INVITE", "1 2 A B"}},
      {reason,
       {"SIP ;cause=200 ;text=\"Call completed elsewhere\"", "Q.850;cause=16, SIP;cause=600"},
       {"", "SIP;cause=busy", "SIP;text=gone", "a b;cause=1", "SIP;cause=1;cause=2"}},
      {record_route,
       {"<sip:server10.biloxi.com;lr>, <sip:bigbox3.site3.atlanta.com;lr>"},
       {"", "sip:a;lr", "<sip:a;lr>,"}},
      {refer_sub, {"false", "TRUE;x=y"}, {"", "no", "false;", "true,false"}},
      {refer_to,
       {"<sip:dave@denver.example.org?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-"
        "3994>",
        "sip:alice@atlanta.example.com", "<http://www.ietf.org>"},
       {"", "(some different URI)", "<sip:a@b>, <sip:c@d>", "sip:a@b?x=y"}},
      {referred_by,
       {"<sip:r@ref.example>;cid=\"20398823.2UWQFN309shb3@ref.example\"", "sip:a@b"},
       {"", "a", "<sip:a@b>;"}},
      {reject_contact,
       {"*;actor=\"msg-taker\";video", "*;+sip.extensions=\"a,b\""},
       {"", "sip:a", "*;actor=x", "*;video;video"}},
      {replaces,
       {"98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff",
        "a@[2001:db8::1];to-tag=12345;from-tag=54321;early-only"},
       {"", "a;to-tag=1", "a;to-tag=1;from-tag=2;from-tag=3", "a;to-tag=;from-tag=1",
        "a;to-tag=1;from-tag=2;early-only=1"}},
      {reply_to, {"Bob <sip:bob@biloxi.com>", "sip:a@b"}, {"", "Bob", "<sip:a@b>, <sip:c@d>"}},
      {request_disposition,
       {"proxy", "proxy, recurse, parallel", "No-Fork"},
       {"", "maybe", "proxy;a", "proxy recurse"}},
      {require, {"100rel", "path, outbound"}, {"", "100 rel", "100rel,,path", ",", "a;b"}},
      {retry_after,
       {"18000;duration=3600", "120 (I'm in a (long) meeting)", "5", "4294967296"},
       {"", "soon", "5 (open", "5;duration=long", "5 comment", "-5", "5;"}},
      {route,
       {"<sip:bigbox3.site3.atlanta.com;lr>, <sip:server10.biloxi.com;lr>"},
       {"", "sip:a;lr", "<sip:a;lr>,", "<sip:a@>"}},
      {rseq, {"988789", "1", "4294967295"}, {"", "0", "4294967296", "-1", "one"}},
      {server,
       {"HomeServer v2", "Kamailio/5.6 (x86_64/linux)", "a / 1.0 (b (c) \\) d)(e)"},
       {"", "/1.0", "a (open", "a,b", "a/"}},
      {service_route,
       {"<sip:P2.HOME.EXAMPLE.COM;lr>, <sip:HSP.HOME.EXAMPLE.COM;lr>"},
       {"", "sip:a;lr", "<sip:a;lr>,"}},
      {session_expires,
       {"4000;refresher=uac", "90", "1800;REFRESHER=UAS;x"},
       {"", "x", "90;refresher=me", "90;refresher", "90 ;"}},
      {sip_etag, {"dx200xyz", "a.1795232609.20084.1.0"}, {"", "a b", "\"a\"", "a,b"}},
      {sip_if_match, {"dx200xyz"}, {"", "a b", "a;b"}},
      {subject, {"Need more boxes", "", "A; \"b\", c"}, {"\x01", "\xc3"}},
      {subscription_state,
       {"active;expires=60", "terminated;reason=rejected", "pending",
        "terminated;reason=giveup;retry-after=5;x=y"},
       {"", "active;expires=soon", "a b", "terminated;retry-after=", "active;reason=\"a b\"",
        "active;expires=1;expires=2"}},
      {supported, {"100rel", "", "path, gruu, outbound"}, {"100 rel", "a,,b", "a;b"}},
      {suppress_if_match, {"*", "ega23"}, {"", "a b", "*, a"}},
      {target_dialog,
       {"fa77as7dad8-sd98ajzz@host.example.com;local-tag=kkaz-;remote-tag=6544"},
       {"", "a;local-tag=1", "a;to-tag=1;from-tag=2"}},
      {timestamp, {"54", "54.21 0.5", "1. .5"}, {"", ".5", "now", "1.2.3", "1 2 3"}},
      {to,
       {"The Operator <sip:operator@cs.columbia.edu>;tag=287447", "sip:+12125551212@server.phone2net.com",
        "sips:a@b"},
       {"", "<sip:a@b>;tag=", "\"Operator <sip:a@b>", "a@b", "<sip:a@b>, <sip:c@d>", "<sip:a b@c>"}},
      {unsupported, {"foo", "foo, bar"}, {"", "foo bar", "foo,"}},
      {user_agent,
       {"Softphone Beta1.5", "baresip v1.0.0 (x86_64/linux)", "PJSUA v2.17-dev Linux-6.1/x86_64/glibc-2.36"},
       {"", "(open", "a;b", "\"quoted\""}},
      {via,
       {"SIP/2.0/UDP erlang.bell-telephone.com:5060;branch=z9hG4bK87asdks7",
        "SIP / 2.0 / UDP first.example.com: 4000;ttl=16"
        " ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1",
        "SIP/2.0/TLS [2001:db8::9:1]:5061;rport;received=[2001:db8::9:255]",
        "SIP/2.0/UDP 192.0.2.1;rport=5060;received=192.0.2.207, SIP/2.0/WSS "
        "df7jal23ls0d.invalid;branch=z9hG4bK56s"},
       {"", "SIP/2.0/UDP", "SIP/1.0/UDP a", "UDP a", "SIP/2.0/UDP a:b", "SIP/2.0/UDP a;;branch=x",
        "SIP/2.0/UDP a;branch=", "SIP/2.0/UDP a;ttl=256", "SIP/2.0/UDP a;rport=x",
        "SIP/2.0/UDP a;received=here", "SIP/2.0/UDP a:65536", "SIP/2.0/UDP a;branch=1;branch=2"}},
      {warning,
       {"307 isi.edu \"Session parameter 'foo' not understood\"",
        "301 [2001:db8::1]:5060 \"a, b\", 399 x:5060 \"\""},
       {"", "307 isi.edu", "30 isi.edu \"x\"", "307 \"x\"", "307 isi.edu x", "307isi.edu \"x\"",
        "307 a:b \"x\""}},
      {www_authenticate,
       {"Digest realm=\"atlanta.com\", nonce=\"f84f1cec41e6cbe5aea9c8e88d359\", algorithm=SHA-256, "
        "qop=\"auth,auth-int\""},
       {"", "Digest", "Digest realm=", "realm=\"a\"", "Digest realm=\"a\",,nonce=\"b\""}},
      {direct_session,
       {"call=0011223344556677;tag=aabbcc;epoch=00112233;proof=00112233445566778899aabbccddeeff, call=1"},
       {"", ";call=1", "call=", "call=1,"}},
  };
  return all;
}

std::string_view word(Stands stands) {
  static constexpr std::array<std::string_view, 4> words{"once", "list", "list, may be empty", "one a line"};
  return words[static_cast<std::size_t>(stands)];
}

std::string_view word(Refused refused) {
  static constexpr std::array<std::string_view, 6> words{
      "-", "twice", "wrong", "wrong, twice", "missing, wrong", "missing, wrong, twice"};
  return words[static_cast<std::size_t>(refused)];
}

std::string_view word(Shape shape) {
  static constexpr std::array<std::string_view, 47> words{"as written",
                                                          "text",
                                                          "products",
                                                          "token",
                                                          "tokens",
                                                          "tokens with ;",
                                                          "dispositions",
                                                          "Call-ID",
                                                          "Call-IDs",
                                                          "number",
                                                          "0 to 255",
                                                          "1 to 2^32-1",
                                                          "seconds",
                                                          "Session-Expires",
                                                          "RetryAfter",
                                                          "Timestamp",
                                                          "version",
                                                          "DateTime",
                                                          "media type",
                                                          "media ranges",
                                                          "codings",
                                                          "languages",
                                                          "language tags",
                                                          "token with parameters",
                                                          "true or false",
                                                          "event",
                                                          "subscription state",
                                                          "reasons",
                                                          "networks",
                                                          "access networks",
                                                          "parameters",
                                                          "icid-value and parameters",
                                                          "<URI> with parameters",
                                                          "Warning",
                                                          "Call-ID and tags",
                                                          "Call-ID and tags",
                                                          "feature preferences",
                                                          "CSeq",
                                                          "RAck",
                                                          "AuthValue",
                                                          "AuthValue",
                                                          "Via",
                                                          "NameAddr",
                                                          "NameAddr",
                                                          "NameAddr in <>",
                                                          "NameAddr in <>",
                                                          "Contact"};
  static_assert(words.size() == static_cast<std::size_t>(Shape::contacts) + 1);
  return words[static_cast<std::size_t>(shape)];
}

/// Is every good example read, printed, and read again as the same?
bool is_printed(const Examples& row) {
  return !row.good.empty() && std::ranges::all_of(row.good, [&](std::string_view text) {
    const auto value = parse_header(row.id, text);
    if (!value) return false;
    const auto printed = print(row.id, *value);
    return printed.empty() == text.empty() && equivalent_values(row.id, text, printed);
  });
}

bool is_refused(const Examples& row) {
  return !row.bad.empty() && std::ranges::none_of(row.bad, [&](std::string_view text) {
    return parse_header(row.id, text).has_value();
  });
}

/// The seeds of `fuzz_sip_header` by the shape they are good lines of.
std::map<Shape, std::string> fuzz_seeds() {
  std::map<Shape, std::string> seeds;
  for (const auto& file :
       std::filesystem::directory_iterator(BECKON_TEST_DATA "/../../tools/fuzz/seeds/sip_header")) {
    std::ostringstream text;
    text << std::ifstream(file.path()).rdbuf();
    const std::string line = std::move(text).str();
    const auto [name, value] = cut(line, ':');
    const auto id = parse_header_name(trim(name));
    if (!parse_header(id, value)) continue;
    seeds[header_table[static_cast<std::size_t>(id)].shape] = file.path().filename().string();
  }
  return seeds;
}

}  // namespace

TEST_CASE(
    "each row of the header table has good examples, which are read, printed and read again as the same") {
  REQUIRE(examples().size() == header_count);
  for (std::size_t i = 0; i < header_count; ++i) {
    const auto& row = examples()[i];
    REQUIRE(row.id == header_table[i].id);
    CAPTURE(header_table[i].name);
    CHECK_FALSE(row.good.empty());
    for (const auto text : row.good) {
      CAPTURE(text);
      const auto value = parse_header(row.id, text);
      REQUIRE(value.has_value());
      CHECK(std::holds_alternative<std::monostate>(*value) == (row.id == HeaderId::other));
      if (row.id == HeaderId::other) continue;
      const auto printed = print(row.id, *value);
      CAPTURE(printed);
      const auto again = parse_header(row.id, printed);
      REQUIRE(again.has_value());
      CHECK(print(row.id, *again) == printed);
      CHECK(equivalent_values(row.id, text, printed));
    }
  }
}

TEST_CASE("each row of the header table has bad examples, which are refused") {
  for (const auto& row : examples()) {
    CAPTURE(to_string(row.id));
    CHECK(row.bad.empty() == (row.id == HeaderId::other));
    for (const auto text : row.bad) {
      CAPTURE(text);
      CHECK_FALSE(parse_header(row.id, text).has_value());
    }
  }
}

TEST_CASE(
    "no cut of a good header value crashes its reader, and what it reads of it prints and reads again") {
  for (const auto& row : examples()) {
    for (const auto text : row.good) {
      for (std::size_t size = 0; size <= text.size(); ++size) exercise_header(row.id, text.substr(0, size));
    }
  }
}

TEST_CASE("names and compact forms of the header table are those that messages are indexed by") {
  std::set<char> compact;
  for (std::size_t i = 1; i < header_count; ++i) {
    const auto& row = header_table[i];
    CAPTURE(row.name);
    CHECK(to_string(row.id) == row.name);
    CHECK(parse_header_name(row.name) == row.id);
    if (row.compact == ' ') continue;
    CHECK(compact.insert(row.compact).second);
    CHECK(parse_header_name(std::string(1, row.compact)) == row.id);
    CHECK(parse_header_name(std::string(1, to_upper(row.compact))) == row.id);
  }
  CHECK(std::string(compact.begin(), compact.end()) == "abcdefijklmorstuvx");
}

TEST_CASE("check refuses a message for a header field exactly when the header table says so") {
  const auto refused = [](HeaderId id, const std::vector<std::string>& values) {
    std::string text = "MESSAGE sip:bob@example.org SIP/2.0\r\n";
    const auto add = [&](HeaderId name, std::string_view value) {
      text.append(to_string(name)).append(": ").append(value).append("\r\n");
    };
    const std::vector<std::pair<HeaderId, std::string_view>> usual{
        {HeaderId::via, "SIP/2.0/UDP a;branch=z9hG4bK1"},
        {HeaderId::from, "<sip:alice@example.org>;tag=1"},
        {HeaderId::to, "<sip:bob@example.org>"},
        {HeaderId::call_id, "call@a"},
        {HeaderId::cseq, "1 MESSAGE"}};
    for (const auto& [name, value] : usual) {
      if (name != id) add(name, value);
    }
    for (const auto& value : values) add(id, value);
    const auto message = Message::parse(share(text + "\r\n"));
    return !message || check(*message).has_value();
  };
  for (std::size_t i = 1; i < header_count; ++i) {
    const auto& row = header_table[i];
    CAPTURE(row.name);
    std::string good(examples()[i].good.front());
    if (row.id == HeaderId::cseq) good = "4711 MESSAGE";
    using enum Refused;
    const auto is = [&](std::initializer_list<Refused> values) {
      return std::find(values.begin(), values.end(), row.refused) != values.end();
    };
    CHECK_FALSE(refused(row.id, {good}));
    CHECK(refused(row.id, {}) == is({when_missing_or_wrong, when_missing_or_not_one}));
    CHECK(refused(row.id, {good, good}) ==
          is({when_repeated, when_wrong_or_repeated, when_missing_or_not_one}));
    CHECK(refused(row.id, {"\"< <"}) ==
          is({when_wrong, when_wrong_or_repeated, when_missing_or_wrong, when_missing_or_not_one}));
  }
}

TEST_CASE("HEADERS.md shows the header table") {
  std::string expected =
      "| header | compact | read as | stands | printed | refused when wrong | fuzzed from "
      "| refused by `check` when | defined in |\n"
      "|---|---|---|---|---|---|---|---|---|\n";
  auto seeds = fuzz_seeds();
  for (std::size_t i = 1; i < header_count; ++i) {
    const auto& row = header_table[i];
    expected.append("| ").append(row.name).append(" | ");
    if (row.compact != ' ') expected.append(1, row.compact).append(" ");
    expected.append("| ").append(word(row.shape)).append(" | ").append(word(row.stands)).append(" | ");
    expected.append(is_printed(examples()[i]) ? "yes | " : "- | ");
    expected.append(is_refused(examples()[i]) ? "yes | " : "- | ");
    expected.append(seeds.contains(row.shape) ? seeds[row.shape] : "-").append(" | ");
    expected.append(word(row.refused)).append(" | ").append(row.defined).append(" |\n");
  }
  std::ostringstream file;
  file << std::ifstream(BECKON_TEST_DATA "/../../protocol/sip/HEADERS.md").rdbuf();
  const auto text = file.str();
  const auto begin = text.find("| header |");
  REQUIRE(begin != std::string::npos);
  CHECK(text.substr(begin) == expected);
}
