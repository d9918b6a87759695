#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "media/rtcp/packet.hpp"

using namespace beckon;

TEST_CASE("no file of the RTCP corpus does harm, and what is read prints to what reads the same") {
  std::size_t files = 0;
  std::size_t read = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(BECKON_CORPORA "/rtcp")) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const Bytes bytes{std::istreambuf_iterator<char>(file), {}};
    CAPTURE(entry.path().string());
    ++files;
    const auto compound = rtcp::parse_compound(bytes);
    if (!compound) continue;
    ++read;
    const Bytes printed = rtcp::print(*compound);
    const auto again = rtcp::parse_compound(printed);
    REQUIRE(again.has_value());
    CHECK(rtcp::print(*again) == printed);
  }
  CHECK(files >= 80);
  CHECK(read > 0);
}
