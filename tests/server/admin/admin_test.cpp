#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "server/admin/metrics.hpp"
#include "server/admin/socket.hpp"
#include "server/admin/tables.hpp"
#include "server/admin/users.hpp"
#include "server/store/sqlite.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::admin;
using Verb = CommandLine::Verb;

namespace {

/// A data folder of its own that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "beckon-admin-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

  struct Said {
    Exit exit;
    std::string out;
    std::string err;
  };
  Said user(Verb verb, const std::string& argument, const std::string& input = "secret\n",
            bool json = false) const {
    CommandLine line{.verb = verb, .config = {}, .argument = argument, .json = json};
    line.config.data = path_;
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    const Exit exit = run_user_command(line, in, out, err);
    return {exit, out.str(), err.str()};
  }

 private:
  std::filesystem::path path_;
};

const std::vector<Table> example{{.name = "bindings",
                                  .rows = {{{"aor", "sip:alice@example.org"}, {"expires", "60"}},
                                           {{"aor", "sip:bo@x"}, {"expires", "3600"}}}},
                                 {.name = "PIT", .rows = {}}};

}  // namespace

TEST_CASE("tables are aligned for people and the same in JSON") {
  CHECK(print_text(example) ==
        "bindings (2)\n"
        "  aor                    expires\n"
        "  sip:alice@example.org  60\n"
        "  sip:bo@x               3600\n"
        "\n"
        "PIT (0)\n");
  const auto again = parse_json(print_json(example));
  REQUIRE(again.has_value());
  CHECK(print_text(*again) == print_text(example));
  CHECK(parse_json("[]").error() == admin::Errc::bad_answer);
  CHECK(parse_json("{\"a\": 1}").error() == admin::Errc::bad_answer);
  CHECK(parse_json("").error() == admin::Errc::bad_answer);
}

TEST_CASE("the shards' tables are put together, and one user's rows picked out") {
  std::vector<Table> two = example;
  two.insert(two.end(), example.begin(), example.end());
  const auto merged = merge(two);
  REQUIRE(merged.size() == 2);
  CHECK(merged[0].rows.size() == 4);
  const auto about = rows_about(merged, "sip:alice@example.org");
  REQUIRE(about.size() == 1);
  CHECK(about[0].rows.size() == 2);
}

TEST_CASE("metrics are in the text format, summed over the shards") {
  Metrics all{.counters = {.requests = 2}, .transactions = 1, .registered = 1, .flows = 0};
  all += Metrics{.counters = {.requests = 3}, .transactions = 1, .registered = 0, .flows = 4};
  const std::string text = print(all);
  CHECK(text.find("\nbeckon_sip_requests_total 5\n") != text.npos);
  CHECK(text.find("# TYPE beckon_flows gauge\nbeckon_flows 4\n") != text.npos);
}

TEST_CASE("the first user brings his domain, later ones join it, others are refused") {
  const Folder folder;
  CHECK(folder.user(Verb::user_add, "alice@example.org").exit == Exit::done);
  CHECK(folder.user(Verb::user_add, "bob@Example.Org").exit == Exit::done);
  const auto stranger = folder.user(Verb::user_add, "eve@example.net");
  CHECK(stranger.exit == Exit::usage);
  CHECK(stranger.err.find("example.net is not served") != std::string::npos);
  save_domains(folder.path(), {"example.net"});
  CHECK(folder.user(Verb::user_add, "eve@example.net").exit == Exit::done);
  CHECK(folder.user(Verb::user_list, "").out == "alice@example.org\nbob@example.org\neve@example.net\n");
}

TEST_CASE("what is wrong with a user or his password is told, and nothing is stored") {
  const Folder folder;
  CHECK(folder.user(Verb::user_add, "alice").exit == Exit::usage);
  CHECK(folder.user(Verb::user_add, "alice@example.org", "").exit == Exit::usage);
  CHECK(folder.user(Verb::user_add, "alice@example.org", "\n").exit == Exit::usage);
  CHECK(folder.user(Verb::user_list, "").out.empty());
  CHECK(folder.user(Verb::user_passwd, "alice@example.org").exit == Exit::failed);
  folder.user(Verb::user_add, "alice@example.org");
  CHECK(folder.user(Verb::user_add, "alice@example.org").exit == Exit::failed);
}

TEST_CASE("a user is disabled, enabled, given another password and removed") {
  const Folder folder;
  folder.user(Verb::user_add, "alice@example.org");
  const auto find = [&] {
    auto store = store::SqliteUsers::open(users_file(folder.path()));
    REQUIRE(store.has_value());
    const auto user = (*store)->find("sip:alice@example.org");
    REQUIRE(user.has_value());
    return *user;
  };
  const auto before = find();
  folder.user(Verb::user_disable, "alice@example.org");
  CHECK_FALSE(find()->enabled);
  CHECK(folder.user(Verb::user_list, "", "", true).out ==
        "[{\"aor\":\"sip:alice@example.org\",\"enabled\":false}]\n");
  folder.user(Verb::user_passwd, "alice@example.org", "other\r\n");
  CHECK(find()->ha1_short.sha256 != before->ha1_short.sha256);
  CHECK_FALSE(find()->enabled);
  folder.user(Verb::user_enable, "alice@example.org");
  CHECK(find()->enabled);
  CHECK(folder.user(Verb::user_remove, "alice@example.org").exit == Exit::done);
  CHECK_FALSE(find());
}

TEST_CASE("an import adds all users of a file, or none and says which line is wrong") {
  const Folder folder;
  const auto file = folder.path() / "users.txt";
  const auto import = [&](const std::string& text) {
    std::ofstream(file) << text;
    return folder.user(Verb::user_import, file.string());
  };
  const auto wrong = import("alice@example.org one\nbob@example.net two\n");
  CHECK(wrong.exit == Exit::usage);
  CHECK(wrong.err.find("line 2") != std::string::npos);
  CHECK(folder.user(Verb::user_list, "").out.empty());
  CHECK(import("# all of us\nalice@example.org one\n\nbob@example.org two words\n").out == "added 2 users\n");
  CHECK(import("carol@example.org x\nalice@example.org y\n").exit == Exit::failed);
  CHECK(folder.user(Verb::user_list, "").out == "alice@example.org\nbob@example.org\n");
}

TEST_CASE("the admin socket answers one line with one text, for the owner only") {
  const Folder folder;
  net::Loop loop;
  Socket socket(loop,
                [](const std::string& line, const Socket::Answer& answer) { answer("you said " + line); });
  const auto path = socket_path(folder.path());
  CHECK(ask(path, "hello").error() == admin::Errc::not_running);
  REQUIRE(socket.listen(path).has_value());
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  Result<std::string> said = admin::Errc::not_running;
  std::atomic<bool> done = false;
  std::jthread asker([&] {
    said = ask(path, "hello");
    done = true;
  });
  CHECK(loop.run_until([&] { return done.load(); }, 10s));
  asker.join();
  REQUIRE(said.has_value());
  CHECK(*said == "you said hello");
}
