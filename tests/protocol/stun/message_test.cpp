#include "protocol/stun/message.hpp"

#include <doctest/doctest.h>

#include <string_view>

#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"

using namespace beckon;
using stun::Class;

namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

constexpr std::string_view password = "VOkJxbRl1RmTxUk/WvJxBt";
constexpr std::string_view rfc5769_request =
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
    "c1b571a280280004e57a3bcf";
constexpr std::string_view rfc5769_ipv4_response =
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
constexpr std::string_view rfc5769_ipv6_response =
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9fa"
    "a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";
constexpr std::string_view rfc8489_long_term =
    "0001009c2112a44278ad3433c6ad72c029da412e001e00204a3cf38fef6992bda952c6780417da0f24819415569e60b2"
    "05c46e41407f1704001500296f624d61744a6f733241414143662f2f3439396b39353464364f4c33346f4c3946535476"
    "79363473410000000014000b6578616d706c652e6f726700001c0020e4686c8f0edeb59013e07090010a93efccbccc54"
    "4c0a45d9f830aa6d6f735a01";
/// The response of DIRECT_SESSIONS 15 and its key "ds1 stun c2s".
constexpr std::string_view direct_response =
    "010100402112a442101112131415161718191a1b002000080001bd50e112a656cb02000402000000001c002063570d90"
    "d7478b991d799973a66c5e207d096188e84d20caf690100b3eb67d608028000447341c8a";
constexpr std::string_view stun_c2s = "c73e1a77bba864b13c6efd9b93af525afff792e67987b949447620a046f78f09";
constexpr stun::TransactionId transaction{0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
                                          0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b};
const Address mapped = parse_address("192.0.2.20:40002").value();

Bytes make_request() { return stun::Writer(Class::request, stun::binding, transaction).bytes(); }

}  // namespace

TEST_CASE("the sample request of RFC 5769 2.1 reads, with its fingerprint and SHA-1 integrity") {
  const Bytes bytes = hex(rfc5769_request);
  const auto message = stun::parse_message(bytes).value();
  CHECK(message.message_class() == Class::request);
  CHECK(message.method() == stun::binding);
  CHECK(to_hex(message.transaction()) == "b7e7a701bc34d686fa87dfae");
  CHECK(as_text(message.find(stun::attribute::username)->value) == "evtj:h6vY");
  CHECK(as_text(message.find(stun::attribute::software)->value) == "STUN test client");
  CHECK(message.has_good_fingerprint());
  CHECK(message.has_good_sha1_integrity(as_bytes(password)));
  CHECK_FALSE(message.has_good_sha1_integrity(as_bytes("another password")));
  CHECK_FALSE(message.has_good_integrity(as_bytes(password)));
}

TEST_CASE("the sample responses of RFC 5769 2.2 and 2.3 give the mapped addresses") {
  const struct {
    std::string_view text;
    std::string_view address;
  } rows[] = {{rfc5769_ipv4_response, "192.0.2.1:32853"},
              {rfc5769_ipv6_response, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"}};
  for (const auto& row : rows) {
    CAPTURE(row.address);
    const Bytes bytes = hex(row.text);
    const auto message = stun::parse_message(bytes).value();
    CHECK(message.message_class() == Class::success);
    CHECK(message.xor_mapped_address() == parse_address(row.address));
    CHECK(message.has_good_fingerprint());
    CHECK(message.has_good_sha1_integrity(as_bytes(password)));
  }
}

TEST_CASE("the sample of RFC 8489 B.1 is refused: its length field counts the header too") {
  // With its header counted, the HMAC of the print checks; no message on the wire can be like that.
  CHECK(stun::parse_message(hex(rfc8489_long_term)).error() == stun::Errc::bad_length);
}

TEST_CASE(
    "the response of the direct-session vectors reads and is written octet by octet (DIRECT_SESSIONS 15)") {
  const Bytes bytes = hex(direct_response);
  const Bytes key = hex(stun_c2s);
  const auto message = stun::parse_message(bytes).value();
  CHECK(message.xor_mapped_address() == mapped);
  CHECK(to_hex(message.find(stun::attribute::direct_state)->value) == "02000000");
  CHECK(message.has_good_integrity(key));
  CHECK(message.has_good_fingerprint());
  const auto written = stun::Writer(Class::success, stun::binding, transaction)
                           .add_xor_mapped_address(mapped)
                           .add(stun::attribute::direct_state, hex("02000000"))
                           .add_integrity(key)
                           .add_fingerprint()
                           .bytes();
  CHECK(to_hex(written) == direct_response);
}

TEST_CASE("each changed bit of a protected message is noticed") {
  const Bytes good = hex(direct_response);
  const Bytes key = hex(stun_c2s);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes changed = good;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
    CAPTURE(bit);
    const auto message = stun::parse_message(changed);
    CHECK_FALSE((message && message->has_good_fingerprint() && message->has_good_integrity(key)));
  }
}

TEST_CASE("every cut of a good message is refused") {
  const Bytes good = hex(rfc5769_request);
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK(stun::parse_message(ByteView(good).first(size)).has_error());
  }
}

TEST_CASE("octets that are not a STUN message are refused with the reason") {
  const struct {
    std::string_view text;
    stun::Errc why;
  } rows[] = {
      {"000100002112a442", stun::Errc::too_short},
      {"800100002112a442101112131415161718191a1b", stun::Errc::not_stun},
      {"000100002112a443101112131415161718191a1b", stun::Errc::not_stun},
      {"000100042112a442101112131415161718191a1b", stun::Errc::bad_length},
      {"000100022112a442101112131415161718191a1b0000", stun::Errc::bad_length},
      {"000100042112a442101112131415161718191a1b80220004", stun::Errc::bad_attribute},
      {"000100082112a442101112131415161718191a1b8022000541424344", stun::Errc::bad_attribute},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(stun::parse_message(hex(row.text)).error() == row.why);
  }
}

TEST_CASE("attributes after MESSAGE-INTEGRITY-SHA256 are ignored (RFC 8489 14.6)") {
  const auto bytes = stun::Writer(Class::success, stun::binding, transaction)
                         .add_integrity(as_bytes("key"))
                         .add_xor_mapped_address(mapped)
                         .bytes();
  const auto message = stun::parse_message(bytes).value();
  CHECK(message.has_good_integrity(as_bytes("key")));
  CHECK_FALSE(message.xor_mapped_address());
}

TEST_CASE("class and method keep their scattered bits (RFC 8489 5)") {
  for (const auto message_class : {Class::request, Class::indication, Class::success, Class::error}) {
    for (const int bits : {1, 0x0f, 0x10, 0x7f, 0x80, 0xfff}) {
      const auto method = static_cast<std::uint16_t>(bits);
      CAPTURE(method);
      const auto bytes = stun::Writer(message_class, method, transaction).bytes();
      const auto message = stun::parse_message(bytes).value();
      CHECK(message.message_class() == message_class);
      CHECK(message.method() == method);
    }
  }
}

TEST_CASE("an error response carries its code and reason (RFC 8489 14.8)") {
  const auto bytes =
      stun::Writer(Class::error, stun::binding, transaction).add_error_code(438, "Stale Epoch").bytes();
  const auto message = stun::parse_message(bytes).value();
  REQUIRE(message.error_code());
  CHECK(message.error_code()->code == 438);
  CHECK(message.error_code()->reason == "Stale Epoch");
}

TEST_CASE("a plain Binding request is answered with the address it came from (RFC 8489 6.3)") {
  const Bytes request = make_request();
  const auto bytes = stun::make_binding_response(request, mapped, "beckond");
  REQUIRE(bytes);
  const auto response = stun::parse_message(*bytes).value();
  CHECK(response.message_class() == Class::success);
  CHECK(response.transaction() == transaction);
  CHECK(response.xor_mapped_address() == mapped);
  CHECK(as_text(response.find(stun::attribute::software)->value) == "beckond");
  CHECK_FALSE(response.find(stun::attribute::fingerprint));
}

TEST_CASE("a Binding request with a fingerprint is answered with one; a wrong fingerprint gets no answer") {
  Bytes request = stun::Writer(Class::request, stun::binding, transaction).add_fingerprint().bytes();
  const auto bytes = stun::make_binding_response(request, mapped, "");
  REQUIRE(bytes);
  CHECK(stun::parse_message(*bytes)->has_good_fingerprint());
  request.back() ^= 1;
  CHECK_FALSE(stun::make_binding_response(request, mapped, ""));
}

TEST_CASE(
    "a request with unknown comprehension-required attributes gets 420 and their list (RFC 8489 6.3.1)") {
  const Bytes request = stun::Writer(Class::request, stun::binding, transaction)
                            .add(0x0024, hex("00000001"))
                            .add(0x0025, {})
                            .add(0x8029, hex("0000000000000000"))
                            .bytes();
  const auto bytes = stun::make_binding_response(request, mapped, "");
  REQUIRE(bytes);
  const auto response = stun::parse_message(*bytes).value();
  CHECK(response.error_code()->code == 420);
  CHECK(to_hex(response.find(stun::attribute::unknown_attributes)->value) == "00240025");
}

TEST_CASE("responses, indications and other methods get no answer") {
  for (const auto& bytes : {stun::Writer(Class::success, stun::binding, transaction).bytes(),
                            stun::Writer(Class::indication, stun::binding, transaction).bytes(),
                            stun::Writer(Class::request, 3, transaction).bytes(), Bytes{}, Bytes(19, 0)}) {
    CHECK_FALSE(stun::make_binding_response(bytes, mapped, "beckond"));
  }
}
