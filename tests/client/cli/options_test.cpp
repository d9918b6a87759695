#include "client/cli/options.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "client/cli/web.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace beckon;
using namespace beckon::client;
using transaction::Protocol;

TEST_CASE("--server names transport, host and port; a port left out is found in the DNS (RFC 3263 4.2)") {
  struct Row {
    const char* text;
    Protocol protocol;
    const char* host;  ///< Null: refused.
    std::optional<std::uint16_t> port{};
  };
  for (const Row& row :
       {Row{"tls:sip.example.org", Protocol::tls, "sip.example.org"},
        Row{"tcp:sip.example.org", Protocol::tcp, "sip.example.org"},
        Row{"udp:127.0.0.1:5080", Protocol::udp, "127.0.0.1", 5080},
        Row{"tls:[::1]:5061", Protocol::tls, "::1", 5061},
        Row{"tls:[2001:db8::1]", Protocol::tls, "2001:db8::1"}, Row{"sip.example.org", {}, nullptr, 0},
        Row{"sctp:a", {}, nullptr, 0}, Row{"tls:", {}, nullptr, 0}, Row{"tls:a:0", {}, nullptr, 0},
        Row{"tls:a:65536", {}, nullptr, 0}, Row{"tls:a:b", {}, nullptr, 0}, Row{"", {}, nullptr, 0}}) {
    CAPTURE(row.text);
    const auto server = cli::parse_server(row.text);
    REQUIRE(server.has_value() == (row.host != nullptr));
    if (!server) continue;
    CHECK(server->protocol == row.protocol);
    CHECK(server->host == row.host);
    CHECK(server->port == row.port);
  }
}

TEST_CASE("an XCAP URL is split into origin and path") {
  using Parts = std::pair<std::string, std::string>;
  CHECK(cli::split_url("https://h:5443/xcap") == Parts{"https://h:5443", "/xcap"});
  CHECK(cli::split_url("https://h:5443/xcap/root/") == Parts{"https://h:5443", "/xcap/root"});
  CHECK(cli::split_url("https://h") == Parts{"https://h", ""});
}

namespace {

std::optional<cli::Options> read(std::vector<std::string> words, int& exit_code) {
  ::setenv("XDG_CONFIG_HOME", "/nowhere", 1);  // not the accounts of whoever runs the tests
  words.insert(words.begin(), "beckon");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return cli::read_options(static_cast<int>(words.size()), argv.data(), exit_code);
}

}  // namespace

TEST_CASE("the command line gives account, server and the words of one command") {
  ::setenv("BECKON_PASSWORD", "secret", 1);
  int exit_code = -1;
  const auto options = read({"--account", "alice@example.org", "--server", "tls:[::1]", "--json", "allow",
                             "bob@example.org", "--direct", "auto"},
                            exit_code);
  REQUIRE(options.has_value());
  CHECK(options->account.aor == "sip:alice@example.org");
  CHECK(options->account.password == "secret");
  CHECK(options->xcap_url == "https://[::1]:5443/xcap");
  CHECK(options->json);
  std::string words;
  for (const auto& word : options->words) words += word + ' ';
  CHECK(words == "allow bob@example.org --direct auto ");
}

TEST_CASE("without --server the account's domain is located, with SIPS for a sips account") {
  ::setenv("BECKON_PASSWORD", "secret", 1);
  int exit_code = -1;
  const auto options = read({"--account", "alice@example.org", "--dns", "127.0.0.1:5353"}, exit_code);
  REQUIRE(options.has_value());
  CHECK(options->server == locate::Query{.host = "example.org"});
  CHECK(options->server_text == "example.org");
  CHECK(options->xcap_url == "https://example.org:5443/xcap");
  CHECK(options->name_servers == std::vector{*parse_address("127.0.0.1:5353")});
  const auto secure = read({"--account", "sips:alice@example.org"}, exit_code);
  REQUIRE(secure.has_value());
  CHECK(secure->server.secure);
  const auto named = read({"--account", "alice@example.org", "--server", "tls:Sip.example.net"}, exit_code);
  REQUIRE(named.has_value());
  CHECK(named->server == locate::Query{.host = "sip.example.net", .transport = Protocol::tls});
}

TEST_CASE("--trace shows messages as lines, --full whole, with --trace or without") {
  ::setenv("BECKON_PASSWORD", "secret", 1);
  using Words = std::vector<std::string>;
  const std::vector<std::pair<Words, Tracing>> rows{{{}, Tracing::off},
                                                    {{"--trace"}, Tracing::lines},
                                                    {{"--full"}, Tracing::full},
                                                    {{"--full", "--texts"}, Tracing::writing},
                                                    {{"--trace", "--full"}, Tracing::full}};
  for (const auto& [more, tracing] : rows) {
    CAPTURE(more.size());
    Words words{"--account", "alice@example.org"};
    words.insert(words.end(), more.begin(), more.end());
    int exit_code = -1;
    const auto options = read(words, exit_code);
    REQUIRE(options.has_value());
    CHECK(options->tracing == tracing);
  }
}

TEST_CASE("--no-gruu has the own address as Contact in dialogs") {
  int exit_code = 0;
  CHECK(read({"--account", "alice@example.org"}, exit_code)->has_gruu_contact);
  CHECK_FALSE(read({"--account", "alice@example.org", "--no-gruu"}, exit_code)->has_gruu_contact);
}

TEST_CASE("--keep-alive is the longest time between keep-alives; without it each transport has its own") {
  ::setenv("BECKON_PASSWORD", "secret", 1);
  int exit_code = -1;
  CHECK_FALSE(read({"--account", "alice@example.org"}, exit_code)->keep_alive.has_value());
  CHECK(read({"--account", "alice@example.org", "--keep-alive", "120"}, exit_code)->keep_alive == 120s);
}

TEST_CASE("what is wrong on the command line is exit code 2") {
  ::setenv("BECKON_PASSWORD", "secret", 1);
  const std::vector<std::string> good{"--account", "alice@example.org", "--server", "tls:a"};
  int exit_code = -1;
  CHECK(read(good, exit_code).has_value());
  for (const auto& more :
       {std::vector<std::string>{"--log", "loud"}, std::vector<std::string>{"--account", "alice"},
        std::vector<std::string>{"--server", "a"}, std::vector<std::string>{"--dns", "ns.example.org"},
        std::vector<std::string>{"--dns", "127.0.0.1:0"}, std::vector<std::string>{"--keep-alive", "0"},
        std::vector<std::string>{"--keep-alive", "3601"}, std::vector<std::string>{"--keep-alive", "soon"},
        std::vector<std::string>{"--password-file", "/nonexistent/password"}}) {
    CAPTURE(more.front());
    auto words = good;
    if (more.front() == "--account") words.erase(words.begin(), words.begin() + 2);
    if (more.front() == "--server") words.erase(words.begin() + 2, words.end());
    words.insert(words.end(), more.begin(), more.end());
    exit_code = -1;
    CHECK_FALSE(read(words, exit_code).has_value());
    CHECK(exit_code == 2);
  }
}

TEST_CASE("what is wrong with an option names the value and what is allowed") {
  ::setenv("BECKON_PASSWORD", "secret", 1);
  struct Row {
    std::vector<std::string> words;
    const char* said;
  };
  for (const Row& row :
       {Row{{"--account", "@b"},
            "beckon: --account: @b is neither USER@DOMAIN, as alice@example.org, nor an account of `beckon "
            "account list`\n"},
        Row{{"--account", "a@b", "--server", "sip.example.org"},
            "beckon: --server: sip.example.org is not tls:HOST[:PORT], tcp:... or udp:...\n"},
        Row{{"--account", "a@b", "--dns", "ns"}, "beckon: --dns: ns is not ADDRESS:PORT, as 192.0.2.53:53\n"},
        Row{{"--account", "a@b", "--log", "loud"},
            "beckon: --log: loud is not trace, debug, info, warn, error or off\n"},
        Row{{"--account", "a@b", "--fingerprint", "abc"},
            "beckon: --fingerprint: abc is not sha256: and 64 hexadecimal digits\n"},
        Row{{"--account", "a@b", "--ca", "/nowhere.pem"}, "beckon: --ca /nowhere.pem: cannot be read\n"},
        Row{{"--account", "a@b", "--frob", "register"},
            "beckon: there is no option --frob; `beckon --help` lists those there are\n"},
        Row{{"--account", "a@b", "doctor", "now"}, "beckon: doctor takes no arguments\n"},
        Row{{"--json", "test", "x.txt"},
            "beckon: the options of test stand behind it: beckon test FILE --server URI\n"}}) {
    CAPTURE(row.said);
    std::ostringstream said;
    auto* const before = std::cerr.rdbuf(said.rdbuf());
    int exit_code = -1;
    const auto options = read(row.words, exit_code);
    std::cerr.rdbuf(before);
    CHECK_FALSE(options.has_value());
    CHECK(exit_code == 2);
    CHECK(said.str() == row.said);
  }
}

TEST_CASE("--help is no failure") {
  int exit_code = -1;
  CHECK_FALSE(read({"--help"}, exit_code).has_value());
  CHECK(exit_code == 0);
}

TEST_CASE("help needs no account, and what is wrong is said before the password is asked for") {
  ::unsetenv("BECKON_PASSWORD");
  int exit_code = -1;
  CHECK_FALSE(read({"help", "message"}, exit_code).has_value());
  CHECK(exit_code == 0);
  exit_code = -1;
  CHECK_FALSE(read({"--account", "alice@example.org", "--json", "help"}, exit_code).has_value());
  CHECK(exit_code == 0);
  CHECK_FALSE(read({"help", "fly"}, exit_code).has_value());
  CHECK(exit_code == 2);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"register"},
        {"register", "--account", "alice@example.org"},
        {"--account", "alice@example.org", "--ca", "/nowhere/cert.pem", "register"},
        {"--account", "alice@example.org", "--play", "/nowhere/voice.wav", "register"}}) {
    CAPTURE(words.back());
    exit_code = -1;
    CHECK_FALSE(read(words, exit_code).has_value());
    CHECK(exit_code == 2);
  }
}

TEST_CASE("the client's state is apart from the server's data, and moves there from where it was") {
  const test::TemporaryFolder data;
  ::setenv("BECKON_PASSWORD", "secret", 1);
  ::setenv("XDG_DATA_HOME", data.path().c_str(), 1);
  int exit_code = -1;
  const auto folder_of = [&] { return read({"--account", "alice@example.org"}, exit_code)->state; };
  const auto own = data.path() / "beckon-client" / "alice@example.org";
  const auto before = data.path() / "beckon" / "alice@example.org";
  CHECK(folder_of() == own);
  CHECK_FALSE(std::filesystem::exists(own));  // whoever opens it makes it
  std::filesystem::create_directories(before);
  std::ofstream(before / "keys.json") << "{}";
  CHECK(folder_of() == own);
  CHECK(std::filesystem::exists(own / "keys.json"));
  CHECK_FALSE(std::filesystem::exists(before));
  ::unsetenv("XDG_DATA_HOME");
}
