#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "media/rtp/packet.hpp"

using namespace beckon;

TEST_CASE(
    "packets that broke other RTP programs are read or refused, and what is read prints back the same "
    "header") {
  std::size_t files = 0;
  std::size_t read = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(BECKON_CORPORA "/rtp")) {
    if (!entry.is_regular_file()) continue;
    CAPTURE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const Bytes bytes{std::istreambuf_iterator<char>(file), {}};
    ++files;
    const auto packet = rtp::parse_packet(bytes);
    if (!packet) continue;
    ++read;
    const Bytes printed = rtp::print(*packet);
    REQUIRE(printed.size() == bytes.size());
    const auto again = rtp::parse_packet(printed);
    REQUIRE(again.has_value());
    CHECK(again->header == packet->header);
    CHECK(again->payload.size() == packet->payload.size());
  }
  CHECK(files >= 30);
  CHECK(read >= 10);
}
