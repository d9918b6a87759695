#include "protocol/crypto/crypto.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "protocol/base/text.hpp"

using namespace beckon;

namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

template <class Key = crypto::Key32>
Key key(std::string_view text) {
  const Bytes bytes = hex(text);
  Key out{};
  REQUIRE(bytes.size() == out.size());
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

}  // namespace

TEST_CASE("digests of \"abc\" and of nothing (FIPS 180-4, RFC 1321)") {
  const struct {
    crypto::Hash algorithm;
    std::string_view abc;
    std::string_view empty;
  } rows[] = {
      {crypto::Hash::md5, "900150983cd24fb0d6963f7d28e17f72", "d41d8cd98f00b204e9800998ecf8427e"},
      {crypto::Hash::sha1, "a9993e364706816aba3e25717850c26c9cd0d89d",
       "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
      {crypto::Hash::sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {crypto::Hash::sha512_256, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
       "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.abc);
    CHECK(to_hex(crypto::hash(row.algorithm, as_bytes("abc"))) == row.abc);
    CHECK(to_hex(crypto::hash(row.algorithm, {})) == row.empty);
  }
}

TEST_CASE("HMAC takes any key, the empty one too (RFC 2104, RFC 4231 4.2)") {
  CHECK(to_hex(crypto::hmac(crypto::Hash::sha256, Bytes(20, 0x0b), as_bytes("Hi There"))) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(to_hex(crypto::hmac(crypto::Hash::sha256, {}, {})) ==
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("PBKDF2 with SHA-1 (RFC 6070)") {
  CHECK(to_hex(crypto::pbkdf2(crypto::Hash::sha1, "password", as_bytes("salt"), 2, 20)) ==
        "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
}

TEST_CASE("HKDF with SHA-256 (RFC 5869 A.1, A.2, A.3)") {
  const auto count_up = [](int from, std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i)
      out[i] = static_cast<std::uint8_t>(static_cast<std::size_t>(from) + i);
    return out;
  };
  const struct {
    Bytes ikm;
    Bytes salt;
    Bytes info;
    std::size_t size;
    std::string_view prk;
    std::string_view okm;
  } rows[] = {
      {Bytes(22, 0x0b), count_up(0, 13), count_up(0xf0, 10), 42,
       "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
       "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
      {count_up(0, 80), count_up(0x60, 80), count_up(0xb0, 80), 82,
       "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
       "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
       "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
      {Bytes(22, 0x0b),
       {},
       {},
       42,
       "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
       "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.okm);
    CHECK(to_hex(crypto::hkdf_extract(row.salt, row.ikm)) == row.prk);
    CHECK(to_hex(crypto::hkdf_expand(crypto::hkdf_extract(row.salt, row.ikm), row.info, row.size)) ==
          row.okm);
    CHECK(to_hex(crypto::hkdf(row.ikm, row.salt, row.info, row.size)) == row.okm);
  }
}

TEST_CASE("AES-128-GCM opens what it sealed and refuses every changed bit") {
  // Key, nonce, plaintext and result of RFC 9180 A.1.4.1, sequence number 0.
  const auto secret = key<crypto::Key16>("1364ead92c47aa7becfa95203037b19a");
  const Bytes nonce = hex("99d8b5c54669807e9fc70df1");
  const Bytes aad = hex("436f756e742d30");
  const Bytes plain = hex("4265617574792069732074727574682c20747275746820626561757479");
  const Bytes sealed = crypto::aes128gcm_seal(secret, nonce, aad, plain);
  CHECK(to_hex(sealed) ==
        "a84c64df1e11d8fd11450039d4fe64ff0c8a99fca0bd72c2d4c3e0400bc14a40f27e45e141a24001697737533e");
  CHECK(crypto::aes128gcm_open(secret, nonce, aad, sealed).value() == plain);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes changed = sealed;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
    CAPTURE(bit);
    CHECK(crypto::aes128gcm_open(secret, nonce, aad, changed).error() == crypto::Errc::bad_tag);
  }
  CHECK(crypto::aes128gcm_open(secret, nonce, {}, sealed).error() == crypto::Errc::bad_tag);
  CHECK(crypto::aes128gcm_open(secret, nonce, aad, ByteView(sealed).first(15)).error() ==
        crypto::Errc::bad_tag);
}

TEST_CASE("AES-128-GCM seals an empty text") {
  const crypto::Key16 secret{};
  const Bytes sealed = crypto::aes128gcm_seal(secret, Bytes(12, 0), {}, {});
  CHECK(to_hex(sealed) == "58e2fccefa7e3061367f1d57a4e7455a");  // GCM specification, test case 1
  CHECK(crypto::aes128gcm_open(secret, Bytes(12, 0), {}, sealed).value().empty());
}

TEST_CASE("X25519 (RFC 7748 6.1)") {
  const auto a = key("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const auto b = key("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  CHECK(to_hex(crypto::x25519_public(a)) ==
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  CHECK(to_hex(crypto::x25519_public(b)) ==
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  const std::string shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  CHECK(to_hex(crypto::x25519(a, crypto::x25519_public(b)).value()) == shared);
  CHECK(to_hex(crypto::x25519(b, crypto::x25519_public(a)).value()) == shared);
}

TEST_CASE("X25519 refuses points of low order, whose product is zero (RFC 7748 6.1)") {
  const auto secret = key("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  for (const auto point : {"0000000000000000000000000000000000000000000000000000000000000000",
                           "0100000000000000000000000000000000000000000000000000000000000000",
                           "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    CAPTURE(point);
    CHECK(crypto::x25519(secret, key(point)).error() == crypto::Errc::zero_secret);
  }
}

TEST_CASE("the key pairs of the direct-session vectors (DIRECT_SESSIONS 15)") {
  const struct {
    std::string_view secret;
    std::string_view pub;
  } exchange[] = {
      {"e79d22bbd52a4c4f1897e7f1839100faa495433ceb2ce0946ee8f2346ac46b85",
       "0a6737678ad1ac9dd5d9a5bd48e6d1ab6077699538833704e24f9ab7dbff0e1f"},
      {"fe153d5d3d5af2810832e583bfdce1a2c87cbf94bd4188335bb0d2b7441721c4",
       "753074486ebdf648a18de1cc60aadf8ab253911110745cc7f8d7f9196859595f"},
      {"0ac1b1fc121f055100bbead12d8ada4b8c2789f3ea0184b27402e3f93686b4cc",
       "19a43c259390c92fa40f100681dcfbc8e8d21d23cd928192192066ca6e8f0763"},
      {"238b408c77efadca90a8715d909fe088ce3aacc016c430b52be169edb5535b9b",
       "450fd0f3a4764e74dd5877fb7e30aeffa2e72f3df430df034adab51eddd0da2e"},
      {"2fcc16bd0cad31d494af71eb7800d68474bbd5b576cce065562c371a1fbf70fc",
       "bc07ff891a737ace4e0cbc835b774cf29804736780201d123b9a1150d0e4d90d"},
  };
  for (const auto& row : exchange) {
    CAPTURE(row.secret);
    CHECK(to_hex(crypto::x25519_public(key(row.secret))) == row.pub);
  }
  CHECK(to_hex(crypto::ed25519_public(
            key("9fe90de32b3c69856db4ade53d176ac0b5f9049f1a59413c442e824e0a380840"))) ==
        "9e7c29d6635595f1c0e30f29f9d390308885f3244678880de99a3fc38c7b12fa");
  CHECK(to_hex(crypto::ed25519_public(
            key("dc2b9df4a595e04b4ed543f16d0bd12766bf3146f8020fafe121286073cb0104"))) ==
        "fcdb6b983fbaf7979080d49c42bdb6c3312511a0a9e828e3630c123719d4686d");
}

TEST_CASE("Ed25519 (RFC 8032 7.1)") {
  const struct {
    std::string_view seed;
    std::string_view pub;
    std::string_view message;
    std::string_view signature;
  } rows[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf"
       "5f0595b"
       "be24655141438e7a100b"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c1"
       "5e9716e"
       "d28dc027beceea1ec40a"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.seed);
    const auto pub = key(row.pub);
    CHECK(crypto::ed25519_public(key(row.seed)) == pub);
    auto signature = crypto::ed25519_sign(key(row.seed), hex(row.message));
    CHECK(to_hex(signature) == row.signature);
    CHECK(crypto::ed25519_verify(pub, hex(row.message), signature));
    CHECK_FALSE(crypto::ed25519_verify(pub, as_bytes("another"), signature));
    CHECK_FALSE(crypto::ed25519_verify(pub, hex(row.message), ByteView(signature).first(63)));
    signature[0] ^= 1;
    CHECK_FALSE(crypto::ed25519_verify(pub, hex(row.message), signature));
  }
}

TEST_CASE("keys made from a generator are valid and repeat with its seed") {
  SeededRandom random(7);
  SeededRandom again(7);
  const auto pair = crypto::make_x25519(random);
  CHECK(pair.pub == crypto::x25519_public(pair.secret));
  CHECK(crypto::make_x25519(again).pub == pair.pub);
  const auto identity = crypto::make_ed25519(random);
  CHECK(identity.pub == crypto::ed25519_public(identity.secret));
}

TEST_CASE("the system's generator does not repeat itself") {
  crypto::SystemRandom random;
  CHECK(random.bytes(32) != random.bytes(32));
  CHECK(random.bytes(1000) != random.bytes(1000));
  std::set<Bytes> seen;  // more than a store of short ones
  for (int i = 0; i < 500; ++i) CHECK(seen.insert(random.bytes(12)).second);
}

TEST_CASE("equal octets compare equal, others do not; wiped octets are zero") {
  CHECK(crypto::equal_constant_time(as_bytes("same"), as_bytes("same")));
  CHECK_FALSE(crypto::equal_constant_time(as_bytes("same"), as_bytes("some")));
  CHECK_FALSE(crypto::equal_constant_time(as_bytes("same"), as_bytes("sam")));
  CHECK(crypto::equal_constant_time({}, {}));
  Bytes secret(16, 0xaa);
  crypto::wipe(secret);
  CHECK(secret == Bytes(16, 0));
}
