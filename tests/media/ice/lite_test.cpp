#include "media/ice/lite.hpp"

#include <doctest/doctest.h>

#include "protocol/stun/message.hpp"

using namespace beckon;
using namespace beckon::ice;

namespace {

const Address peer_at = *parse_address("192.0.2.7:50000");
const Address other_at = *parse_address("192.0.2.8:50000");
const Credentials own{"ours", "the-password-of-our-end-1"};

struct Check {
  std::string name = "ours:peer";
  std::string password = own.password;
  bool nominates = false;
  std::uint16_t role = stun::attribute::ice_controlling;
  std::uint16_t extra = 0;
  bool has_integrity = true;
  bool has_fingerprint = true;

  Bytes make() const {
    stun::Writer out(stun::Class::request, stun::binding, {1, 2, 3});
    out.add(stun::attribute::username, as_bytes(name));
    out.add(stun::attribute::priority, Bytes{0x6e, 0, 1, 0xff});
    out.add(role, Bytes(8, 7));
    if (nominates) out.add(stun::attribute::use_candidate, {});
    if (extra != 0) out.add(extra, Bytes(4, 0));
    if (has_integrity) out.add_sha1_integrity(as_bytes(password));
    if (has_fingerprint) out.add_fingerprint();
    return out.bytes();
  }
};

int code_of(const Lite::Outcome& outcome) {
  if (!outcome.answer) return 0;
  const auto answer = stun::parse_message(*outcome.answer).value();
  CHECK(answer.has_good_fingerprint());
  CHECK(answer.transaction() == stun::TransactionId{1, 2, 3});
  return answer.message_class() == stun::Class::success ? 200 : answer.error_code()->code;
}

}  // namespace

TEST_CASE(
    "a check is answered with its source, authentically; USE-CANDIDATE says where to send (RFC 8445 7.3)") {
  Lite lite(own);
  lite.set_peer("peer");
  const auto first = lite.on_datagram(peer_at, Check{}.make());
  CHECK(code_of(first) == 200);
  CHECK_FALSE(first.nominated);
  CHECK_FALSE(lite.remote());
  CHECK(lite.has_checked(peer_at));
  CHECK_FALSE(lite.has_checked(other_at));
  const auto answer = stun::parse_message(*first.answer).value();
  CHECK(answer.xor_mapped_address() == peer_at);
  CHECK(answer.has_good_sha1_integrity(as_bytes(own.password)));

  CHECK(lite.on_datagram(peer_at, Check{.nominates = true}.make()).nominated);
  CHECK(lite.remote() == peer_at);
  // Again, as consent (RFC 7675): nothing changes.
  CHECK_FALSE(lite.on_datagram(peer_at, Check{.nominates = true}.make()).nominated);
  CHECK(code_of(lite.on_datagram(other_at, Check{}.make())) == 200);
  CHECK(lite.remote() == peer_at);
  CHECK(lite.on_datagram(other_at, Check{.nominates = true}.make()).nominated);
  CHECK(lite.remote() == other_at);
}

TEST_CASE("checks that came before the answer count") {
  Lite lite(own);
  CHECK(lite.on_datagram(peer_at, Check{.nominates = true}.make()).nominated);
  lite.set_peer("peer");
  CHECK(lite.remote() == peer_at);
}

TEST_CASE("what is not the peer's check changes nothing") {
  struct Row {
    const char* what;
    Check check;
    int code;
  };
  const Row rows[] = {
      {"another password", {.password = "wrong", .nominates = true}, 401},
      {"another receiver", {.name = "othr:peer", .nominates = true}, 401},
      {"another sender", {.name = "ours:else", .nominates = true}, 401},
      {"no sender", {.name = "ours", .nominates = true}, 401},
      {"no integrity", {.nominates = true, .has_integrity = false}, 400},
      {"no fingerprint", {.nominates = true, .has_fingerprint = false}, 0},
      {"an unknown attribute", {.nominates = true, .extra = 0x0026}, 420},
      {"a controlled peer", {.nominates = true, .role = stun::attribute::ice_controlled}, 487},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Lite lite(own);
    lite.set_peer("peer");
    const auto outcome = lite.on_datagram(peer_at, row.check.make());
    CHECK(code_of(outcome) == row.code);
    CHECK_FALSE(outcome.nominated);
    CHECK_FALSE(lite.remote());
    CHECK_FALSE(lite.has_checked(peer_at));
  }
}

TEST_CASE("every changed bit of a check is refused") {
  Lite lite(own);
  lite.set_peer("peer");
  const Bytes good = Check{.nominates = true}.make();
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    CHECK_FALSE(lite.on_datagram(peer_at, bad).nominated);
  }
  CHECK_FALSE(lite.remote());
  CHECK_FALSE(lite.on_datagram(peer_at, Bytes(3, 0)).answer);
  CHECK_FALSE(lite.on_datagram(peer_at, *lite.on_datagram(peer_at, good).answer).answer);
}

TEST_CASE("an ICE restart of the peer begins anew (RFC 8445 9)") {
  Lite lite(own);
  lite.set_peer("peer");
  CHECK(lite.on_datagram(peer_at, Check{.nominates = true}.make()).nominated);
  lite.set_peer("new1");
  CHECK_FALSE(lite.remote());
  CHECK(code_of(lite.on_datagram(peer_at, Check{.nominates = true}.make())) == 401);
  CHECK(lite.on_datagram(other_at, Check{.name = "ours:new1", .nominates = true}.make()).nominated);
}

TEST_CASE("sources are remembered up to a bound, the newest ones") {
  Lite lite(own);
  lite.set_peer("peer");
  for (std::uint16_t port = 1; port <= 40; ++port) lite.on_datagram({peer_at.ip, port}, Check{}.make());
  CHECK(lite.has_checked({peer_at.ip, 40}));
  CHECK(lite.has_checked({peer_at.ip, 25}));
  CHECK_FALSE(lite.has_checked({peer_at.ip, 24}));
}

TEST_CASE("credentials are long enough, and differ (RFC 8445 5.3)") {
  SeededRandom random(1);
  const auto a = make_credentials(random), b = make_credentials(random);
  CHECK(a.ufrag.size() >= 4);
  CHECK(a.password.size() >= 22);
  CHECK(a != b);
}
