#include "server/daemon/stores.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "server/admin/data_folder.hpp"
#include "tests/support/log_lines.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace beckon;
using namespace beckon::server;

namespace {

/// A data folder that is opened again and again, as by one start after the other.
struct Folder {
  std::optional<Failure> start(Durability durability = Durability::process) {
    Config config;
    config.data = folder.path();
    config.durability = durability;
    StoreFiles files;
    log = test::lines_of([&] { failure = files.open(config, {}); });
    admin::save_domains(folder.path(), {"example.org"});  // as a server does at the end of its start
    return failure;
  }
  bool starts(Durability durability = Durability::process) { return !start(durability); }
  void remove(const std::filesystem::path& file) const { std::filesystem::remove(file); }
  void empty(const std::filesystem::path& file) const { std::ofstream(file, std::ios::trunc); }
  std::filesystem::path state() const { return admin::state_file(folder.path()); }
  std::filesystem::path users() const { return admin::users_file(folder.path()); }

  test::TemporaryFolder folder;
  std::optional<Failure> failure;
  std::string log;
};

bool has(std::string_view text, std::string_view words) { return text.find(words) != std::string_view::npos; }

}  // namespace

TEST_CASE("a first start that was killed is begun anew, whichever file it left empty") {
  Folder folder;
  SUBCASE("the users file") { folder.empty(folder.users()); }
  SUBCASE("the state file, after the users file") {
    REQUIRE(store::SqliteUsers::open(folder.users()).has_value());
    folder.empty(folder.state());
  }
  SUBCASE("both") {
    folder.empty(folder.users());
    folder.empty(folder.state());
  }
  CHECK(folder.starts());
  CHECK_FALSE(has(folder.log, "lost"));
  CHECK(folder.starts());
  CHECK_FALSE(has(folder.log, "lost"));
}

TEST_CASE("a state file that was there is missed: empty is refused, missing is made anew with a warning") {
  Folder folder;
  REQUIRE(folder.starts());
  SUBCASE("empty") {
    folder.empty(folder.state());
    REQUIRE(folder.start());
    CHECK(folder.failure->exit == Exit::store);
    CHECK(has(folder.failure->what, "state.db is empty, but users.db is not"));
    folder.remove(folder.state());
    CHECK(folder.starts());
    CHECK(has(folder.log, "state.db is missing"));
  }
  SUBCASE("missing") {
    folder.remove(folder.state());
    CHECK(folder.starts());
    CHECK(has(folder.log, "state.db is missing"));
    CHECK(folder.starts());
    CHECK_FALSE(has(folder.log, "missing"));
    folder.empty(folder.state());
    CHECK(folder.start());
  }
  SUBCASE("missing, and the start that makes it anew is killed") {
    folder.remove(folder.state());
    REQUIRE(store::SqliteUsers::open(folder.users()).value()->set_has_state_file(false).has_value());
    folder.empty(folder.state());
    CHECK(folder.starts());
  }
  SUBCASE("an empty users file") {
    folder.empty(folder.users());
    REQUIRE(folder.start());
    CHECK(has(folder.failure->what, "users.db is empty, but state.db is not"));
  }
}

TEST_CASE("a run with --durability memory makes no state file, and none is missed afterwards") {
  Folder folder;
  REQUIRE(folder.starts(Durability::memory));
  CHECK_FALSE(std::filesystem::exists(folder.state()));
  CHECK(folder.starts());
  CHECK(folder.log.empty());
  CHECK(std::filesystem::exists(folder.state()));
}
