#include "media/rtp/packet.hpp"

#include <doctest/doctest.h>

#include <string>

#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::rtp;

namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

}  // namespace

TEST_CASE("a plain packet gives its header and payload (RFC 3550 5.1)") {
  const Bytes bytes = hex("80ef000700000780deadbeef0102");
  const auto packet = parse_packet(bytes);
  REQUIRE(packet.has_value());
  CHECK(packet->header ==
        Header{.marker = true, .payload_type = 111, .sequence = 7, .timestamp = 1920, .ssrc = 0xdeadbeef});
  CHECK(packet->csrcs().empty());
  CHECK_FALSE(packet->extension);
  CHECK(to_hex(packet->payload) == "0102");
  CHECK(print(*packet) == bytes);
}

TEST_CASE(
    "CSRC list, extension and padding are taken off the payload, and printed back (RFC 3550 5.1, 5.3.1)") {
  const Bytes bytes =
      hex("b200000100000000000000aa"  // V=2 P X CC=2
          "0000000100000002"          // two CSRCs
          "bede000111223344"          // extension of one word
          "c0ffee"                    // payload
          "000003");                  // padding
  const auto packet = parse_packet(bytes);
  REQUIRE(packet.has_value());
  REQUIRE(packet->csrcs().size() == 2);
  CHECK(packet->csrcs()[1] == 2);
  REQUIRE(packet->extension);
  CHECK(packet->extension->profile == 0xbede);
  CHECK(to_hex(packet->extension->data) == "11223344");
  CHECK(to_hex(packet->payload) == "c0ffee");
  CHECK(packet->padding_size == 3);
  CHECK(print(*packet) == bytes);
}

TEST_CASE("a packet that is not whole is refused with its reason (RFC 3550 A.1)") {
  struct Row {
    const char* text;
    Errc error;
  };
  const Row rows[] = {
      {"", Errc::too_short},
      {"80000001000000000000aa", Errc::too_short},
      {"40000001000000000000aabb", Errc::bad_version},
      {"00000001000000000000aabb", Errc::bad_version},
      {"81000001000000000000aabb000000", Errc::bad_csrc},
      {"8f000001000000000000aabb00000000", Errc::bad_csrc},
      {"90000001000000000000aabb", Errc::bad_extension},
      {"90000001000000000000aabbbede0001112233", Errc::bad_extension},
      {"90000001000000000000aabbbedeffff11223344", Errc::bad_extension},
      {"a0000001000000000000aabb", Errc::bad_padding},
      {"a0000001000000000000aabb00", Errc::bad_padding},
      {"a0000001000000000000aabb02", Errc::bad_padding},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const Bytes bytes = hex(row.text);
    const auto packet = parse_packet(bytes);
    REQUIRE(packet.has_error());
    CHECK(packet.error() == make_error_code(row.error));
    CHECK_FALSE(packet.error().message().empty());
  }
}

TEST_CASE("every cut of a good packet is read inside its bounds or refused") {
  const Bytes whole = hex("b200000100000000000000aa0000000100000002bede000111223344c0ffee000003");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto packet = parse_packet(cut);
    if (!packet) continue;
    CHECK(packet->payload.data() + packet->payload.size() + packet->padding_size == cut.data() + cut.size());
  }
}
