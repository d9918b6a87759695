#include "protocol/net/websocket_framer.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "tests/protocol/net/masked.hpp"

using namespace beckon;
using namespace beckon::net;
using namespace beckon::net::test;
using namespace std::literals;

namespace {

using Kind = WebSocketOpcode;
using Items = std::vector<std::pair<Kind, std::string>>;

/// All items, and the error the stream ended with.
struct Outcome {
  Items items;
  ErrorCode error;
};
void drain(WebSocketFramer& framer, Outcome& outcome) {
  for (;;) {
    auto item = framer.next();
    if (!item) outcome.error = item.error();
    if (!item || !*item) return;
    outcome.items.emplace_back((*item)->kind, (*item)->octets);
  }
}
Outcome read(std::string_view octets, std::size_t limit = 1 << 20) {
  WebSocketFramer framer(limit);
  Outcome outcome;
  framer.push(octets);
  drain(framer, outcome);
  return outcome;
}

std::string size_head(std::string_view octets) { return std::string(octets) + "\x37\xfa\x21\x3d"; }

}  // namespace

TEST_CASE("the masked frame of RFC 6455 5.7, and lengths of all three forms, are read") {
  CHECK(read("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"sv).items == Items{{Kind::text, "Hello"}});
  for (const std::size_t size : {0UL, 1UL, 125UL, 126UL, 65535UL, 65536UL}) {
    CAPTURE(size);
    const std::string payload(size, 'x');
    CHECK(read(masked(0x82, payload)).items == Items{{Kind::binary, payload}});
  }
}

TEST_CASE("fragments are put together, with control frames between them (RFC 6455 5.4)") {
  const auto octets = masked(0x01, "Hel") + masked(0x89, "ping") + masked(0x00, "l") + masked(0x8A, "") +
                      masked(0x80, "o") + masked(0x82, "next");
  CHECK(read(octets).items ==
        Items{{Kind::ping, "ping"}, {Kind::pong, ""}, {Kind::text, "Hello"}, {Kind::binary, "next"}});
}

TEST_CASE("a stream cut anywhere gives the same items") {
  const auto octets = masked(0x81, "one") + masked(0x02, std::string(200, 'b')) + masked(0x89, "p") +
                      masked(0x80, "end") +
                      masked(0x88,
                             "\x03\xe8"
                             "bye");
  const Items whole = read(octets).items;
  REQUIRE(whole.size() == 4);
  CHECK(whole.back() == std::pair(Kind::close, "bye"s));
  for (std::size_t cut = 0; cut <= octets.size(); ++cut) {
    CAPTURE(cut);
    WebSocketFramer framer;
    Outcome outcome;
    framer.push(std::string_view(octets).substr(0, cut));
    drain(framer, outcome);
    framer.push(std::string_view(octets).substr(cut));
    drain(framer, outcome);
    CHECK(outcome.items == whole);
    CHECK_FALSE(outcome.error);
  }
  WebSocketFramer framer;
  Outcome outcome;
  for (const char c : octets) {
    framer.push({&c, 1});
    drain(framer, outcome);
  }
  CHECK(outcome.items == whole);
}

TEST_CASE("what RFC 6455 forbids ends the stream with its close code") {
  struct Row {
    std::string name, octets;
    Errc error;
    WebSocketClose code;
  };
  const auto bad = [](std::string name, std::string octets) {
    return Row{std::move(name), std::move(octets), Errc::bad_frame, WebSocketClose::protocol_error};
  };
  const Row rows[] = {
      bad("not masked (5.1)", "\x81\x05Hello"),
      bad("reserved bit 1 without extension (5.2)", masked(0xC1, "x")),
      bad("reserved bit 3", masked(0x91, "x")),
      bad("opcode 3 (5.2)", masked(0x83, "x")),
      bad("opcode 11", masked(0x8B, "x")),
      bad("length 125 in 16 bits", size_head("\x81\xfe\x00\x7d"sv)),
      bad("length 65535 in 64 bits", size_head("\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff"sv)),
      bad("fragmented ping (5.5)", masked(0x09, "x")),
      bad("ping of 126 octets (5.5)", masked(0x89, std::string(126, 'x'))),
      bad("continuation of nothing (5.4)", masked(0x80, "x")),
      bad("a new message inside one (5.4)", masked(0x01, "x") + masked(0x81, "y")),
      bad("close with one octet (5.5.1)", masked(0x88, "\x03")),
      bad("close with code 999 (7.4.2)", masked(0x88, "\x03\xe7")),
      bad("close with code 1005 (7.4.1)", masked(0x88, "\x03\xed")),
      bad("close with a reason that is not UTF-8", masked(0x88, "\x03\xe8\xff")),
      {"text that is not UTF-8 (8.1)", masked(0x81, "\xc3\x28"), Errc::not_utf8, WebSocketClose::not_utf8},
      {"64-bit length with its top bit (5.2)", size_head("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00"sv),
       Errc::too_large, WebSocketClose::too_large},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Outcome outcome = read(row.octets);
    CHECK(outcome.items.empty());
    CHECK(outcome.error == row.error);
    CHECK(close_code(outcome.error) == row.code);
  }
}

TEST_CASE("a message at the limit is read, one octet more is refused by its head alone, fragments too") {
  CHECK(read(masked(0x82, std::string(1000, 'x')), 1000).items.size() == 1);
  CHECK(read(masked(0x82, std::string(1001, 'x')).substr(0, 4), 1000).error == Errc::too_large);
  CHECK(read(masked(0x02, std::string(600, 'x')) + masked(0x80, std::string(400, 'y')), 1000).items.size() ==
        1);
  CHECK(read(masked(0x02, std::string(600, 'x')) + masked(0x80, std::string(401, 'y')), 1000).error ==
        Errc::too_large);
}

TEST_CASE("an error is repeated, and nothing after it is read") {
  WebSocketFramer framer;
  framer.push(masked(0x83, "x"));
  CHECK(framer.next().error() == Errc::bad_frame);
  framer.push(masked(0x81, "good"));
  CHECK(framer.next().error() == Errc::bad_frame);
}

TEST_CASE("the server's frames are whole and unmasked, with the shortest length (RFC 6455 5.1, 5.7)") {
  CHECK(*print_frame(Kind::text, "Hello") == "\x81\x05Hello"s);
  CHECK(*print_frame(Kind::pong, "Hello") == "\x8a\x05Hello"s);
  CHECK(print_frame(Kind::binary, std::string(256, 'x'))->substr(0, 4) == "\x82\x7E\x01\x00"s);
  CHECK(print_frame(Kind::binary, std::string(65536, 'x'))->substr(0, 10) ==
        "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s);
  CHECK(*print_close(WebSocketClose::too_large) == "\x88\x02\x03\xf1"s);
}
