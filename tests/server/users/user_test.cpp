#include "server/users/user.hpp"

#include <doctest/doctest.h>

#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"

using namespace beckon;
using namespace beckon::users;

TEST_CASE("a user name is taken in either spelling and printed in one") {
  struct {
    std::string_view text;
    std::string_view aor;  // empty: refused
  } const rows[] = {
      {"alice@example.org", "sip:alice@example.org"},
      {"sip:alice@example.org", "sip:alice@example.org"},
      {"SIP:Alice@Example.ORG", "sip:Alice@example.org"},
      {"alice@127.0.0.1", "sip:alice@127.0.0.1"},
      {"alice", ""},
      {"@example.org", ""},
      {"alice@", ""},
      {"al ice@example.org", ""},
      {"alice@exa<mple.org", ""},
      {"alice@example.org@evil", ""},
      {"alice@[::1]", "sip:alice@[::1]"},
      {"alice@2001:DB8::1", "sip:alice@[2001:db8::1]"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto aor = canonical_aor(row.text);
    CHECK(aor.has_value() == !row.aor.empty());
    if (aor) CHECK(*aor == row.aor);
  }
  const std::string domain = "@example.org";
  CHECK(canonical_aor(std::string(aor_max - domain.size(), 'a') + domain).has_value());
  CHECK(canonical_aor(std::string(aor_max - domain.size() + 1, 'a') + domain).error() == Errc::bad_aor);
}

TEST_CASE(
    "a user has HA1 keys for both spellings of the name and every algorithm (RFC 7616 3.4.2, RFC 8760)") {
  SeededRandom random(1);
  const User user = make_user("alice@example.org", "secret", random).value();
  CHECK(user.name() == "alice");
  CHECK(user.domain() == "example.org");
  // printf 'alice:example.org:secret' | openssl dgst
  CHECK(user.ha1_short.md5 == "543e1aec5d3614f03141652d6ada51b2");
  CHECK(user.ha1_short.sha256 == "d1659fff7a501be15962adc35514ca6a5868905695f2dd1093741f931e000a1f");
  CHECK(user.ha1_short.sha512_256 == "bb26296e6f753ae34f4465323f4e1505bf959f55a87ee9347d34355a1e88627a");
  CHECK(user.ha1_long.md5 == "1441a999b257bcd0cf5166930039876a");
  CHECK(user.ha1_long.sha256 == "eff6e137e37e2995cde26ec021fde2bc3b152390ab0cc9351c4d4475e0fe8848");
  CHECK(user.ha1_long.sha512_256 == "609f5c8568861ff827be88361e7b12411d86619258830a60b6855f3ddd278a78");
}

TEST_CASE("a hidden name is the hash of name and realm, in either spelling (RFC 7616 3.4.4)") {
  const auto hashes = name_hashes("sip:alice@example.org");
  // printf 'alice:example.org' | openssl dgst; printf 'alice@example.org:example.org' | openssl dgst
  CHECK(hashes[0] == "17c2b0e41a414034b779afa62d70822f");
  CHECK(hashes[1] == "435b7933096a304d3c734cfb833ec9075bd47ab1c0160321aed31c06a8c7009e");
  CHECK(hashes[2] == "e60f388b93ba5e7dd3f369563afd04555253b623ff173c33ff69be834d908139");
  CHECK(hashes[3] == "a3d39070030d2a20b5b543b4b3e5e926");
  CHECK(hashes[4] == "f8c041099e96a6f3fc03672ef39a4b200bb10fc2a8f72e79e932a459b0407dcc");
  CHECK(hashes[5] == "31f5e4d8b743f1450c33657ddd5b8862b432b105cd72229be14a5f93898a41ae");
}

TEST_CASE("a SCRAM key lets the server check a client's proof (RFC 5802 3)") {
  SeededRandom random(1);
  const User user = make_user("alice@example.org", "secret", random).value();
  const struct {
    crypto::Hash hash;
    const ScramKey& key;
    std::size_t size;
  } rows[] = {{crypto::Hash::sha1, user.scram_sha1, 20}, {crypto::Hash::sha256, user.scram_sha256, 32}};
  for (const auto& row : rows) {
    CAPTURE(row.size);
    CHECK(row.key.iterations == 4096);
    const Bytes salted = crypto::pbkdf2(row.hash, "secret", row.key.salt, row.key.iterations, row.size);
    const Bytes client_key = crypto::hmac(row.hash, salted, as_bytes("Client Key"));
    CHECK(crypto::hash(row.hash, client_key) == row.key.stored_key);
    CHECK(crypto::hmac(row.hash, salted, as_bytes("Server Key")) == row.key.server_key);
  }
  CHECK(user.scram_sha1.salt != user.scram_sha256.salt);
}

TEST_CASE("a stored user does not contain the password") {
  SeededRandom random(1);
  const User user = make_user("alice@example.org", "a very secret word", random).value();
  CHECK(print(user).find("a very secret word") == std::string::npos);
  CHECK(print(user).find(to_base64(as_bytes("a very secret word"))) == std::string::npos);
}

TEST_CASE("a stored user reads back unchanged; a damaged record is refused") {
  SeededRandom random(1);
  User user = make_user("alice@example.org", "secret", random).value();
  user.enabled = false;
  const std::string text = print(user);
  CHECK(parse_user(text).value() == user);
  for (const std::size_t size : {std::size_t{0}, text.size() / 2, text.size() - 1}) {
    CAPTURE(size);
    const auto damaged = parse_user(text.substr(0, size));
    CHECK((damaged.has_error() && damaged.error() == Errc::bad_record));
  }
  CHECK(parse_user("{\"aor\":7}").has_error());
}

TEST_CASE("a password that is empty, endless or holds control characters is refused") {
  SeededRandom random(1);
  for (const std::string& password : {std::string(), std::string("a\nb"), std::string(password_max + 1, 'x')})
    CHECK(make_user("alice@example.org", password, random).error() == Errc::bad_password);
  CHECK(make_user("alice@example.org", std::string(password_max, 'x'), random).has_value());
}

TEST_CASE("an import line is a name and a password; comments and empty lines are skipped") {
  const auto line = parse_import_line("  alice@Example.org   pass word \r\n").value();
  REQUIRE(line.has_value());
  CHECK(line->aor == "sip:alice@example.org");
  CHECK(line->password == "pass word");
  CHECK_FALSE(parse_import_line("# alice@example.org x").value().has_value());
  CHECK_FALSE(parse_import_line("   ").value().has_value());
  CHECK(parse_import_line("alice@example.org").error() == Errc::bad_line);
  CHECK(parse_import_line("alice secret").error() == Errc::bad_aor);
}
