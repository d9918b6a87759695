#include "server/shard/gruu.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace beckon;
using namespace beckon::server;

namespace {

const std::string aor = "sip:alice@example.org";
const crypto::Key32 secret{1, 2, 3};

std::optional<Callee> read(const Gruus& gruus, const std::string& uri) {
  const auto view = sip::view_uri(uri);
  REQUIRE(view.has_value());
  return gruus.read(*view);
}

}  // namespace

TEST_CASE("a public GRUU is the address-of-record with the instance ID, and both can be read from it") {
  struct Row {
    const char* instance;
    const char* uri;
  };
  const Row rows[] = {
      {"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
       "sip:alice@example.org;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"},
      {"urn:x:a;b=\"c\"", "sip:alice@example.org;gr=urn:x:a%3Bb%3D%22c%22"},
  };
  const Gruus gruus(secret);
  for (const Row& row : rows) {
    CAPTURE(row.uri);
    CHECK(public_gruu(aor, row.instance) == row.uri);
    const auto callee = read(gruus, row.uri);
    REQUIRE(callee.has_value());
    CHECK(callee->aor == aor);
    CHECK(callee->instance == row.instance);
  }
  CHECK(public_gruu(aor, "no-urn").empty());
}

TEST_CASE("a temporary GRUU leads back to user and epoch, and is one URI for each REGISTER (RFC 5627 5.1)") {
  const Gruus gruus(secret);
  std::set<std::string> all;
  for (const std::string& user : {aor, std::string("sip:b@[::1]"), "sip:" + std::string(35, 'c') + "@d",
                                  "sip:" + std::string(255, 'e') + "@d"}) {
    for (const std::uint32_t cseq : {1U, 2U}) {
      for (const std::uint32_t reg_id : {0U, 70000U}) {
        const std::string uri =
            gruus.temporary({.aor = user, .epoch = 0xfedcba98, .cseq = cseq, .reg_id = reg_id});
        CAPTURE(uri);
        CHECK(all.insert(uri).second);
        CHECK(uri.starts_with("sip:tgruu."));
        CHECK(uri.ends_with(";gr"));
        CHECK(sip::parse_uri(uri).has_value());
        const auto callee = read(gruus, uri);
        REQUIRE(callee.has_value());
        CHECK(callee->aor == user);
        CHECK(callee->epoch == 0xfedcba98);
      }
    }
  }
  CHECK(gruus.temporary({.aor = "sip:" + std::string(256, 'f') + "@d", .epoch = 1}).empty());
  CHECK(gruus.temporary({.aor = aor, .epoch = 0}).empty());
}

TEST_CASE("a temporary GRUU shows neither the user nor the length of the name (RFC 5627 5.1)") {
  const Gruus gruus(secret);
  const auto user_part = [&](const std::string& user) {
    return sip::parse_uri(gruus.temporary({.aor = "sip:" + user + "@d", .epoch = 7})).value().user;
  };
  CHECK(user_part("a").size() == user_part(std::string(35, 'z')).size());
  CHECK(user_part("alice").substr(0, 12) != user_part("alicf").substr(0, 12));
}

TEST_CASE("a temporary GRUU with any character changed, cut, of another domain or another key is none") {
  const Gruus gruus(secret);
  const std::string uri = gruus.temporary({.aor = aor, .epoch = 7, .cseq = 1});
  const std::size_t begin = std::string("sip:tgruu.").size(), end = uri.find('@');
  for (std::size_t i = begin; i < end; ++i) {
    CAPTURE(i);
    std::string changed = uri;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    // The last character has bits that no octet uses.
    if (i + 1 != end) CHECK_FALSE(read(gruus, changed));
    CHECK_FALSE(read(gruus, uri.substr(0, i) + uri.substr(end)));
  }
  CHECK_FALSE(read(gruus, uri.substr(0, end) + "@example.net;gr"));
  CHECK_FALSE(read(Gruus(crypto::Key32{9}), uri));
  CHECK(read(Gruus(secret), uri).has_value());
  CHECK(read(gruus, uri.substr(0, end) + "@EXAMPLE.org:5060;gr").has_value());
}

TEST_CASE("a URI without gr is for all devices of its user; a gr that no registrar here made is nobody's") {
  const Gruus gruus(secret);
  const auto callee = read(gruus, "sips:alice@Example.org:5061;transport=tcp");
  REQUIRE(callee.has_value());
  CHECK(callee->aor == aor);
  CHECK_FALSE(callee->is_device());
  // A user may have such a name.
  CHECK(read(gruus, "sip:tgruu.x@example.org")->aor == "sip:tgruu.x@example.org");
  for (const std::string uri : {"sip:alice@example.org;gr", "sip:alice@example.org;gr=x",
                                "sip:alice@example.org;gr=urn:", "sip:example.org;gr=urn:uuid:1",
                                "sip:tgruu.x@example.org;gr", "sip:tgruu.@example.org;gr"}) {
    CAPTURE(uri);
    CHECK_FALSE(read(gruus, uri));
  }
}
