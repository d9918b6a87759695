#include "media/stream/interfaces.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace beckon;
using namespace beckon::stream;

namespace {

std::vector<direct::Prefix> interfaces() {
  std::vector<direct::Prefix> list;
  for (const char* const ip : {"127.0.0.1", "::1", "fe80::1", "2001:db8::10", "192.0.2.10", "169.254.3.4"}) {
    list.push_back({*parse_ip(ip), 24});
  }
  return list;
}

std::string show(const std::vector<direct::Candidate>& candidates) {
  std::string out;
  for (const auto& candidate : candidates) out += print(candidate.address) + " ";
  return out;
}

}  // namespace

TEST_CASE("host candidates are the addresses others can reach the socket at (DIRECT_SESSIONS 2)") {
  struct Row {
    const char* local;
    bool loopback;
    const char* candidates;
  };
  const Row rows[] = {
      {"0.0.0.0:40000", false, "192.0.2.10:40000 "},
      {"[::]:40000", false, "192.0.2.10:40000 [2001:db8::10]:40000 "},
      {"[::]:40000", true, "192.0.2.10:40000 [2001:db8::10]:40000 127.0.0.1:40000 [::1]:40000 "},
      {"127.0.0.1:40000", true, "127.0.0.1:40000 "},
      {"127.0.0.1:40000", false, ""},
      {"198.51.100.7:5", false, "198.51.100.7:5 "},
  };
  for (const Row& row : rows) {
    CAPTURE(row.local);
    CHECK(show(host_candidates(*parse_address(row.local), interfaces(), row.loopback)) == row.candidates);
  }
}

TEST_CASE("candidate priorities follow RFC 8445 5.1.2.1, and there are at most eight") {
  const auto two = host_candidates(*parse_address("[::]:1"), interfaces(), false);
  REQUIRE(two.size() == 2);
  CHECK(two[0].priority == 2130706431);
  CHECK(two[1].priority == 2130706175);
  std::vector<direct::Prefix> many;
  for (int i = 1; i <= 20; ++i) many.push_back({*parse_ip("192.0.2." + std::to_string(i)), 24});
  CHECK(host_candidates(*parse_address("0.0.0.0:1"), many, false).size() == 8);
}

TEST_CASE("this machine has a loopback interface of /8") {
  const auto list = read_interfaces();
  const auto loopback = std::find_if(list.begin(), list.end(),
                                     [](const auto& entry) { return entry.ip == *parse_ip("127.0.0.1"); });
  REQUIRE(loopback != list.end());
  CHECK(loopback->length == 8);
}
