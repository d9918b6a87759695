#include "media/direct/hpke.hpp"

#include <doctest/doctest.h>

#include <string_view>

#include "tests/media/direct/vectors.hpp"

using namespace beckon;
namespace hpke = direct::hpke;
using vectors::hex;

namespace {

// RFC 9180 A.1.4.
const auto ephemeral = vectors::pair("14de82a5897b613616a00c39b87429df35bc2b426bcfd73febcb45e903490768",
                                     "820818d3c23993492cc5623ab437a48a0a7ca3e9639c140fe1e33811eb844b7c");
const auto receiver = vectors::pair("cb29a95649dc5656c2d054c1aa0d3df0493155e9d5da6d7e344ed8b6a64a9423",
                                    "1d11a3cd247ae48e901939659bd4d79b6b959e1f3e7d66663fbc9412dd4e0976");
const auto sender = vectors::pair("fc1c87d2f3832adb178b431fce2ac77c7ca2fd680f3406c77b5ecdf818b119f4",
                                  "2bfb2eb18fcad1af0e4f99142a1c474ae74e21b9425fc5c589382c69b50cc57e");
const Bytes info = hex("4f6465206f6e2061204772656369616e2055726e");
const Bytes psk = hex("0247fd33b913760fa1fa51e1892d9f307fbe65eb171e8132c2af18555a738b82");
const Bytes psk_id = hex("456e6e796e20447572696e206172616e204d6f726961");
const Bytes plain = hex("4265617574792069732074727574682c20747275746820626561757479");
const hpke::Agreement agreement{info, psk, psk_id};

}  // namespace

TEST_CASE("both sides of mode_auth_psk reach the key schedule of RFC 9180 A.1.4") {
  const auto a = hpke::setup_sender(ephemeral, receiver.pub, sender, agreement).value();
  const auto b = hpke::setup_receiver(ephemeral.pub, receiver, sender.pub, agreement).value();
  for (const auto* context : {&a, &b}) {
    CHECK(to_hex(context->key()) == "1364ead92c47aa7becfa95203037b19a");
    CHECK(to_hex(context->base_nonce()) == "99d8b5c54669807e9fc70df1");
    CHECK(to_hex(context->exporter_secret()) ==
          "f048d55eacbf60f9c6154bd4021774d1075ebf963c6adc71fa846f183ab2dde6");
  }
}

TEST_CASE("sealing gives the ciphertexts of RFC 9180 A.1.4.1") {
  const auto a = hpke::setup_sender(ephemeral, receiver.pub, sender, agreement).value();
  const auto b = hpke::setup_receiver(ephemeral.pub, receiver, sender.pub, agreement).value();
  const struct {
    std::uint64_t sequence;
    std::string_view aad;
    std::string_view sealed;
  } rows[] = {
      {0, "436f756e742d30",
       "a84c64df1e11d8fd11450039d4fe64ff0c8a99fca0bd72c2d4c3e0400bc14a40f27e45e141a24001697737533e"},
      {1, "436f756e742d31",
       "4d19303b848f424fc3c3beca249b2c6de0a34083b8e909b6aa4c3688505c05ffe0c8f57a0a4c5ab9da127435d9"},
      {2, "436f756e742d32",
       "0c085a365fbfa63409943b00a3127abce6e45991bc653f182a80120868fc507e9e4d5e37bcc384fc8f14153b24"},
      {4, "436f756e742d34",
       "000a3cd3a3523bf7d9796830b1cd987e841a8bae6561ebb6791a3f0e34e89a4fb539faeee3428b8bbc082d2c1a"},
      {255, "436f756e742d323535",
       "576d39dd2d4cc77d1a14a51d5c5f9d5e77586c3d8d2ab33bdec6379e28ce5c502f0b1cbd09047cf9eb9269bb52"},
      {256, "436f756e742d323536",
       "13239bab72e25e9fd5bb09695d23c90a24595158b99127505c8a9ff9f127e0d657f71af59d67d4f4971da028f9"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.sequence);
    CHECK(to_hex(a.seal(row.sequence, hex(row.aad), plain)) == row.sealed);
    CHECK(b.open(row.sequence, hex(row.aad), hex(row.sealed)).value() == plain);
    CHECK(b.open(row.sequence + 1, hex(row.aad), hex(row.sealed)).has_error());
  }
}

TEST_CASE("exports are those of RFC 9180 A.1.4.2") {
  const auto a = hpke::setup_sender(ephemeral, receiver.pub, sender, agreement).value();
  CHECK(to_hex(a.export_secret("", 32)) ==
        "08f7e20644bb9b8af54ad66d2067457c5f9fcb2a23d9f6cb4445c0797b330067");
  CHECK(to_hex(a.export_secret(std::string_view("\0", 1), 32)) ==
        "52e51ff7d436557ced5265ff8b94ce69cf7583f49cdb374e6aad801fc063b010");
  CHECK(to_hex(a.export_secret("TestContext", 32)) ==
        "a30c20370c026bbea4dca51cb63761695132d342bae33a6a11527d3e7679436d");
}

TEST_CASE("a key of low order is refused (RFC 7748 6.1)") {
  CHECK(hpke::setup_sender(ephemeral, crypto::Key32{}, sender, agreement).error() ==
        crypto::Errc::zero_secret);
  CHECK(hpke::setup_receiver(crypto::Key32{}, receiver, sender.pub, agreement).error() ==
        crypto::Errc::zero_secret);
  CHECK(hpke::setup_receiver(ephemeral.pub, receiver, crypto::Key32{}, agreement).error() ==
        crypto::Errc::zero_secret);
}
