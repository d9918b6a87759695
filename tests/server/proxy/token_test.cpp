#include "server/proxy/token.hpp"

#include <doctest/doctest.h>

#include "protocol/sip/uri.hpp"
#include "server/shard/user_part.hpp"

using namespace beckon;
using namespace beckon::server::proxy;
using transaction::Protocol;

namespace {

const Bytes key(32, 7);

Token example() {
  return {.bucket = 0x12a,
          .caller_tag_hash = end_hash("from1", key, "call-1"),
          .caller_aor_hash = end_hash("sip:alice@example.org", key, "call-1"),
          .callee_aor_hash = end_hash("sip:bob@example.org", key, "call-1"),
          .caller = {Protocol::tls, *parse_address("192.0.2.9:40000"), *parse_address("192.0.2.1:5061"),
                     0x0100000000000007},
          .callee = {Protocol::udp, *parse_address("[2001:db8::9]:5070"),
                     *parse_address("[2001:db8::1]:5060"), 0}};
}

}  // namespace

TEST_CASE("a Record-Route user carries both ends of the dialog and its bucket through a URI") {
  const std::string user = seal(example(), key, "call-1");
  const auto uri = sip::parse_uri("sip:" + user + "@192.0.2.1:5060;lr");
  REQUIRE(uri.has_value());
  CHECK(uri->user == user);
  CHECK(server::bucket_in(user) == server::Bucket{0x12a});
  const auto token = open(user, key, "call-1");
  REQUIRE(token.has_value());
  CHECK(token->caller == example().caller);
  CHECK(token->callee == example().callee);
  CHECK(token->caller_tag_hash == end_hash("from1", key, "call-1"));
  CHECK(token->caller_aor_hash == example().caller_aor_hash);
  CHECK(token->callee_aor_hash == example().callee_aor_hash);
}

TEST_CASE("the hash of an end is keyed: nobody without the key can find another name with the same one") {
  const auto mine = end_hash("from1", key, "call-1");
  CHECK(end_hash("from1", key, "call-1") == mine);
  CHECK(end_hash("from2", key, "call-1") != mine);
  CHECK(end_hash("from1", Bytes(32, 8), "call-1") != mine);
  CHECK(end_hash("from1", key, "call-2") != mine);
  CHECK((mine >> 48) == 0);
  // Two names with one FNV hash of 32 bits, which needs no key.
  CHECK(end_hash("costarring", key, "call-1") != end_hash("liquid", key, "call-1"));
  CHECK(seal(example(), key, "call-1").size() == 122);
}

TEST_CASE("the name a certificate must have travels with the end (RFC 5922 7.1)") {
  Token token = example();
  token.callee = {Protocol::tls, *parse_address("198.51.100.1:5061"), {}, 0, "example.net"};
  const auto opened = open(seal(token, key, "call-1"), key, "call-1");
  REQUIRE(opened.has_value());
  CHECK(opened->callee == token.callee);
}

TEST_CASE("a token of another dialog, of another node, or changed in any character is refused") {
  const std::string user = seal(example(), key, "call-1");
  CHECK_FALSE(open(user, key, "call-2"));
  CHECK_FALSE(open(user, Bytes(32, 8), "call-1"));
  for (std::size_t i = 0; i < user.size(); ++i) {
    CAPTURE(i);
    std::string changed = user;
    changed[i] = changed[i] == '0' ? '1' : '0';
    CHECK_FALSE(open(changed, key, "call-1"));
    CHECK_FALSE(open(user.substr(0, i), key, "call-1"));
  }
}

TEST_CASE("who sees a token reads no address in it, and knows nothing of another one by it (RFC 5627 10.3)") {
  const auto octets = [](const Token& token, const std::string& call_id) {
    const std::string user = seal(token, key, call_id);
    const auto plain = server::from_user_part(std::string_view(user).substr(user.find('~') + 1));
    REQUIRE(plain.has_value());
    return std::string(as_text(*plain));
  };
  Token moved = example();
  moved.callee.remote.port += 1;
  const std::string mine = octets(example(), "call-1"), moved_one = octets(moved, "call-1"),
                    other = octets(example(), "call-2");
  for (const auto& address : {example().caller.remote.ip, example().callee.remote.ip})
    CHECK(mine.find(as_text(address.bytes())) == mine.npos);
  REQUIRE(mine.size() == other.size());
  std::size_t same_when_moved = 0, same_in_other_call = 0;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    same_when_moved += mine[i] == moved_one[i] ? 1U : 0U;
    same_in_other_call += mine[i] == other[i] ? 1U : 0U;
  }
  CHECK(same_when_moved < 8);  // one octet of 256 by chance
  CHECK(same_in_other_call < 8);
  CHECK(octets(example(), "call-1") == mine);  // as copies of a request are equal
}

TEST_CASE("a token whose characters a client has escaped is the same one (RFC 3261 19.1.4)") {
  // COMPAT: Twinkle escapes 'Z'.
  const std::string user = seal(example(), key, "call-1");
  for (std::size_t i = user.find('~'); i < user.size(); ++i) {
    CAPTURE(i);
    constexpr std::string_view hex = "0123456789abcdef";
    const auto octet = static_cast<unsigned char>(user[i]);
    const std::string escaped =
        user.substr(0, i) + '%' + hex[octet >> 4] + hex[octet & 15] + user.substr(i + 1);
    const auto token = open(escaped, key, "call-1");
    REQUIRE(token.has_value());
    CHECK(token->callee == example().callee);
  }
  CHECK_FALSE(open(user + "%", key, "call-1"));
  CHECK_FALSE(open(user + "%25", key, "call-1"));
}
