#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <vector>

#include "corpus.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/check.hpp"
#include "protocol/sip/framer.hpp"
#include "protocol/sip/header_value.hpp"

using namespace beckon;
using namespace beckon::sip;
namespace json = boost::json;

namespace {

/// What a server says to the octets: 0 = goes on, -1 = silence, else the status of the refusal.
int judge(const std::string& text) {
  const auto shared = share(text);
  const auto message = Message::parse(shared);
  if (message) {
    const auto rejected = check(*message);
    if (!rejected) return 0;
    return message->is_request() ? rejected->status : -1;
  }
  const auto answer = refusal(shared, message.error());
  return answer ? answer->status : -1;
}

Message read(const char* file) {
  const auto message = Message::parse(share(corpus::read(corpus::root / "sip/rfc4475" / file)));
  CAPTURE(file);
  REQUIRE(message.has_value());
  return *message;
}

}  // namespace

TEST_CASE("RFC 4475: what is valid goes on, what is not is refused with the status the RFC names") {
  constexpr int goes_on = 0, silence = -1;
  struct Row {
    const char* file;
    const char* expect;  ///< As index.json says.
    int verdict;         ///< Of parser and check; what the whole server does is in tests/server/shard.
  };
  const std::vector<Row> rows{
      {"badaspec.dat", "400", 400},
      // RFC 2543 matching is the transaction layer's.
      {"badbranch.dat", "400 (statelessly) or RFC 2543 transaction matching; must not break", goes_on},
      {"baddate.dat", "process, ignoring Date", goes_on},
      {"badinv01.dat", "400", 400},
      {"badvers.dat", "505", 505},
      // 420 is the server's.
      {"bext01.dat", "420 listing the unsupported option tags (Require at UAS, Proxy-Require at proxy)",
       goes_on},
      {"bigcode.dat", "discard", silence},
      {"clerr.dat", "UDP: 400; stream: wait, then close", 400},
      {"cparam01.dat", "registrar: 200; unknownparam is a header (contact) parameter, never a URI parameter",
       goes_on},
      {"dblreq.dat", "process REGISTER; octets after Content-Length 0 in the datagram ignored", goes_on},
      {"esc01.dat", "parse; %HH decoded when comparing URIs", goes_on},
      {"escnull.dat", "parse; REGISTER with %00 in two distinct Contact URIs; both bindings kept apart",
       goes_on},
      {"insuf.dat", "400 (missing Call-ID, From and To)", 400},
      // An unknown method is refused by the server it is for.
      {"intmeth.dat", "parse; unknown method (UAS: 405/501; proxy: forward)", goes_on},
      // 415 is the user agent's.
      {"invut.dat", "415 with Accept", goes_on},
      {"longreq.dat", "parse; long values kept whole", goes_on},
      {"ltgtruri.dat", "400", 400},
      {"lwsdisp.dat", "parse; no LWS between display name and <", goes_on},
      {"lwsstart.dat", "400", 400},
      {"mcl01.dat", "400 (UDP); stream: close", 400},
      {"mismatch01.dat", "400", 400},
      {"mpart01.dat", "parse; binary multipart body with NULs kept byte-exact", goes_on},
      {"noreason.dat", "parse; empty reason phrase (SP still present)", goes_on},
      {"novelsc.dat", "416", 416},
      {"quotbal.dat", "400", 400},
      // 401 is the registrar's.
      {"regaut01.dat", "registrar with auth: 401 with an own challenge; without: ignore Authorization",
       goes_on},
      {"regbadct.dat", "400", 400},
      {"scalar02.dat", "400 (CSeq > 2^32-1)", 400},
      // 406 is the user agent's.
      {"sdp01.dat", "406", goes_on},
      // No Via: there is no address to answer to.
      {"test.dat",
       "400 (extra file of the archive, not described in the text: Request-Line without SIP-Version)",
       silence},
      {"trws.dat", "400", 400},
      {"unkscm.dat", "416", 416},
      {"wsinv.dat", "parse; process as INVITE", goes_on},
      // 483 is the proxy's.
      {"zeromf.dat", "proxy: 483; endpoint: process", goes_on},
  };
  const auto index = json::parse(corpus::read(corpus::root / "sip/rfc4475/index.json")).as_array();
  REQUIRE(index.size() == 34);
  REQUIRE(rows.size() == index.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(rows[i].file);
    CHECK(index[i].at("file").as_string() == rows[i].file);
    CHECK(index[i].at("expect").as_string() == rows[i].expect);
    CHECK(judge(corpus::read(corpus::root / "sip/rfc4475" / rows[i].file)) == rows[i].verdict);
  }
}

TEST_CASE("RFC 4475 on a stream: what ends the stream is what cannot be framed") {
  // The others give one message each. The second message of dblreq has more octets than it announces.
  struct Row {
    const char* file;
    bool ends;
    std::size_t messages;
  };
  const std::vector<Row> odd{
      {"badinv01.dat", false, 1}, {"bigcode.dat", true, 0}, {"clerr.dat", false, 0}, {"dblreq.dat", true, 2},
      {"mcl01.dat", true, 0},     {"test.dat", true, 0},    {"trws.dat", true, 0},
  };
  for (const auto& path : corpus::files("sip/rfc4475", ".dat")) {
    const auto name = path.filename().string();
    CAPTURE(name);
    const auto found = std::find_if(odd.begin(), odd.end(), [&](const Row& row) { return name == row.file; });
    const Row expected = found == odd.end() ? Row{"", false, 1} : *found;
    Framer framer;
    framer.push(corpus::read(path));
    std::size_t messages = 0;
    auto item = framer.next();
    for (; item && *item; item = framer.next()) messages += (*item)->message ? 1 : 0;
    CHECK(item.has_error() == expected.ends);
    CHECK(messages == expected.messages);
  }
}

TEST_CASE("RFC 4475 3.1.1.1: the tortuous INVITE is understood") {
  const Message message = read("wsinv.dat");
  CHECK(message.method() == Method::invite);
  CHECK(message.request_uri_text() == "sip:vivekg@chair-dnrc.example.com;unknownparam");
  CHECK(message.to()->uri.user == "vivekg");
  CHECK(message.to_tag() == "1918181833n");
  CHECK(message.from()->display_name == "J Rosenberg \\\"");
  CHECK(message.from_tag() == "98asjd8");
  CHECK(message.number(HeaderId::max_forwards) == 68);
  CHECK(message.call_id() == "wsinv.ndaksdj@192.0.2.1");
  CHECK(message.cseq()->number == 9);
  CHECK(message.values(HeaderId::via).size() == 3);
  CHECK(message.top_via()->host == "192.0.2.2");
  CHECK(message.header(HeaderId::subject) == "");
  CHECK(message.header("NewFangledHeader") == "newfangled value   continued newfangled value");
  CHECK(message.routes(HeaderId::route)->size() == 1);
  CHECK(message.contacts()->front().display_name == "Quoted string \"\"");
}

TEST_CASE("RFC 4475 3.1.1.2: strange but legal characters are kept") {
  const Message message = read("intmeth.dat");
  CHECK(message.method() == Method::other);
  CHECK(message.method_text() == "!interesting-Method0123456789_*+`.%indeed'~");
  CHECK(message.request_uri()->user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
  CHECK(message.to()->display_name == std::string("BEL:\x07 NUL:\0 DEL:\x7f", 17));
  CHECK(message.from()->uri.parameter("unreserved")->size() > 0);
}

TEST_CASE("RFC 4475 3.1.1.4 and 3.1.1.5: escaped nulls are kept, and do not end a name") {
  const auto contacts = read("escnull.dat").contacts();
  REQUIRE(contacts.has_value());
  REQUIRE(contacts->size() == 2);
  CHECK_FALSE(equivalent((*contacts)[0].uri, (*contacts)[1].uri));
}

TEST_CASE("RFC 4475 3.1.1.11: a binary body is kept octet by octet") {
  const Message message = read("mpart01.dat");
  CHECK(message.body().size() == message.number(HeaderId::content_length));
  CHECK(message.body().find('\0') != std::string_view::npos);
}

TEST_CASE("RFC 5118: all of it is accepted but an IPv6 address without brackets in the Request-URI") {
  struct Row {
    const char* file;
    const char* expect;
  };
  // 4.2 (no brackets in the Request-URI: 400) is in no file of the archive.
  const std::vector<Row> rows{
      {"ipv4-mapped-ipv6.dat", "parse"},
      {"ipv6-correct-abnf-2-colons.dat", "parse"},
      {"ipv6-good.dat", "200 / process"},
      {"ipv6-in-sdp.dat", "parse"},
      {"mult-ip-in-header.dat", "parse"},
      {"port-ambiguous.dat", "parse; address is 2001:db8::10:5070, no port"},
      {"port-unambiguous.dat", "parse; port 5070"},
      {"via-received-param-with-delim.dat", "must parse: received=[v6]"},
  };
  const auto index = json::parse(corpus::read(corpus::root / "sip/rfc5118/index.json")).as_array();
  REQUIRE(index.size() == 8);
  REQUIRE(rows.size() == index.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(rows[i].file);
    CHECK(index[i].at("file").as_string() == rows[i].file);
    CHECK(index[i].at("expect").as_string() == rows[i].expect);
    CHECK(judge(corpus::read(corpus::root / "sip/rfc5118" / rows[i].file)) == 0);
  }
  const auto message_of = [](const char* file) {
    return *Message::parse(share(corpus::read(corpus::root / "sip/rfc5118" / file)));
  };
  CHECK_FALSE(message_of("port-ambiguous.dat").request_uri()->port);
  CHECK(message_of("port-ambiguous.dat").request_uri()->host == "2001:db8::10:5070");
  CHECK(message_of("port-unambiguous.dat").request_uri()->port == 5070);
  const auto good = corpus::read(corpus::root / "sip/rfc5118/ipv6-good.dat");
  auto bare = good;
  bare.replace(bare.find("[2001:db8::10]"), 14, "2001:db8::10");
  CHECK(judge(bare) == 400);
  // 4.5: with brackets or without, it is the same address.
  const auto via = message_of("via-received-param-with-delim.dat").top_via();
  CHECK(find_parameter(via->parameters, "received") == "[2001:db8::9:255]");
  for (const char* file : {"via-received-param-with-delim.dat", "mult-ip-in-header.dat"}) {
    const auto message = message_of(file);
    for (const auto value : message.values(HeaderId::via)) {
      CAPTURE(value);
      CHECK(parse_header(HeaderId::via, value).has_value());
    }
  }
}
