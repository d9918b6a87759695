#include "protocol/invitation/invitation.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace beckon;
using invitation::Errc;
using invitation::Invitation;
using invitation::parse_link;

namespace {

const std::string digest(64, 'a');

Invitation make_invitation() {
  return {.account = "alice@example.org",
          .server = "tls:192.0.2.1:5061",
          .xcap = "https://192.0.2.1:5443/xcap",
          .certificate = "sha256:" + digest,
          .password = "k7mqd-hx3wb-9tcpn-zr4ya"};
}

}  // namespace

TEST_CASE("a link is what is printed, and is read back") {
  const std::string link = print(make_invitation());
  CHECK(link ==
        "beckon:alice@example.org,server=tls:192.0.2.1:5061,xcap=https://192.0.2.1:5443/xcap,cert=sha256:" +
            digest + ",password=k7mqd-hx3wb-9tcpn-zr4ya");
  CHECK(parse_link(link).value() == make_invitation());
  CHECK(parse_link("  " + link + "\r\n").value() == make_invitation());
}

TEST_CASE("nothing in a link means anything to a shell, whatever the password is") {
  Invitation all{.account = "o'neill+1@example.org", .server = "tls:[2001:db8::1]:5061", .password = {}};
  for (char c = ' '; c < 0x7f; ++c) all.password += c;
  all.password += "ü€";
  const std::string link = print(all);
  CHECK(link.find_first_of(" \"'`\\$&;|<>()[]{}*?!#~^\n") == std::string::npos);
  CHECK(parse_link(link).value() == all);
}

TEST_CASE("an invitation may name the account alone, and what a reader does not know is skipped") {
  CHECK(parse_link("BECKON:alice@example.org").value() == Invitation{.account = "alice@example.org"});
  CHECK(parse_link("beckon:alice@example.org,colour=blue,server=udp:h").value() ==
        Invitation{.account = "alice@example.org", .server = "udp:h"});
}

TEST_CASE("what is no whole invitation is refused, and the reason tells what is wrong") {
  struct Row {
    std::string text;
    Errc why;
  };
  for (const Row& row :
       {Row{"", Errc::not_a_link},
        Row{"sip:alice@example.org", Errc::not_a_link},
        Row{"beckon", Errc::not_a_link},
        Row{"beckon:", Errc::bad_account},
        Row{"beckon:alice", Errc::bad_account},
        Row{"beckon:@example.org", Errc::bad_account},
        Row{"beckon:alice@", Errc::bad_account},
        Row{"beckon:a@b@c", Errc::bad_account},
        Row{"beckon:al%20ice@b", Errc::bad_account},
        Row{"beckon:al%0Aice@b", Errc::bad_account},
        Row{"beckon:a%FF@b", Errc::bad_account},
        Row{"beckon:a@b,", Errc::bad_value},
        Row{"beckon:a@b,server", Errc::bad_value},
        Row{"beckon:a@b,=x", Errc::bad_value},
        Row{"beckon:a@b,server=", Errc::bad_value},
        Row{"beckon:a@b,password=%4", Errc::bad_value},
        Row{"beckon:a@b,password=%", Errc::bad_value},
        Row{"beckon:a@b,password=%zz", Errc::bad_value},
        Row{"beckon:a@b,password=%00", Errc::bad_value},
        Row{"beckon:a@b,password=%1b", Errc::bad_value},
        Row{"beckon:a@b,server=x,server=y", Errc::bad_value},
        Row{"beckon:a@b,cert=sha1:00", Errc::bad_fingerprint},
        Row{"beckon:a@b,cert=sha256:" + digest + "aa", Errc::bad_fingerprint},
        Row{"beckon:a@b,password=" + std::string(invitation::link_max, 'x'), Errc::too_long}}) {
    CAPTURE(row.text);
    const auto read = parse_link(row.text);
    REQUIRE(read.has_error());
    CHECK(read.error() == row.why);
  }
}

TEST_CASE("every cut of a link is read or refused, and what is read is printed as it is read") {
  const std::string link = print(make_invitation());
  for (std::size_t size = 0; size < link.size(); ++size) {
    CAPTURE(size);
    const auto read = parse_link(link.substr(0, size));
    if (read) CHECK(parse_link(print(*read)).value() == *read);
  }
}

TEST_CASE("a fingerprint is read as openssl prints it") {
  std::string colons = "SHA256:";
  for (int i = 0; i < 32; ++i) colons += i == 0 ? "AB" : ":AB";
  std::string digits;
  for (int i = 0; i < 32; ++i) digits += "ab";
  CHECK(invitation::parse_fingerprint(colons) == "sha256:" + digits);
  CHECK_FALSE(invitation::parse_fingerprint(digits).has_value());
  CHECK_FALSE(invitation::parse_fingerprint("sha256:" + digits.substr(2)).has_value());
  CHECK_FALSE(invitation::parse_fingerprint("sha256:g" + digits.substr(1)).has_value());
}

TEST_CASE("made passwords differ, and no two of their letters look alike") {
  SeededRandom random(1);
  std::set<std::string> made;
  for (int i = 0; i < 200; ++i) made.insert(invitation::make_password(random));
  CHECK(made.size() == 200);
  for (const std::string& each : made) {
    CHECK(each.size() == 23);
    CHECK(each.find_first_of("lo01") == std::string::npos);
  }
}
