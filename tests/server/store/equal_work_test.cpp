#include <dlfcn.h>
#include <doctest/doctest.h>
#include <openssl/evp.h>

#include "server/store/sqlite.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace beckon;
using namespace beckon::store;

namespace {

int digests = 0;

}  // namespace

// What protocol/crypto computes hashes with. The program's own definition goes before the library's, so every
// call is counted on its way there.
int EVP_Digest(const void* data, std::size_t count, unsigned char* out, unsigned* size, const EVP_MD* type,
               ENGINE* engine) {
  static auto* const real = reinterpret_cast<decltype(EVP_Digest)*>(dlsym(RTLD_NEXT, "EVP_Digest"));
  digests++;
  return real(data, count, out, size, type, engine);
}

namespace {

/// A file of one user, alice, and a shard's view of it that has looked up no name yet.
struct Fixture {
  Fixture() {
    const auto command = SqliteUsers::open(folder / "users.db").value();
    const users::User user{.aor = alice, .ha1_short = {"m", "s", "t"}};
    REQUIRE(command->add(std::span(&user, 1)).has_value());
    server = open_durable(folder / "users.db", [](const std::function<void()>& work) { work(); }).value();
  }
  /// The digests it took to look that hash up. `found`: whether it is to be one of a user's name.
  int look_up(const std::string& hash, bool found) {
    digests = 0;
    server->find_user_by_hash(hash, [&](auto user) { CHECK((user.value() != nullptr) == found); });
    return digests;
  }

  static constexpr const char* alice = "sip:alice@example.org";
  const test::TemporaryFolder folder;
  std::unique_ptr<DurableStore> server;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "a hashed name costs the same hashes whether a user has it or not (RFC 7616 5.7)") {
  const auto known = users::name_hashes(alice), unknown = users::name_hashes("sip:nobody@example.org");
  for (std::size_t i = 0; i < known.size(); ++i) {
    CAPTURE(known[i]);
    const int hit = look_up(known[i], true);
    CHECK(hit > 0);
    CHECK(look_up(unknown[i], false) == hit);
    CHECK(look_up(known[i], true) == look_up(unknown[i], false));  // out of the memory
  }
  std::string alike = known[1];
  alike.back() = alike.back() == '0' ? '1' : '0';  // the same first 64 bits
  CHECK(look_up(alike, false) == look_up(std::string(64, '7'), false));
}
