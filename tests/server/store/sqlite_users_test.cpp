#include <doctest/doctest.h>

#include <algorithm>

#include "server/store/database.hpp"
#include "server/store/sqlite.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace beckon;
using namespace beckon::store;
using users::User;

namespace {

std::unique_ptr<SqliteUsers> open_users(const std::filesystem::path& file) {
  auto opened = SqliteUsers::open(file);
  REQUIRE(opened.has_value());
  return std::move(*opened);
}

User make(std::string name) { return {.aor = "sip:" + name + "@example.org", .ha1_short = {"m", "s", "t"}}; }

/// A shard whose turn comes when the test says so.
struct Later {
  std::vector<std::function<void()>> functions;
  Executor executor() {
    return [this](std::function<void()> function) { functions.push_back(std::move(function)); };
  }
  void run() {
    for (auto& function : std::exchange(functions, {})) function();
  }
};

std::optional<User> find(DurableStore& store, Later& later, std::string_view aor) {
  UserPtr found;
  store.find_user(aor, [&](auto result) { found = result.value(); });
  later.run();
  return found ? std::optional(*found) : std::nullopt;
}

}  // namespace

TEST_CASE("users are added, listed in order, changed, disabled and removed") {
  const test::TemporaryFolder folder;
  const auto users = open_users(folder / "users.db");
  REQUIRE(users->add(std::vector{make("bob"), make("alice")}).has_value());
  std::vector<std::string> names;
  REQUIRE(users->each([&](const User& user) { names.push_back(user.aor); }).has_value());
  CHECK(names == std::vector<std::string>{"sip:alice@example.org", "sip:bob@example.org"});
  CHECK(users->count().value() == 2);

  User bob = users->find("sip:bob@example.org").value().value();
  bob.enabled = false;
  REQUIRE(users->update(bob).has_value());
  CHECK(users->find("sip:bob@example.org").value()->enabled == false);

  REQUIRE(users->remove("sip:bob@example.org").has_value());
  CHECK_FALSE(users->find("sip:bob@example.org").value().has_value());
  CHECK(users->remove("sip:bob@example.org").error() == Errc::not_found);
  CHECK(users->update(bob).error() == Errc::not_found);
}

TEST_CASE("who may not come in any more is noted until the server has ended what is there of that user") {
  const test::TemporaryFolder folder;
  const auto users = open_users(folder / "users.db");
  using Gone = SqliteUsers::Gone;
  const auto gone = [&] {
    auto all = users->gone().value();
    std::ranges::sort(all, {}, &Gone::aor);
    return all;
  };
  REQUIRE(users->add(std::vector{make("alice"), make("bob")}).has_value());
  User bob = users->find("sip:bob@example.org").value().value();
  REQUIRE(users->update(bob).has_value());
  CHECK(gone().empty());
  bob.enabled = false;
  REQUIRE(users->update(bob).has_value());
  CHECK(gone() == std::vector<Gone>{{"sip:bob@example.org", false}});
  REQUIRE(users->remove("sip:alice@example.org").has_value());
  const auto noted = gone();
  CHECK(noted == std::vector<Gone>{{"sip:alice@example.org", true}, {"sip:bob@example.org", false}});
  REQUIRE(users->remove("sip:bob@example.org").has_value());
  CHECK(users->remove("sip:carol@example.org").error() == Errc::not_found);

  // bob was removed since the server looked.
  REQUIRE(users->forget_gone(noted).has_value());
  CHECK(gone() == std::vector<Gone>{{"sip:bob@example.org", true}});
}

TEST_CASE("an import is taken whole or not at all") {
  const test::TemporaryFolder folder;
  const auto users = open_users(folder / "users.db");
  REQUIRE(users->add(std::vector{make("bob")}).has_value());
  CHECK(users->add(std::vector{make("alice"), make("bob")}).error() == Errc::exists);
  CHECK(users->count().value() == 1);
}

TEST_CASE("a running server sees at once what a command changed in the users file") {
  const test::TemporaryFolder folder;
  const auto command = open_users(folder / "users.db");
  Later later;
  const auto server = open_durable(folder / "users.db", later.executor()).value();
  const std::string alice = "sip:alice@example.org";

  bool called = false;
  server->find_user(alice, [&](auto) { called = true; });
  CHECK_FALSE(called);
  later.run();
  CHECK(called);

  CHECK_FALSE(find(*server, later, alice).has_value());
  User user = make("alice");
  REQUIRE(command->add(std::vector{user}).has_value());
  CHECK(find(*server, later, alice) == user);
  CHECK(find(*server, later, alice) == user);  // out of the cache
  user.ha1_short.md5 = "changed";
  REQUIRE(command->update(user).has_value());
  CHECK(find(*server, later, alice) == user);
  REQUIRE(command->remove(alice).has_value());
  CHECK_FALSE(find(*server, later, alice).has_value());
}

TEST_CASE("a user is found by the hash of either name, with every algorithm (RFC 7616 3.4.4)") {
  const test::TemporaryFolder folder;
  const auto command = open_users(folder / "users.db");
  REQUIRE(command->add(std::vector{make("alice"), make("bob")}).has_value());
  Later later;
  const auto server = open_durable(folder / "users.db", later.executor()).value();
  const auto find_hidden = [&](const std::string& hash) {
    UserPtr found;
    server->find_user_by_hash(hash, [&](auto result) { found = result.value(); });
    later.run();
    return found ? found->aor : "";
  };
  const auto hashes = users::name_hashes("sip:alice@example.org");
  for (int again = 0; again < 2; ++again) {  // then out of the memory
    for (const auto& hash : hashes) CHECK(find_hidden(hash) == "sip:alice@example.org");
  }
  std::string other = hashes[1];
  other.back() = other.back() == '0' ? '1' : '0';  // the same first 64 bits
  CHECK(find_hidden(other).empty());
  CHECK(find_hidden("nobody").empty());
  CHECK(find_hidden("").empty());
  REQUIRE(command->remove("sip:alice@example.org").has_value());
  CHECK(find_hidden(hashes[0]).empty());
  CHECK(find_hidden(users::name_hashes("sip:bob@example.org")[5]) == "sip:bob@example.org");
}

TEST_CASE("a users file of the first release gets the hashes of its users' names") {
  const test::TemporaryFolder folder;
  {
    auto old = Database::open(folder / "users.db", std::chrono::milliseconds(1000)).value();
    const Migration first[] = {
        {"CREATE TABLE user(aor TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"}};
    REQUIRE(migrate(old, 0x42434b55, first).has_value());
    auto put = old.prepare("INSERT INTO user VALUES(?1,?2)").value();
    REQUIRE(put.bind(1, "sip:alice@example.org").bind(2, print(make("alice"))).run().has_value());
  }
  const auto users = open_users(folder / "users.db");
  CHECK(users->find("sip:alice@example.org").value() == make("alice"));
  for (const auto& hash : users::name_hashes("sip:alice@example.org"))
    CHECK(users->find_by_hash(hash).value() == "sip:alice@example.org");
}

TEST_CASE("users survive closing the file") {
  const test::TemporaryFolder folder;
  REQUIRE(open_users(folder / "users.db")->add(std::vector{make("alice")}).has_value());
  CHECK(open_users(folder / "users.db")->find("sip:alice@example.org").value() == make("alice"));
}

TEST_CASE("whether a state file belongs to the users is kept with them") {
  const test::TemporaryFolder folder;
  CHECK_FALSE(open_users(folder / "users.db")->has_state_file().value());
  REQUIRE(open_users(folder / "users.db")->set_has_state_file(true).has_value());
  CHECK(open_users(folder / "users.db")->has_state_file().value());
  const std::vector<User> all{make("alice")};
  REQUIRE(open_users(folder / "users.db")->add(all).has_value());
  CHECK(open_users(folder / "users.db")->has_state_file().value());
  REQUIRE(open_users(folder / "users.db")->set_has_state_file(false).has_value());
  CHECK_FALSE(open_users(folder / "users.db")->has_state_file().value());
}
