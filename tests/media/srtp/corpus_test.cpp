#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "media/srtp/session.hpp"
#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"

using namespace beckon;

namespace {

boost::json::value read(const char* name) {
  std::ifstream file(std::string(BECKON_CORPORA "/srtp/") + name);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return boost::json::parse(text);
}

std::string text(const boost::json::value& row, const char* name) {
  return std::string(row.at(name).as_string());
}

Bytes octets(const boost::json::value& row, const char* name) { return from_hex(text(row, name)).value(); }

srtp::Profile profile(const boost::json::value& row) {
  const std::string name = text(row, "profile");
  if (name == "AES_CM_128_HMAC_SHA1_80") return srtp::Profile::aes128_cm_sha1_80;
  if (name == "AES_CM_128_HMAC_SHA1_32") return srtp::Profile::aes128_cm_sha1_32;
  if (name == "AES_256_CM_HMAC_SHA1_80") return srtp::Profile::aes256_cm_sha1_80;
  REQUIRE(name == "AES_256_CM_HMAC_SHA1_32");
  return srtp::Profile::aes256_cm_sha1_32;
}

Bytes master_key(const boost::json::value& row) {
  Bytes key = octets(row, "master_key");
  append(key, octets(row, "master_salt"));
  return key;
}

crypto::Key16 key16(const Bytes& bytes) {
  crypto::Key16 key{};
  REQUIRE(bytes.size() == key.size());
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

}  // namespace

TEST_CASE("the SRTP packets of the corpus are made and opened octet by octet (RFC 3711, RFC 6188)") {
  // The first has the master key and salt of RFC 3711 B.3, so it shows that key derivation too.
  const auto corpus = read("packets.json");
  for (const auto& row : corpus.at("srtp").as_array()) {
    const Bytes key = master_key(row);
    const Bytes plain = octets(row, "rtp");
    const srtp::Source source{read_u32(ByteView(plain).subspan(8)), row.at("roc").to_number<std::uint32_t>()};
    CAPTURE(text(row, "rtp"));
    Bytes packet = plain;
    REQUIRE(srtp::Protector({profile(row), key, {}}, source).protect_rtp(packet).has_value());
    CHECK(to_hex(packet) == text(row, "srtp"));
    packet = octets(row, "srtp");
    REQUIRE(srtp::Unprotector({profile(row), key, {}}, source).unprotect_rtp(packet).has_value());
    CHECK(packet == plain);
  }
}

TEST_CASE("the SRTCP packets of the corpus open (RFC 3711 3.4)") {
  const auto corpus = read("packets.json");
  for (const auto& row : corpus.at("srtcp").as_array()) {
    CAPTURE(text(row, "rtcp"));
    const Bytes key = master_key(row);
    Bytes packet = octets(row, "srtcp");
    REQUIRE(srtp::Unprotector({profile(row), key, {}}).unprotect_rtcp(packet).has_value());
    CHECK(to_hex(packet) == text(row, "rtcp"));
  }
}

TEST_CASE("AES-128-GCM gives the SRTP and SRTCP packets of RFC 7714 16.1 and 17.1") {
  // These vectors start from session keys, which libsrtp derives itself; so the AEAD is called as RFC 7714 9
  // says.
  const auto corpus = read("rfc-vectors.json");
  const auto& media = corpus.at("rfc7714").at("srtp-AEAD_AES_128_GCM");
  const Bytes rtp = octets(media, "rtp");
  Bytes sealed(rtp.begin(), rtp.begin() + 12);
  append(sealed, crypto::aes128gcm_seal(key16(octets(media, "session_key")), octets(media, "iv"),
                                        ByteView(rtp).first(12), ByteView(rtp).subspan(12)));
  CHECK(to_hex(sealed) == text(media, "encrypted"));

  const auto& control = corpus.at("rfc7714").at("srtcp-AEAD_AES_128_GCM-17.1");
  const Bytes rtcp = octets(control, "rtcp");
  const std::string index_text = "8" + text(control, "srtcp_index").substr(1);  // with the E bit
  Bytes aad(rtcp.begin(), rtcp.begin() + 8);
  append(aad, from_hex(index_text).value());
  sealed.assign(rtcp.begin(), rtcp.begin() + 8);
  append(sealed, crypto::aes128gcm_seal(key16(octets(control, "session_key")), octets(control, "iv"), aad,
                                        ByteView(rtcp).subspan(8)));
  CHECK(to_hex(sealed) + index_text == text(control, "encrypted"));
}
