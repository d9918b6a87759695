#include "protocol/ds1/ticket.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "protocol/base/text.hpp"

using namespace beckon;

namespace {

/// Hands out the octets it was given, in order.
class ListedRandom final : public Random {
 public:
  explicit ListedRandom(Bytes octets) : octets_(std::move(octets)) {}
  void fill(std::span<std::uint8_t> out) override {
    REQUIRE(octets_.size() >= out.size());
    std::copy_n(octets_.begin(), out.size(), out.begin());
    octets_.erase(octets_.begin(), octets_.begin() + static_cast<std::ptrdiff_t>(out.size()));
  }

 private:
  Bytes octets_;
};

crypto::Key32 key(std::string_view hex) {
  const Bytes bytes = from_hex(hex).value();
  crypto::Key32 out{};
  std::copy_n(bytes.begin(), out.size(), out.begin());
  return out;
}

const crypto::Key32 secret = key("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
constexpr ds1::Epoch epoch{0x3f, 0x9a, 0x11, 0xc2};
constexpr auto ticket_hex =
    "a0a1a2a3a4a5a6a7a8a9aaab7a29a379f2d3d8d6f30a3ead3b784dc69fa774bcd293f2395f8c4ef9f3b2f8fdd08df2fcddd322ff"
    "fa74ae94"
    "46e2ee97";
const crypto::Key32 a_device = key("0a6737678ad1ac9dd5d9a5bd48e6d1ab6077699538833704e24f9ab7dbff0e1f");
const crypto::Key32 a_ident = key("9e7c29d6635595f1c0e30f29f9d390308885f3244678880de99a3fc38c7b12fa");
const crypto::Key32 a_seed = key("9fe90de32b3c69856db4ade53d176ac0b5f9049f1a59413c442e824e0a380840");
const crypto::Key32 a_fingerprint = key("927663252f1266d6d03a493303595ca2b733300c6882ef32ed0d08fbcf314b7c");
const crypto::Key32 b_ident = key("fcdb6b983fbaf7979080d49c42bdb6c3312511a0a9e828e3630c123719d4686d");
constexpr auto a_signature_hex =
    "efd7b548fa28bbd2c40f554e8210267aab086ebd7f23ef6d8bac5efe8f7cf3ec2500a4ed6077168a02a7093b76414e3ce880cc2b"
    "6ce9b12c"
    "8843dda569268204";

}  // namespace

TEST_CASE("a grant is the ticket and psk of the vectors (DIRECT_SESSIONS 15)") {
  ListedRandom random(*from_hex("a0a1a2a3a4a5a6a7a8a9aaab"));
  const auto grant = ds1::make_grant(secret, epoch, {ds1::Mode::automatic, "sip:bob@example.org"}, random);
  CHECK(to_hex(grant.ticket) == ticket_hex);
  CHECK(to_hex(grant.psk) == "4b3a8d1ae0df7e92d97a28efba6a9f8f332ad0d1b15f605dfb58f9eb2c0014b0");
}

TEST_CASE("a ticket opens under its secret and epoch, and no changed bit of it does") {
  const Bytes ticket = *from_hex(ticket_hex);
  CHECK(ds1::open_ticket(secret, epoch, ticket) ==
        ds1::Permission{ds1::Mode::automatic, "sip:bob@example.org"});
  CHECK_FALSE(ds1::open_ticket(a_seed, epoch, ticket));
  CHECK_FALSE(ds1::open_ticket(secret, {1, 2, 3, 4}, ticket));
  for (std::size_t bit = 0; bit < ticket.size() * 8; ++bit) {
    Bytes changed = ticket;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
    CAPTURE(bit);
    CHECK_FALSE(ds1::open_ticket(secret, epoch, changed));
  }
  CHECK_FALSE(ds1::open_ticket(secret, epoch, ByteView(ticket).first(40)));
}

TEST_CASE("every length of AOR up to 220 octets fits a ticket of 60 to 284 octets") {
  SeededRandom random(1);
  for (std::size_t size = 1; size <= ds1::aor_max; ++size) {
    CAPTURE(size);
    const ds1::Permission permission{ds1::Mode::ask, std::string(size, 'a')};
    const auto grant = ds1::make_grant(secret, epoch, permission, random);
    CHECK(grant.ticket.size() >= 60);
    CHECK(grant.ticket.size() <= 284);
    CHECK(ds1::open_ticket(secret, epoch, grant.ticket) == permission);
  }
}

TEST_CASE("the identity's signature is that of the vectors and covers AOR, device key and fingerprint") {
  const auto signature = ds1::sign_identity(a_seed, "sip:alice@example.org", a_device, a_fingerprint);
  CHECK(to_hex(signature) == a_signature_hex);
  CHECK(ds1::verify_identity(a_ident, "sip:alice@example.org", a_device, a_fingerprint, signature));
  CHECK_FALSE(ds1::verify_identity(a_ident, "sip:bob@example.org", a_device, a_fingerprint, signature));
  CHECK_FALSE(ds1::verify_identity(a_ident, "sip:alice@example.org", a_ident, a_fingerprint, signature));
  CHECK_FALSE(ds1::verify_identity(a_ident, "sip:alice@example.org", a_device, crypto::Key32{}, signature));
}

TEST_CASE("the safety number is that of the vectors, computed by either side (DIRECT_SESSIONS 13)") {
  constexpr auto expected = "029653916453085161843823939592838702443152263584847939373641";
  CHECK(ds1::safety_number("sip:alice@example.org", a_ident, "sip:bob@example.org", b_ident) == expected);
  CHECK(ds1::safety_number("sip:bob@example.org", b_ident, "sip:alice@example.org", a_ident) == expected);
}

TEST_CASE("modes are ordered, and unknown words mean off (DIRECT_SESSIONS 2)") {
  CHECK(ds1::Mode::off < ds1::Mode::ask);
  CHECK(ds1::Mode::ask < ds1::Mode::automatic);
  CHECK(ds1::parse_mode("auto") == ds1::Mode::automatic);
  CHECK(ds1::parse_mode("AUTO") == ds1::Mode::off);
}
