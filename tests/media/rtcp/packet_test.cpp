#include "media/rtcp/packet.hpp"

#include <doctest/doctest.h>

#include <string_view>

#include "protocol/base/text.hpp"

using namespace beckon;

namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

rtcp::Compound full_compound() {
  rtcp::Report report{
      .ssrc = 0x11111111, .sender = rtcp::SenderInfo{0x0102030405060708, 960, 7, 700}, .blocks = {}};
  report.blocks.push_back(
      {.ssrc = 0x22222222,
       .report = {.fraction_lost = 3, .cumulative_lost = -2, .highest_sequence = 65537, .jitter = 9},
       .last_sr = 5,
       .delay_since_last_sr = 6});
  return {report, rtcp::Description{{{0x11111111, {{rtcp::item_cname, "abcdefghijklmnop"}, {7, "note"}}}}},
          rtcp::App{2, 0x11111111, {'B', 'K', 'D', 'S'}, hex("01000000")},
          rtcp::Bye{{0x11111111, 0x33333333}, "10"}};
}

}  // namespace

TEST_CASE("a compound packet is written as RFC 3550 6.4 to 6.7 draw it") {
  CHECK(to_hex(rtcp::print(full_compound())) ==
        "81c8000c11111111"                          // SR, one block
        "0102030405060708000003c000000007000002bc"  // sender info
        "2222222203fffffe00010001000000090000000500000006"
        "81ca0008111111110110"  // SDES, CNAME of 16 octets
        "6162636465666768696a6b6c6d6e6f7007046e6f746500000000"
        "82cc000311111111424b445301000000"  // APP, subtype 2
        "82cb000311111111333333330231300"
        "0");  // BYE with a reason
}

TEST_CASE("what was written reads back") {
  const Bytes bytes = rtcp::print(full_compound());
  const auto compound = rtcp::parse_compound(bytes).value();
  REQUIRE(compound.size() == 4);
  const auto& report = std::get<rtcp::Report>(compound[0]);
  REQUIRE(report.sender);
  CHECK(report.sender->ntp_time == 0x0102030405060708);
  REQUIRE(report.blocks.size() == 1);
  CHECK(report.blocks[0].report.cumulative_lost == -2);
  CHECK(report.blocks[0].report.highest_sequence == 65537);
  const auto& description = std::get<rtcp::Description>(compound[1]);
  CHECK(description.chunks.at(0).items.at(0).text == "abcdefghijklmnop");
  CHECK(description.chunks.at(0).items.at(1).text == "note");
  const auto& app = std::get<rtcp::App>(compound[2]);
  CHECK(app.subtype == 2);
  CHECK(std::string_view(app.name.data(), 4) == "BKDS");
  CHECK(to_hex(app.data) == "01000000");
  const auto& bye = std::get<rtcp::Bye>(compound[3]);
  CHECK(bye.ssrcs == std::vector<std::uint32_t>{0x11111111, 0x33333333});
  CHECK(bye.reason == "10");
  CHECK(rtcp::print(compound) == bytes);
}

TEST_CASE("texts of every length that fits stand on word boundaries") {
  for (std::size_t size = 0; size <= 255; ++size) {
    CAPTURE(size);
    const std::string text(size, 'x');
    const rtcp::Compound compound{rtcp::Report{1, {}, {}},
                                  rtcp::Description{{{1, {{rtcp::item_cname, text}}}, {2, {{2, text}}}}},
                                  rtcp::Bye{{1}, text}};
    const Bytes bytes = rtcp::print(compound);
    CHECK(bytes.size() % 4 == 0);
    const auto read = rtcp::parse_compound(bytes).value();
    CHECK(std::get<rtcp::Description>(read[1]).chunks.at(1).items.at(0).text == text);
    CHECK(std::get<rtcp::Bye>(read[2]).reason == text);
  }
}

TEST_CASE("padding is allowed on the last packet only (RFC 3550 6.4.1)") {
  CHECK(rtcp::parse_compound(hex("a0c900021111111100000004")).has_value());
  CHECK(rtcp::parse_compound(hex("a0c90002111111110000000480c9000111111111")).error() ==
        rtcp::Errc::bad_padding);
  CHECK(rtcp::parse_compound(hex("a0c900021111111100000000")).error() == rtcp::Errc::bad_padding);
  CHECK(rtcp::parse_compound(hex("a0c900021111111100000003")).error() == rtcp::Errc::bad_padding);
  CHECK(rtcp::parse_compound(hex("a0c9000211111111000000fc")).error() == rtcp::Errc::bad_padding);
}

TEST_CASE("octets that are not a compound packet are refused with the reason") {
  const struct {
    std::string_view text;
    rtcp::Errc why;
  } rows[] = {
      {"", rtcp::Errc::too_short},
      {"80c900", rtcp::Errc::too_short},
      {"80c900011111111180", rtcp::Errc::too_short},
      {"40c9000111111111", rtcp::Errc::bad_version},
      {"80c9000211111111", rtcp::Errc::bad_length},
      {"80c90000", rtcp::Errc::bad_length},
      {"81c9000111111111", rtcp::Errc::bad_length},
      {"80c8000111111111", rtcp::Errc::bad_length},
      {"80ca0000", rtcp::Errc::not_compound},
      {"80c900011111111181ca0000", rtcp::Errc::bad_length},
      {"80c900011111111181ca00021111111101054142", rtcp::Errc::bad_item},
      {"80c900011111111181ca00021111111101024142", rtcp::Errc::bad_item},
      {"80c900011111111181cb0000", rtcp::Errc::bad_length},
      {"80c900011111111181cb00021111111104414243", rtcp::Errc::bad_item},
      {"80c900011111111180cc000111111111", rtcp::Errc::bad_length},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(rtcp::parse_compound(hex(row.text)).error() == row.why);
  }
}

TEST_CASE("packets of other types are kept as they came (RFC 4585 6.1)") {
  const Bytes bytes = hex("80c900011111111181ce00021111111122222222");
  const auto compound = rtcp::parse_compound(bytes).value();
  CHECK(std::get<rtcp::Other>(compound.at(1)).type == 206);
  CHECK(std::get<rtcp::Other>(compound.at(1)).count == 1);
  CHECK(rtcp::print(compound) == bytes);
}
