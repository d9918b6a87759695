#include "media/srtp/session.hpp"

#include <doctest/doctest.h>

#include <string_view>

#include "protocol/base/text.hpp"

using namespace beckon;

namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

const Bytes gcm_key = hex("594c1381e6c31fc530d1f09c5857b6b5c43d3daec2e5fc25886bc62d");
const Bytes mki = hex("c0ffee00");

Bytes rtp(std::uint16_t sequence, std::uint32_t ssrc = 0x1234abcd) {
  Bytes packet{0x80, 0x6f};
  append_u16(packet, sequence);
  append_u32(packet, 960U * sequence);
  append_u32(packet, ssrc);
  append(packet, "twenty milliseconds");
  return packet;
}

Bytes rtcp() { return hex("80c900011234abcd"); }

}  // namespace

TEST_CASE("a packet is protected as the direct-session vectors say, phase 0 and 1 (DIRECT_SESSIONS 15)") {
  const struct {
    std::string_view key;
    std::string_view mki;
    std::string_view plain;
    std::string_view sealed;
  } rows[] = {
      {"594c1381e6c31fc530d1f09c5857b6b5c43d3daec2e5fc25886bc62d", "c0ffee00",
       "806f0001000003c01234abcd5555555555555555555555555555555555555555",
       "806f0001000003c01234abcdb7ce99514dbce3cdc51c72544dcdf786fa7d48f00b0a7f46b72dc4a23120cbe50fd2adbfc0ffe"
       "e00"},
      {"347b06189ca0083e45f96fc3b4b5104643e73919e1e97aadbddcccf5", "c0ffee01",
       "806f0002000007801234abcd5555555555555555555555555555555555555555",
       "806f0002000007801234abcda28bf0cd4798a5b6fb80f991d131956c1cff6c4235dfeef9d26ef072a7c603e46cc409aac0ffe"
       "e01"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.mki);
    const Bytes key = hex(row.key);
    const Bytes index = hex(row.mki);
    srtp::Protector protector({srtp::Profile::aead_aes128_gcm, key, index});
    srtp::Unprotector unprotector({srtp::Profile::aead_aes128_gcm, key, index});
    Bytes packet = hex(row.plain);
    REQUIRE(protector.protect_rtp(packet).has_value());
    CHECK(to_hex(packet) == row.sealed);
    REQUIRE(unprotector.unprotect_rtp(packet).has_value());
    CHECK(to_hex(packet) == row.plain);
  }
}

TEST_CASE("every changed bit of a packet is noticed, its MKI included") {
  srtp::Protector protector({srtp::Profile::aead_aes128_gcm, gcm_key, mki});
  srtp::Unprotector unprotector({srtp::Profile::aead_aes128_gcm, gcm_key, mki});
  const auto check = [](const Bytes& good, auto&& unprotect) {
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      Bytes changed = good;
      changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
      CAPTURE(bit);
      CHECK(unprotect(changed).has_error());
    }
    Bytes unchanged = good;
    CHECK(unprotect(unchanged).has_value());
  };
  Bytes media = rtp(7);
  REQUIRE(protector.protect_rtp(media).has_value());
  check(media, [&](Bytes& packet) { return unprotector.unprotect_rtp(packet); });
  Bytes control = rtcp();
  REQUIRE(protector.protect_rtcp(control).has_value());
  CHECK(to_hex(ByteView(control).last(4)) == to_hex(mki));
  check(control, [&](Bytes& packet) { return unprotector.unprotect_rtcp(packet); });
}

TEST_CASE("a packet is taken once, in any order within a window of 1024 (RFC 3711 3.3.2)") {
  srtp::Protector protector({srtp::Profile::aead_aes128_gcm, gcm_key, mki});
  srtp::Unprotector unprotector({srtp::Profile::aead_aes128_gcm, gcm_key, mki});
  std::vector<Bytes> packets;
  for (std::uint16_t sequence = 0; sequence < 1025; ++sequence) {
    packets.push_back(rtp(sequence));
    REQUIRE(protector.protect_rtp(packets.back()));
  }
  const auto take = [&](std::size_t index) {
    Bytes copy = packets[index];
    return unprotector.unprotect_rtp(copy);
  };
  CHECK(take(1024).has_value());
  CHECK(take(1).has_value());
  CHECK(take(1).error() == srtp::Errc::replayed);
  CHECK(take(1024).error() == srtp::Errc::replayed);
  CHECK(take(0).error() == srtp::Errc::replayed);  // one past the window
}

TEST_CASE("the sequence number wraps without either side noticing (RFC 3711 3.3.1)") {
  srtp::Protector protector({srtp::Profile::aead_aes128_gcm, gcm_key, mki});
  srtp::Unprotector unprotector({srtp::Profile::aead_aes128_gcm, gcm_key, mki});
  for (std::uint32_t i = 0; i < 40; ++i) {
    const auto sequence = static_cast<std::uint16_t>(65520 + i);
    CAPTURE(sequence);
    Bytes packet = rtp(sequence);
    REQUIRE(protector.protect_rtp(packet).has_value());
    REQUIRE(unprotector.unprotect_rtp(packet).has_value());
    CHECK(packet == rtp(sequence));
  }
}

TEST_CASE("a sender may not use a sequence number twice: it would reveal keystream") {
  srtp::Protector protector({srtp::Profile::aead_aes128_gcm, gcm_key, mki});
  Bytes packet = rtp(7);
  REQUIRE(protector.protect_rtp(packet).has_value());
  packet = rtp(7);
  CHECK(protector.protect_rtp(packet).error() == srtp::Errc::replayed);
  packet = rtp(7, 0x99);
  CHECK(protector.protect_rtp(packet).has_value());
}

TEST_CASE("classic profiles protect RTP and RTCP, with MKI where libsrtp can") {
  srtp::warm_up();
  for (const auto profile : {srtp::Profile::aes128_cm_sha1_80, srtp::Profile::aes128_cm_sha1_32,
                             srtp::Profile::aes256_cm_sha1_80, srtp::Profile::aes256_cm_sha1_32}) {
    const bool short_tag =
        profile == srtp::Profile::aes128_cm_sha1_32 || profile == srtp::Profile::aes256_cm_sha1_32;
    for (const Bytes& index : {Bytes{}, mki}) {
      if (short_tag && !index.empty()) continue;  // see Keying::mki
      const Bytes key(srtp::key_size(profile), 0x3c);
      srtp::Protector protector({profile, key, index});
      srtp::Unprotector unprotector({profile, key, index});
      Bytes packet = rtp(1);
      REQUIRE(protector.protect_rtp(packet).has_value());
      REQUIRE(unprotector.unprotect_rtp(packet).has_value());
      CHECK(packet == rtp(1));
      packet = rtcp();
      REQUIRE(protector.protect_rtcp(packet).has_value());
      REQUIRE(unprotector.unprotect_rtcp(packet).has_value());
      CHECK(packet == rtcp());
    }
  }
}

TEST_CASE("no cut of a protected packet does harm") {
  srtp::Protector protector({srtp::Profile::aead_aes128_gcm, gcm_key, mki});
  srtp::Unprotector unprotector({srtp::Profile::aead_aes128_gcm, gcm_key, mki});
  Bytes packet = rtp(7);
  REQUIRE(protector.protect_rtp(packet).has_value());
  for (std::size_t size = 0; size < packet.size(); ++size) {
    CAPTURE(size);
    Bytes cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(unprotector.unprotect_rtp(cut).has_error());
    cut.assign(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(unprotector.unprotect_rtcp(cut).has_error());
  }
}
