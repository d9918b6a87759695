#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "client/cli/account_commands.hpp"
#include "client/cli/options.hpp"
#include "client/cli/password.hpp"
#include "protocol/invitation/invitation.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace beckon;
using namespace beckon::client;

namespace {

using Words = std::vector<std::string>;

const std::string fingerprint = "sha256:" + std::string(64, 'a');

/// What is written to a stream while it lives.
class Captured {
 public:
  explicit Captured(std::ostream& stream) : stream_(stream), before_(stream.rdbuf(text_.rdbuf())) {}
  ~Captured() { stream_.rdbuf(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::ostream& stream_;
  std::streambuf* before_;
};

/// A person with a folder of settings and no password in the environment.
class Person {
 public:
  Person() {
    ::setenv("XDG_CONFIG_HOME", folder_.path().c_str(), 1);
    ::setenv("XDG_DATA_HOME", folder_.path().c_str(), 1);
    for (const char* name : variables) ::unsetenv(name);
  }
  ~Person() {
    ::unsetenv("XDG_CONFIG_HOME");
    ::unsetenv("XDG_DATA_HOME");
    for (const char* name : variables) ::unsetenv(name);
  }

  struct Said {
    std::optional<cli::Options> options;
    int exit_code = -1;
    std::string out, err;
  };
  Said beckon(Words words) const {
    words.insert(words.begin(), "beckon");
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const Captured out(std::cout), err(std::cerr);
    Said said;
    said.options = cli::read_options(static_cast<int>(words.size()), argv.data(), said.exit_code);
    said.out = out.text();
    said.err = err.text();
    return said;
  }
  std::filesystem::path file() const { return folder_ / "beckon/accounts.toml"; }
  std::filesystem::path password_file(const std::string& account) const {
    return folder_ / ("beckon/passwords/" + account);
  }
  const test::TemporaryFolder& folder() const { return folder_; }

 private:
  static constexpr const char* variables[] = {"BECKON_ACCOUNT", "BECKON_PASSWORD", "BECKON_SERVER",
                                              "BECKON_CA", "CREDENTIALS_DIRECTORY"};
  test::TemporaryFolder folder_;
};

std::string link_of(const std::string& account, const std::string& password = "k7mqd") {
  return invitation::print({.account = account,
                            .server = "tls:192.0.2.1:5071",
                            .xcap = "https://192.0.2.1:5453/xcap",
                            .certificate = fingerprint,
                            .password = password});
}

mode_t mode_of(const std::filesystem::path& file) {
  struct stat facts{};
  REQUIRE(::stat(file.c_str(), &facts) == 0);
  return facts.st_mode & 0777U;
}

}  // namespace

TEST_CASE("after \"account add LINK\" no option is needed any more") {
  const Person person;
  CHECK(person.beckon({"register"}).err.find("beckon account add LINK") != std::string::npos);
  const auto added = person.beckon({"account", "add", link_of("alice@example.org")});
  CHECK(added.exit_code == 0);
  CHECK(added.out == "alice@example.org is added, and is the default: beckon runs as this account\n");
  const auto said = person.beckon({"register"});
  CAPTURE(said.err);
  REQUIRE(said.options.has_value());
  CHECK(said.options->account.aor == "sip:alice@example.org");
  CHECK(said.options->account.password == "k7mqd");
  CHECK(said.options->server_text == "tls:192.0.2.1:5071");
  CHECK(said.options->server.port == 5071);
  CHECK(said.options->xcap_url == "https://192.0.2.1:5453/xcap");
  CHECK(said.options->fingerprint == fingerprint);
  CHECK(said.options->ca_file.empty());
}

TEST_CASE("the account and its password are kept where nobody else can read them, the password apart") {
  const Person person;
  REQUIRE(person.beckon({"account", "add", link_of("alice@example.org")}).exit_code == 0);
  CHECK(mode_of(person.file()) == 0600);
  CHECK(mode_of(person.password_file("alice@example.org")) == 0600);
  CHECK(mode_of(person.file().parent_path()) == 0700);
  std::stringstream text;
  text << std::ifstream(person.file()).rdbuf();
  CHECK(text.str().find("k7mqd") == std::string::npos);
}

TEST_CASE("several accounts: named, listed, made the default, removed") {
  const Person person;
  person.beckon({"account", "add", link_of("alice@example.org", "one")});
  const auto second = person.beckon({"account", "add", link_of("bob@example.org", "two")});
  CHECK(second.out.find("beckon --account bob@example.org") != std::string::npos);
  CHECK(person.beckon({"--account", "bob", "register"}).options->account.password == "two");
  CHECK(person.beckon({"register", "--account", "bob"}).options->account.user == "bob");
  CHECK(person.beckon({"register"}).options->account.user == "alice");
  ::setenv("BECKON_ACCOUNT", "bob", 1);
  CHECK(person.beckon({"register"}).options->account.user == "bob");
  ::unsetenv("BECKON_ACCOUNT");
  CHECK(person.beckon({"account", "list"}).out ==
        "alice@example.org  tls:192.0.2.1:5071  default\n"
        "bob@example.org    tls:192.0.2.1:5071\n");
  CHECK(person.beckon({"account", "default", "bob"}).exit_code == 0);
  CHECK(person.beckon({"register"}).options->account.user == "bob");
  CHECK(person.beckon({"account", "remove", "bob"}).exit_code == 0);
  CHECK_FALSE(std::filesystem::exists(person.password_file("bob@example.org")));
  CHECK(person.beckon({"register"}).options->account.user == "alice");
}

TEST_CASE("programs read the accounts as JSON, a line each, without passwords") {
  const Person person;
  CHECK(person.beckon({"account", "list", "--json"}).out.empty());
  person.beckon({"account", "add", link_of("alice@example.org", "one")});
  person.beckon({"account", "add", link_of("bob@example.org", "two")});
  CHECK(person.beckon({"account", "list", "--json"}).out ==
        R"({"account":"alice@example.org","default":true,"server":"tls:192.0.2.1:5071",)"
        R"("xcap":"https://192.0.2.1:5453/xcap","certificate":")" +
            fingerprint + "\"}\n" +
            R"({"account":"bob@example.org","default":false,"server":"tls:192.0.2.1:5071",)"
            R"("xcap":"https://192.0.2.1:5453/xcap","certificate":")" +
            fingerprint + "\"}\n");
}

TEST_CASE("a second invitation replaces the password and the server") {
  const Person person;
  person.beckon({"account", "add", link_of("alice@example.org", "one")});
  person.beckon({"account", "add", link_of("alice@Example.org", "two")});
  CHECK(person.beckon({"register"}).options->account.password == "two");
  CHECK(person.beckon({"account", "list"}).out == "alice@example.org  tls:192.0.2.1:5071  default\n");
}

TEST_CASE("options and environment come before what the account has") {
  const Person person;
  person.beckon({"account", "add", link_of("alice@example.org")});
  const auto ca = person.folder() / "ca.pem";
  std::ofstream(ca) << "pem";
  ::setenv("BECKON_PASSWORD", "other", 1);
  ::setenv("BECKON_SERVER", "tls:sip.example.org", 1);
  auto said = person.beckon({"--ca", ca.string(), "register"});
  REQUIRE(said.options.has_value());
  CHECK(said.options->account.password == "other");
  CHECK(said.options->server_text == "tls:sip.example.org");
  CHECK(said.options->xcap_url == "https://sip.example.org:5443/xcap");
  CHECK(said.options->ca_file == ca.string());
  CHECK(said.options->fingerprint.empty());
  said = person.beckon({"--server", "udp:127.0.0.1", "--fingerprint", "SHA256:" + std::string(64, 'B')});
  REQUIRE(said.options.has_value());
  CHECK(said.options->server_text == "udp:127.0.0.1");
  CHECK(said.options->fingerprint == "sha256:" + std::string(64, 'b'));
}

TEST_CASE("an address without an invitation is kept with what the options say") {
  const Person person;
  ::setenv("BECKON_PASSWORD", "typed", 1);
  CHECK(person.beckon({"account", "add", "carol@example.net", "--server", "tcp:sip.example.net"}).exit_code ==
        0);
  ::unsetenv("BECKON_PASSWORD");
  const auto said = person.beckon({});
  REQUIRE(said.options.has_value());
  CHECK(said.options->server_text == "tcp:sip.example.net");
  CHECK(said.options->account.password == "typed");
}

TEST_CASE("what is wrong with an account is said, with exit code 2, and nothing is changed") {
  const Person person;
  person.beckon({"account", "add", link_of("alice@example.org")});
  struct Row {
    Words words;
    const char* said;
  };
  for (const Row& row :
       {Row{{"account"}, "account add [LINK|USER@DOMAIN]"},
        Row{{"account", "drop"}, "there is no account drop"}, Row{{"account", "add", "a", "b"}, "one link"},
        Row{{"account", "add", "carol"}, "takes an invitation"},
        Row{{"account", "add", "beckon:carol@example.org,server="}, "was all of it copied?"},
        Row{{"account", "add", "beckon:@"}, "names no account"},
        Row{{"account", "remove", "carol@example.org"}, "no such account"},
        Row{{"account", "remove"}, "takes one account"},
        Row{{"account", "default", "carol"}, "no account of that name"},
        Row{{"--account", "carol", "register"}, "no account of that name"},
        Row{{"--fingerprint", "sha1:00", "register"}, "64 hexadecimal digits"}}) {
    CAPTURE(row.said);
    const auto said = person.beckon(row.words);
    CHECK(said.exit_code == 2);
    CAPTURE(said.err);
    CHECK(said.err.find(row.said) != std::string::npos);
  }
  CHECK(person.beckon({"account", "list"}).out == "alice@example.org  tls:192.0.2.1:5071  default\n");
  std::ofstream(person.file(), std::ios::app) << "colour = \"blue\"\n";
  const auto said = person.beckon({"register"});
  CHECK(said.exit_code == 2);
  CHECK(said.err.find("there is no key \"colour\"") != std::string::npos);
}

TEST_CASE("a password comes from the nearest place that has one, and a file others can read is refused") {
  const Person person;
  const auto write = [&](const std::string& name, const std::string& text, mode_t mode) {
    std::ofstream(person.folder() / name) << text;
    ::chmod((person.folder() / name).c_str(), mode);
    return person.folder() / name;
  };
  const auto credential = write("beckon-password", "credential\n", 0400);
  const auto own = write("own", "own\r\nsecond line\n", 0644);
  const auto stored = write("stored", "stored\n", 0600);
  const auto given = write("given", "given", 0644);
  cli::PasswordPlaces places;
  const auto find = [&] { return cli::find_password(places, "alice@example.org"); };
  ::setenv("CREDENTIALS_DIRECTORY", person.folder().path().c_str(), 1);
  CHECK(find().value() == "credential");
  places.stored = stored;
  CHECK(find().value() == "stored");
  places.account_file = own.string();
  CHECK(find().value() == "own");
  ::setenv("BECKON_PASSWORD", "environment", 1);
  CHECK(find().value() == "environment");
  places.file = given.string();
  CHECK(find().value() == "given");
  places.file = "/nowhere/password";
  CHECK(find().error().text.find("/nowhere/password") != std::string::npos);

  places = {.file = {}, .account_file = {}, .stored = stored};
  ::unsetenv("BECKON_PASSWORD");
  ::chmod(stored.c_str(), 0640);
  CHECK(find().error().text.find("chmod 600") != std::string::npos);
}
