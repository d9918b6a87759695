#include "server/admin/data_folder.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/temporary_folder.hpp"

using namespace beckon::server::admin;

namespace {

void write(const std::filesystem::path& file, std::string_view text) { std::ofstream(file) << text; }

bool has(const std::optional<std::string>& problem, std::string_view words) {
  return problem && problem->find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a users file that is missing or empty beside a filled state file is a problem") {
  struct Row {
    const char* users;  ///< Null: no such file.
    const char* state;
    std::string_view problem;  ///< Empty: none.
  };
  const Row rows[] = {
      {nullptr, nullptr, ""},
      {"", nullptr, ""},
      {nullptr, "", ""},
      {"", "", ""},
      {"x", "x", ""},
      {"x", nullptr, ""},  // `user add` before the first start
      {"x", "", ""},       // the state file is the server's affair
      {nullptr, "x", "users.db is missing, but state.db is not"},
      {"", "x", "users.db is empty, but state.db is not"},
  };
  for (const Row& row : rows) {
    const beckon::test::TemporaryFolder folder;
    if (row.users) write(users_file(folder.path()), row.users);
    if (row.state) write(state_file(folder.path()), row.state);
    const auto problem = problem_of_users(folder.path());
    CAPTURE(problem.value_or("none"));
    CAPTURE(row.problem);
    CHECK(problem.has_value() == !row.problem.empty());
    if (problem) CHECK(has(problem, row.problem));
  }
}

TEST_CASE("an empty state file is a problem where one was made before, and unfinished where none was") {
  const beckon::test::TemporaryFolder folder;
  for (const bool was_made : {false, true}) CHECK_FALSE(problem_of_state(folder.path(), was_made));
  CHECK(is_state_missing(folder.path()));
  write(state_file(folder.path()), "");
  CHECK_FALSE(problem_of_state(folder.path(), false));
  CHECK(has(problem_of_state(folder.path(), true), "state.db is empty, but users.db is not"));
  CHECK_FALSE(is_state_missing(folder.path()));
  write(state_file(folder.path()), "x");
  for (const bool was_made : {false, true}) CHECK_FALSE(problem_of_state(folder.path(), was_made));
}

TEST_CASE("a certificate without its key, or a key without its certificate, is a problem") {
  const beckon::test::TemporaryFolder folder;
  CHECK_FALSE(problem_of_certificate(folder.path()));
  write(certificate_file(folder.path()), "x");
  CHECK(has(problem_of_certificate(folder.path()), "key.pem is missing, but cert.pem is not"));
  write(key_file(folder.path()), "x");
  CHECK_FALSE(problem_of_certificate(folder.path()));
  std::filesystem::remove(certificate_file(folder.path()));
  CHECK(has(problem_of_certificate(folder.path()), "cert.pem is missing, but key.pem is not"));
}

TEST_CASE("where clients reach the server is kept as it was written") {
  const beckon::test::TemporaryFolder folder;
  CHECK_FALSE(load_reach(folder.path()).has_value());
  for (const Reach& reach : {Reach{"tls:192.0.2.1:5061", "https://192.0.2.1:5443/xcap", "/srv/cert.pem"},
                             Reach{"udp:[2001:db8::1]:5060", "", ""}, Reach{}}) {
    save_reach(folder.path(), reach);
    CHECK(load_reach(folder.path()) == reach);
  }
}
