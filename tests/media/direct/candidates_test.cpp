#include "media/direct/candidates.hpp"

#include <doctest/doctest.h>

#include <string_view>

using namespace beckon;
using namespace beckon::direct;

namespace {

Candidate candidate(std::string_view address, Candidate::Type type = Candidate::Type::host,
                    std::uint32_t priority = 1) {
  return {type, priority, parse_address(address).value()};
}

Networks home() {
  Networks networks;
  networks.interfaces = {{parse_ip("192.168.1.5").value(), 24},
                         {parse_ip("203.0.113.66").value(), 26},
                         {parse_ip("fd00:1::5").value(), 64}};
  networks.mapped = parse_ip("198.51.100.7");
  networks.private_nets = {{parse_ip("10.20.0.0").value(), 16}};
  return networks;
}

}  // namespace

TEST_CASE("candidates aim only where a caller may send (DIRECT_SESSIONS 5)") {
  const struct {
    std::string_view address;
    bool usable;
    std::string_view why;
  } rows[] = {
      {"192.0.2.10:40000", true, "public IPv4"},
      {"[2001:db8::10]:40000", true, "public IPv6"},
      {"192.0.2.10:1024", true, "the lowest port"},
      {"192.0.2.10:1023", false, "a service's port"},
      {"0.0.0.0:40000", false, "unspecified"},
      {"0.1.2.3:40000", false, "this network"},
      {"[::]:40000", false, "unspecified"},
      {"127.0.0.1:40000", false, "loopback"},
      {"127.8.0.1:40000", false, "loopback"},
      {"[::1]:40000", false, "loopback"},
      {"224.0.0.1:40000", false, "multicast"},
      {"239.255.255.255:40000", false, "multicast"},
      {"[ff02::1]:40000", false, "multicast"},
      {"255.255.255.255:40000", false, "limited broadcast"},
      {"240.0.0.1:40000", false, "reserved"},
      {"192.168.1.255:40000", false, "broadcast of an own subnet"},
      {"203.0.113.127:40000", false, "broadcast of an own subnet that ends inside an octet"},
      {"203.0.113.128:40000", true, "just past that subnet"},
      {"169.254.1.1:40000", false, "link-local"},
      {"[fe80::1]:40000", false, "link-local"},
      {"[febf::1]:40000", false, "link-local"},
      {"[::ffff:192.0.2.10]:40000", false, "IPv4-mapped"},
      {"192.168.1.77:40000", true, "private, own subnet"},
      {"192.168.2.77:40000", false, "private, another subnet"},
      {"10.20.3.4:40000", true, "private, configured"},
      {"10.21.3.4:40000", false, "private, not configured"},
      {"172.16.0.1:40000", false, "private"},
      {"172.31.255.1:40000", false, "private"},
      {"172.32.0.1:40000", true, "just past 172.16/12"},
      {"100.64.0.1:40000", false, "shared address space"},
      {"100.128.0.1:40000", true, "just past 100.64/10"},
      {"[fd00:1::77]:40000", true, "unique local, own subnet"},
      {"[fd00:2::77]:40000", false, "unique local, another subnet"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.address);
    CAPTURE(row.why);
    CHECK(usable_candidates({candidate(row.address)}, home()).size() == (row.usable ? 1 : 0));
  }
}

TEST_CASE("private addresses count when the callee is behind the same NAT (DIRECT_SESSIONS 5)") {
  const auto inside = candidate("192.168.9.9:40000");
  CHECK(usable_candidates({inside, candidate("198.51.100.7:40000", Candidate::Type::srflx)}, home()).size() ==
        2);
  CHECK(usable_candidates({inside, candidate("198.51.100.8:40000", Candidate::Type::srflx)}, home()).size() ==
        1);
  CHECK(usable_candidates({inside, candidate("198.51.100.7:40000")}, home()).size() == 1);
}

TEST_CASE("loopback is for tests, whose switch turns it on") {
  Networks networks;
  networks.loopback = true;
  CHECK(usable_candidates({candidate("127.0.0.1:40000"), candidate("[::1]:40000")}, networks).size() == 2);
  CHECK(usable_candidates({candidate("127.0.0.1:80")}, networks).empty());
}

TEST_CASE("the best four are used, largest priority first") {
  std::vector<Candidate> all;
  for (std::uint32_t i = 0; i < 6; ++i) {
    all.push_back(candidate("192.0.2.1:40000", Candidate::Type::host, i * 7 % 6));
  }
  const auto used = usable_candidates(all, home());
  REQUIRE(used.size() == candidates_per_device_max);
  for (std::uint32_t i = 0; i < used.size(); ++i) CHECK(used[i].priority == 5 - i);
}

TEST_CASE("a socket of one family does not send to the other") {
  Networks networks;
  networks.family = IpAddress::Family::v4;
  const auto used =
      usable_candidates({candidate("[2001:db8::10]:40000"), candidate("192.0.2.10:40000")}, networks);
  REQUIRE(used.size() == 1);
  CHECK(used[0].address == parse_address("192.0.2.10:40000"));
}
