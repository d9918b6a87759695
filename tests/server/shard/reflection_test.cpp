#include <numeric>

#include "protocol/stun/message.hpp"
#include "server/shard/shard.hpp"
#include "tests/server/world.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

// How many octets a datagram without proof draws, all copies counted: UDP sources can be forged, and the
// server must be of no use for a flood (RFC 3261 26.3.2.4; the bound of RFC 9000 8.1).
namespace {

constexpr double most = 3.0;
constexpr Duration all_copies = 64 * 500ms + 5s;

/// As short as a request can be written: compact names, no more than what is checked.
std::string shortest(const std::string& method, const std::string& uri, const std::string& from,
                     const std::string& to, const std::string& more = {}) {
  return method + ' ' + uri + " SIP/2.0\r\nv:SIP/2.0/UDP h;branch=z9hG4bK1\r\nf:<" + from + ">;tag=1\r\nt:<" +
         to + ">\r\ni:1\r\nCSeq:1 " + method + "\r\n" + more + "\r\n";
}

/// The same in a dialog, of which the server knows nothing.
std::string in_dialog(const std::string& method, const std::string& more = {}) {
  std::string text = shortest(method, "sip:b@h", "sip:a@example.org", "sip:b@example.org", more);
  return text.insert(text.find("\r\ni:"), ";tag=2");
}

/// Octets that come back for it.
std::size_t drawn(const std::string& text) {
  World world;
  const Hop from = udp(5070);
  auto message = sip::Message::parse(share(text));
  if (message)
    world.node().shard(0).on_message(from, std::move(*message));
  else
    world.node().shard(0).on_malformed(from, message.error(), text);
  world.run();
  world.wait(all_copies);
  return std::accumulate(world.wire.sent.begin(), world.wire.sent.end(), std::size_t{0},
                         [](std::size_t sum, const Sent& sent) { return sum + sent.message.text().size(); });
}

}  // namespace

TEST_CASE("no datagram without proof draws more than three times its octets (RFC 3261 26.3.2.4)") {
  const std::string a = "sip:a@example.org", b = "sip:b@example.org", server = "sip:example.org";
  struct Row {
    std::string kind;
    std::string text;
  };
  const std::string many_hops = [] {
    std::string lines;
    for (int i = 0; i < 60; ++i) lines += "v:SIP/2.0/UDP h\r\n";
    return lines;
  }();
  const std::string credentials =
      "Authorization:Digest "
      "username=\"a\",realm=\"example.org\",nonce=\"\",uri=\"sip:example.org\",response=\"\"\r\n";
  const std::string no_nonce =
      "Proxy-Authorization:Digest "
      "username=\"a\",realm=\"example.org\",nonce=\"\",uri=\"sip:b@example.org\",response=\"\"\r\n";
  const std::string token =
      "Route:<sip:bk000r1-2-3~0_0_c0a80001-1_c0a80001-1~0_0_c0a80001-1_c0a80001-1~00@h;lr>\r\n";
  const Row rows[] = {
      {"REGISTER", shortest("REGISTER", server, a, a)},
      {"REGISTER with credentials", shortest("REGISTER", server, a, a, credentials)},
      {"REGISTER, not our domain", shortest("REGISTER", server, "sip:a@b", "sip:a@b")},
      {"INVITE", shortest("INVITE", b, a, b)},
      {"INVITE with credentials", shortest("INVITE", b, a, b, no_nonce)},
      {"INVITE with credentials of nobody", shortest("INVITE", b, "sip:x@example.org", b, no_nonce)},
      {"INVITE to nobody", shortest("INVITE", "sip:x@example.org", a, "sip:x@example.org")},
      {"INVITE to another domain", shortest("INVITE", "sip:b@h", a, "sip:b@h")},
      {"INVITE from another domain", shortest("INVITE", b, "sip:a@h", b)},
      {"INVITE with a token in Route", shortest("INVITE", b, a, b, token)},
      {"INVITE with a Route", shortest("INVITE", b, a, b, "Route:<sip:h;lr>\r\n")},
      {"INVITE in a dialog", in_dialog("INVITE")},
      {"INVITE in a dialog with a token", in_dialog("INVITE", token)},
      {"INVITE that may not spread", shortest("INVITE", b, a, b, "Max-Breadth:0\r\n")},
      {"SUBSCRIBE", shortest("SUBSCRIBE", b, a, b, "o:presence\r\n")},
      {"PUBLISH", shortest("PUBLISH", a, a, a, "o:presence\r\n")},
      {"MESSAGE", shortest("MESSAGE", b, a, b)},
      {"NOTIFY", shortest("NOTIFY", b, a, b)},
      {"BYE", shortest("BYE", b, a, b)},
      {"unknown method", shortest("X", b, a, b)},
      {"OPTIONS", shortest("OPTIONS", server, "sip:a", server)},
      {"OPTIONS to a user", shortest("OPTIONS", b, a, b)},
      {"ACK", shortest("ACK", b, a, b)},
      {"ACK in a dialog", in_dialog("ACK")},
      {"ACK in a dialog with a token", in_dialog("ACK", token)},
      {"CANCEL", shortest("CANCEL", b, a, b)},
      {"CANCEL in a dialog with a token", in_dialog("CANCEL", token)},
      {"BYE in a dialog with a token", in_dialog("BYE", token)},
      {"PRACK", shortest("PRACK", b, a, b)},
      {"REFER", shortest("REFER", b, a, b)},
      {"INFO in a dialog", in_dialog("INFO")},
      {"UPDATE in a dialog", in_dialog("UPDATE")},
      {"no hops left", shortest("INVITE", b, a, b, "Max-Forwards:0\r\n")},
      {"an extension", shortest("INVITE", b, a, b, "Proxy-Require:x\r\n")},
      {"SIPS", shortest("INVITE", "sips:b@example.org", a, b)},
      {"another scheme", shortest("INVITE", "tel:1", a, b)},
      {"no Call-ID", "INVITE sip:b SIP/2.0\r\nv:SIP/2.0/UDP h;branch=z9hG4bK1\r\n\r\n"},
      {"many Vias", shortest("INVITE", "tel:1", a, b, many_hops)},
      {"malformed", "INVITE sip:b SIP/2.0\r\nv:SIP/2.0/UDP h\r\nx\r\n\r\n"},
      {"another version", "INVITE sip:b SIP/3.0\r\nv:SIP/3.0/UDP h\r\n\r\n"},
      {"response",
       "SIP/2.0 200 OK\r\nv:SIP/2.0/UDP "
       "h;branch=z9hG4bKabcdefghijklmnopbk000.1\r\nf:<sip:a>;tag=1\r\nt:<sip:b>;tag=1\r\n"
       "i:1\r\nCSeq:1 INVITE\r\n\r\n"},
      {"junk", "x\r\n\r\n"},
      {"keep-alive", "\r\n\r\n"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.kind);
    const auto out = static_cast<double>(drawn(row.text)), in = static_cast<double>(row.text.size());
    CAPTURE(out);
    MESSAGE(row.kind << ": " << in << " -> " << out << ", factor " << out / in);
    CHECK(out <= most * in);
  }
}

TEST_CASE("a STUN request draws less than three times its octets (RFC 8489 6.3)") {
  const stun::TransactionId id{};
  const stun::Writer bare(stun::Class::request, stun::binding, id);
  for (const char* from : {"192.0.2.9:5070", "[2001:db8::9]:5070"}) {
    const auto answer = stun::make_binding_response(bare.bytes(), *parse_address(from), {});
    REQUIRE(answer);
    CHECK(static_cast<double>(answer->size()) <= most * static_cast<double>(bare.bytes().size()));
  }
}
