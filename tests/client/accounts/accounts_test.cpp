#include "client/accounts/accounts.hpp"

#include <doctest/doctest.h>

using namespace beckon::client::accounts;

namespace {

const std::string fingerprint = "sha256:" + std::string(64, 'a');

const std::string both = R"(# Mine.
default = "alice@example.org"

# The one at work.
[account."alice@example.org"]
server = "tls:192.0.2.1:5061"  # in the cellar
# Ask Carol about it.
certificate = ")" + fingerprint +
                         R"("

# The other one.
[account."bob@example.net"]
ca = "/etc/ca.pem"
password_file = "/home/bob/secret"
)";

Entry alice() {
  return {.account = "alice@example.org", .server = "tls:192.0.2.1:5061", .certificate = fingerprint};
}
Entry bob() {
  return {.account = "bob@example.net", .ca = "/etc/ca.pem", .password_file = "/home/bob/secret"};
}

std::string problem(const Outcome<Accounts>& outcome) { return outcome ? "none" : outcome.error().text; }

}  // namespace

TEST_CASE("accounts are read in the order of the file") {
  const auto read = parse(both);
  CAPTURE(problem(read));
  REQUIRE(read.has_value());
  CHECK(read->standard == "alice@example.org");
  CHECK(read->entries == std::vector{alice(), bob()});
  CHECK(parse("").value() == Accounts{});
}

TEST_CASE("what is wrong in the file is named with its line") {
  struct Row {
    const char* text;
    const char* problem;
  };
  for (const Row& row :
       {Row{"default = ", "line 1"}, Row{"default = 1", "line 1: default is the address"},
        Row{"default = \"a@b\"", "default names no account of this file: a@b"},
        Row{"\nacount = 1", "line 2: there is no key \"acount\""},
        Row{"[account.alice]", "line 1: \"alice\" is no address"},
        Row{"[account.\"a@b\"]\nsever = \"x\"", "line 2: there is no key \"sever\"; an account has server"},
        Row{"[account.\"a@b\"]\nserver = 5061", "line 2: server is a text"},
        Row{"[account.\"a@b\"]\npassword = \"x\"", "line 2: there is no key \"password\""},
        Row{"[account.\"a@b\"]\ncertificate = \"x\"", "certificate is \"sha256:\""},
        Row{"account = { \"a@b\" = 1 }", "line 1: write [account."}}) {
    CAPTURE(row.text);
    const auto read = parse(row.text);
    CAPTURE(problem(read));
    CHECK(problem(read).find(row.problem) != std::string::npos);
  }
}

TEST_CASE("an account is found by its address, by its user's name, or as the default") {
  const auto accounts = parse(both).value();
  CHECK(find(accounts, "").value() == alice());
  CHECK(find(accounts, "bob").value() == bob());
  CHECK(find(accounts, "sip:bob@Example.NET").value() == bob());
  CHECK(find(accounts, "carol@example.org").value() == std::nullopt);
  CHECK(find(accounts, "carol").has_error());
  CHECK(find({}, "").value() == std::nullopt);

  Accounts several{.entries = {alice(), {.account = "alice@example.net"}}, .standard = {}};
  CHECK(find(several, "").error().text.find("which account?") == 0);
  CHECK(find(several, "alice").error().text.find("alice@example.net") != std::string::npos);
  several.entries.pop_back();
  CHECK(find(several, "").value() == alice());
}

TEST_CASE("the first account is the default, and a new file explains itself") {
  const std::string text = put("", alice()).value();
  CHECK(text.starts_with("# The accounts of beckon."));
  CHECK(parse(text).value() == Accounts{.entries = {alice()}, .standard = "alice@example.org"});
  const std::string more = put(text, bob()).value();
  CHECK(parse(more).value() == Accounts{.entries = {alice(), bob()}, .standard = "alice@example.org"});
}

TEST_CASE("a change touches the lines of one account, and comments stay") {
  Entry changed = alice();
  changed.server = "tls:sip.example.org";
  const std::string replaced = put(both, changed).value();
  CHECK(parse(replaced).value().entries == std::vector{changed, bob()});
  for (const char* kept : {"# Mine.", "# The one at work.", "# Ask Carol about it.", "# The other one."}) {
    CAPTURE(kept);
    CHECK(replaced.find(kept) != std::string::npos);
  }
  const std::string without = remove(both, "alice@Example.org").value();
  CHECK(parse(without).value() == Accounts{.entries = {bob()}, .standard = {}});
  CHECK(without.find("# The other one.\n[account.\"bob") != std::string::npos);
  CHECK(remove(both, "carol@example.org").has_error());

  const std::string other = set_default(both, "bob@example.net").value();
  CHECK(parse(other).value().standard == "bob@example.net");
  CHECK(other.size() == both.size() - 2);
  const std::string named = set_default(without, "bob@example.net").value();
  CHECK(parse(named).value().standard == "bob@example.net");
  CHECK(set_default(both, "carol@example.org").has_error());
}

TEST_CASE("the last account goes, and another comes") {
  const std::string text = put("", alice()).value();
  const std::string none = remove(text, "alice@example.org").value();
  CHECK(parse(none).value() == Accounts{});
  CHECK(parse(put(none, bob()).value()).value() ==
        Accounts{.entries = {bob()}, .standard = "bob@example.net"});
}

TEST_CASE("what could not be changed without loss is left to its owner") {
  const std::string braces =
      "account = { \"alice@example.org\" = { server = \"udp:h\" }, \"bob@example.net\" = {} }\n";
  REQUIRE(parse(braces).has_value());
  CHECK(remove(braces, "alice@example.org").has_error());
  CHECK(put(braces, alice()).has_error());
}

TEST_CASE("any address and value is written so that it is read again") {
  for (const char* hostile :
       {R"(o"neil\\@example.org)", "a]b[c@example.org", "#a=b@example.org", "ü'@example.org"}) {
    CAPTURE(hostile);
    const Entry entry{.account = hostile, .server = R"(tls:"\)"};
    const std::string text = put(both, entry).value();
    CHECK(parse(text).value().entries.back() == entry);
    CHECK(parse(remove(text, hostile).value()).value().entries == std::vector{alice(), bob()});
  }
}
