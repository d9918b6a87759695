#include "server/config/config.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <set>

#include "server/config/command_line.hpp"

using namespace beckon;
using namespace beckon::server;

namespace {

std::string problem_of(std::string_view toml) {
  Config config;
  return read_toml(toml, config).value_or("");
}

std::variant<CommandLine, Exit> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "beckond");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

/// Each key with a value that is not its default.
struct Row {
  std::string key;
  std::string value;
};

const Row rows[] = {
    {"domains", "['example.org']"},
    {"listen", "['udp:127.0.0.1:1']"},
    {"advertise", "'sip.example.org'"},
    {"data", "'/tmp/x'"},
    {"shards", "2"},
    {"durability", "'power'"},
    {"authentication", "'none'"},
    {"watcher_policy", "'allow'"},
    {"federation.domains", "['example.org', '*']"},
    {"federation.trusted", "['example.org']"},
    {"federation.tls_only", "false"},
    {"federation.ca", "'/ca.pem'"},
    {"federation.requests_per_second", "50"},
    {"federation.requests_burst", "51"},
    {"federation.subscriptions", "52"},
    {"federation.ringing", "52"},
    {"registration_watchers", "['sip:welcome@example.org']"},
    {"registration_managers", "['sip:gateway@example.org']"},
    {"dialog_watchers", "['sip:desk@example.org']"},
    {"trusted_networks", "['192.0.2.0/24']"},
    {"log", "'off'"},
    {"trace.messages", "1"},
    {"trace.octets", "1"},
    {"tls.certificate", "'/cert.pem'"},
    {"tls.key", "'/key.pem'"},
    {"tls.client_ca", "'/ca.pem'"},
    {"tls.client_certificate", "'required'"},
    {"digest.sha512_256", "true"},
    {"digest.md5", "false"},
    {"digest.qop", "['auth-int']"},
    {"digest.userhash", "true"},
    {"digest.authentication_info", "false"},
    {"digest.md5_only_agents", "['Old/']"},
    {"digest.md5_only_at", "['tls']"},
    {"digest.nonce_seconds", "1"},
    {"guessing.free", "1"},
    {"guessing.pause_seconds", "2"},
    {"guessing.pause_max_seconds", "2"},
    {"guessing.memory_seconds", "2"},
    {"guessing.entries", "1"},
    {"proxy.foreign", "'forward'"},
    {"proxy.serial_ring_seconds", "0"},
    {"proxy.recurse", "true"},
    {"proxy.trust_domain", "['192.0.2.0/24']"},
    {"calls.dialog_events", "false"},
    {"calls.age_max_seconds", "90"},
    {"calls.obey_presence", "false"},
    {"calls.missed_notes", "false"},
    {"dns.servers", "['192.0.2.1:53']"},
    {"restart.notifies_per_second", "5"},
    {"restart.grace_seconds", "1"},
    {"connections.total", "1"},
    {"connections.per_address", "1"},
    {"connections.queue_kib", "1"},
    {"connections.idle_seconds", "1"},
    {"connections.handshake_seconds", "1"},
    {"connections.message_seconds", "1"},
    {"connections.unfinished_kib", "2048"},
    {"websocket.message_kib", "1"},
    {"websocket.ping_seconds", "1"},
    {"websocket.origins", "['https://example.org']"},
    {"registration.minimum", "1"},
    {"registration.standard", "1"},
    {"registration.maximum", "1"},
    {"subscription.minimum", "1"},
    {"subscription.standard", "1"},
    {"subscription.maximum", "1"},
    {"subscription.notify_attempts", "1"},
    {"subscription.list_window_milliseconds", "1"},
    {"subscription.repeat_interval_min_seconds", "1"},
    {"publication.minimum", "1"},
    {"publication.standard", "1"},
    {"publication.maximum", "1"},
    {"archive.messages_per_user", "0"},
    {"archive.keep_days", "1"},
    {"archive.text_octets", "0"},
    {"archive.total_mib", "1"},
    {"room.members", "1"},
    {"room.per_user", "0"},
    {"room.per_domain", "0"},
    {"room.memberships_per_user", "1"},
    {"room.messages_per_minute", "1"},
    {"room.message_octets", "1"},
    {"message.per_user", "1"},
    {"message.kib_per_user", "1"},
    {"message.notices_per_user", "1"},
    {"message.kib_per_thread", "1"},
    {"message.keep_days", "1"},
    {"message.other_devices_hours", "1"},
    {"message.patience_seconds", "1"},
    {"limits.bindings_per_aor", "1"},
    {"limits.publications_per_aor", "1"},
    {"limits.elements_per_presentity", "1"},
    {"limits.document_octets_per_presentity", "1"},
    {"limits.watchers_per_presentity", "1"},
    {"limits.pending_per_presentity", "1"},
    {"limits.watch_log_lines", "0"},
    {"limits.subscriptions_per_watcher", "1"},
    {"limits.subscriptions_per_watcher_and_presentity", "1"},
    {"limits.unauthenticated_per_second", "1"},
    {"limits.unauthenticated_burst", "1"},
    {"limits.calls_per_user", "1"},
    {"limits.ringing_per_user", "1"},
    {"limits.ringing_per_address", "1"},
    {"limits.max_breadth", "1"},
    {"limits.queue_between_shards", "1"},
    {"limits.list_members", "1"},
    {"limits.list_foreign_members", "0"},
    {"limits.list_notify_octets", "65536"},
    {"limits.list_datagram_octets", "4096"},
    {"limits.document_octets", "4096"},
    {"limits.documents_per_user", "1"},
    {"limits.services_per_document", "1"},
};

/// The defaults, but for the row's key.
Config with(const Row& row) {
  Config config;
  const auto problem = read_toml(row.key + " = " + row.value, config);
  REQUIRE(problem.value_or("") == "");
  return config;
}

/// The keys of the sample that are marked "(reload)": in the comment over them, or by their section.
std::set<std::string> marked_keys() {
  std::set<std::string> keys;
  std::ifstream file(BECKON_SAMPLE);
  std::string section;
  bool comment = false;  // Was the last line one?
  bool marked = false;
  bool section_marked = false;
  for (std::string line; std::getline(file, line);) {
    const bool has_mark = line.find("(reload)") != std::string::npos;
    if (line.starts_with('#')) {
      marked = has_mark || (comment && marked);
    } else if (line.starts_with('[')) {
      section = line.substr(1, line.find(']') - 1) + '.';
      section_marked = has_mark || (comment && marked);
      marked = false;
    } else if (const auto equals = line.find(" = "); equals != std::string::npos) {
      if (marked || section_marked) keys.insert(section + line.substr(0, equals));
    }
    comment = line.starts_with('#');
  }
  return keys;
}

}  // namespace

TEST_CASE("every key of the configuration can be given another value than its default") {
  std::set<std::string> shown;
  for (const Row& row : rows) {
    CAPTURE(row.key);
    shown.insert(row.key);
    CHECK(with(row) != Config{});
  }
  const auto names = key_names();
  CHECK(shown == std::set<std::string>(names.begin(), names.end()));
}

TEST_CASE("the sample file names every key with its default") {
  Config fresh;
  fresh.listeners = default_listeners();
  for (const Row& row : rows) {
    CAPTURE(row.key);
    Config config = with(row);
    CHECK(read_file(BECKON_SAMPLE, config).value_or("") == "");
    CHECK((config == fresh));
    CHECK_FALSE(check(config));
  }
}

TEST_CASE("SIGHUP changes the keys that the sample marks, and no others") {
  const auto marked = marked_keys();
  CHECK(marked.size() > 20);
  for (const Row& row : rows) {
    CAPTURE(row.key);
    const Config running;
    const Config fresh = with(row);
    CHECK((reloaded(running, fresh) == (marked.contains(row.key) ? fresh : running)));
  }
}

TEST_CASE(
    "after SIGHUP the changed keys that wait for a restart are named, put in the file or taken out of it") {
  const auto marked = marked_keys();
  Config all;
  std::set<std::string> others;
  for (const Row& row : rows) {
    CAPTURE(row.key);
    const auto named = marked.contains(row.key) ? std::vector<std::string>{} : std::vector{row.key};
    CHECK(waiting({}, with(row)) == named);
    CHECK(waiting(with(row), {}) == named);
    CHECK(waiting(with(row), with(row)).empty());
    CHECK(read_toml(row.key + " = " + row.value, all).value_or("") == "");
    others.insert(named.begin(), named.end());
  }
  CHECK(others.size() > 10);
  const auto named = waiting({}, all);
  CHECK(std::set<std::string>(named.begin(), named.end()) == others);
  CHECK(named.size() == others.size());
}

TEST_CASE("a fault in a file is reported with its line and what was expected") {
  struct Wrong {
    const char* toml;
    const char* told;
  };
  const Wrong wrong[] = {
      {"shards = 2\nshard = 2", "line 2: there is no key \"shard\""},
      {"[limits]\nbindings = 2", "line 2: there is no key \"limits.bindings\""},
      {"shards = 65", "line 1: shards: a number from 1 to 64"},
      {"shards = \"2\"", "line 1: shards: a number from 1 to 64"},
      {"durability = \"disk\"", "line 1: durability: one of \"memory\" \"power\" \"process\""},
      {"domains = \"example.org\"", "line 1: domains: a list of texts"},
      {"[digest]\nqop = [\"auth-conf\"]", "line 2: digest.qop: \"auth\" or \"auth-int\""},
      {"trusted_networks = [\"10.0.0.0/33\"]",
       "line 1: trusted_networks: \"10.0.0.0/33\" is not a network such as 192.0.2.0/24"},
      {"[digest]\nmd5_only_at = [\"udp:0\"]",
       "line 2: digest.md5_only_at: \"udp:0\" is not a SIP transport such as \"ws\", or one port of it: "
       "\"udp:5062\""},
      {"[guessing]\nfree = 0", "line 2: guessing.free: a number from 1 to 1000000"},
      {"domains = [\"bad domain\"]", "line 1: domains: \"bad domain\" is not a domain name or an address"},
      {"domains = [\"example.org:5060\"]",
       "line 1: domains: \"example.org:5060\" is not a domain name or an address"},
      {"domains = [\"\"]", "line 1: domains: \"\" is not a domain name or an address"},
      {"domains = [1]", "line 1: domains: a list of texts"},
      {"listen = [\"sctp:127.0.0.1:5080\"]",
       "line 1: listen: \"sctp:127.0.0.1:5080\": a listener reads KIND:ADDRESS:PORT, with udp, tcp, tls, ws, "
       "wss, https, stun or "
       "admin "
       "as its kind"},
  };
  for (const Wrong& row : wrong) {
    CAPTURE(row.toml);
    CHECK(problem_of(row.toml) == row.told);
  }
  CHECK(problem_of("shards = ").starts_with("line 1, column "));
}

TEST_CASE("bounds of connections and certificates of clients are read") {
  Config config;
  const auto problem = read_toml(
      "[connections]\ntotal = 7\nper_address = 3\nqueue_kib = 64\nidle_seconds = 30\nhandshake_seconds = 2\n"
      "message_seconds = 9\nunfinished_kib = 4096\n"
      "[websocket]\nmessage_kib = 128\nping_seconds = 20\norigins = [\"https://example.org\"]\n"
      "[tls]\nclient_ca = \"/ca.pem\"\nclient_certificate = \"required\"\n",
      config);
  CHECK(problem.value_or("") == "");
  CHECK(config.connections == ConnectionLimits{.total = 7,
                                               .per_address = 3,
                                               .queue_kib = 64,
                                               .handshake = 2s,
                                               .message = 9s,
                                               .unfinished_kib = 4096,
                                               .websocket_message_kib = 128,
                                               .websocket_ping = 20s,
                                               .websocket_origins = {"https://example.org"}});
  CHECK(config.settings.idle_connection == 30s);
  CHECK(config.tls_clients.ca == "/ca.pem");
  CHECK(config.tls_clients.required);
  CHECK_FALSE(check(config));
}

TEST_CASE("contradictory bounds are refused") {
  for (const char* toml : {"[tls]\nclient_certificate = \"required\"", "[websocket]\nping_seconds = 120",
                           "[connections]\nidle_seconds = 45"}) {
    CAPTURE(toml);
    Config config;
    CHECK_FALSE(read_toml(toml, config));
    CHECK(check(config).has_value());
  }
}

TEST_CASE("where requests come in is read: a transport, or one port of it") {
  using transaction::Protocol;
  CHECK(parse_entrance("ws") == Entrance{Protocol::ws});
  CHECK(parse_entrance("wss") == Entrance{Protocol::wss});
  CHECK(parse_entrance("udp:5062") == Entrance{Protocol::udp, 5062});
  for (const char* text :
       {"", "https", "sctp", "udp:", "udp:0", "udp:65536", "udp:x", "udp:127.0.0.1:5060", "UDP"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_entrance(text).has_value());
  }
}

TEST_CASE("listeners are read and printed") {
  for (const char* text : {"udp:127.0.0.1:5060", "tls:[::1]:0", "ws:127.0.0.1:5080", "wss:[::1]:443",
                           "https:0.0.0.0:5443", "stun:[::]:3478", "admin:127.0.0.1:1"}) {
    CAPTURE(text);
    const auto listener = parse_listener(text);
    REQUIRE(listener.has_value());
    CHECK(print(*listener) == text);
  }
  CHECK(parse_listener("sctp:127.0.0.1:5060").error() == Errc::bad_listener);
  CHECK(parse_listener("udp").error() == Errc::bad_address);
  CHECK(parse_listener("udp:localhost:5060").error() == Errc::bad_address);
  CHECK(parse_listener("udp:127.0.0.1:65536").error() == Errc::bad_address);
}

TEST_CASE("a network contains the addresses that begin as it does") {
  struct Place {
    const char* network;
    const char* ip;
    bool inside;
  };
  const Place places[] = {
      {"192.0.2.0/24", "192.0.2.255", true},      {"192.0.2.0/24", "192.0.3.0", false},
      {"192.0.2.128/25", "192.0.2.128", true},    {"192.0.2.128/25", "192.0.2.127", false},
      {"192.0.2.9", "192.0.2.9", true},           {"192.0.2.9", "192.0.2.8", false},
      {"0.0.0.0/0", "203.0.113.5", true},         {"0.0.0.0/0", "::1", false},
      {"2001:db8::/32", "2001:db8:ffff::", true}, {"2001:db8::/32", "2001:db9::", false},
      {"2001:db8::/127", "2001:db8::1", true},    {"2001:db8::/127", "2001:db8::2", false},
  };
  for (const Place& row : places) {
    CAPTURE(row.network);
    CAPTURE(row.ip);
    CHECK(parse_network(row.network)->contains(*parse_ip(row.ip)) == row.inside);
  }
  CHECK(print(*parse_network("192.0.2.0/24")) == "192.0.2.0/24");
  for (const char* bad : {"", "/8", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/33", "::/129", "10.0/8"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_network(bad).has_value());
  }
  CHECK(Settings{}.trusts(*parse_ip("127.255.0.1")));
  CHECK(Settings{}.trusts(*parse_ip("::1")));
  CHECK_FALSE(Settings{}.trusts(*parse_ip("128.0.0.1")));
}

TEST_CASE("contradictory settings are refused") {
  for (const char* toml :
       {"[digest]\nqop = []", "[guessing]\npause_seconds = 301", "[guessing]\nmemory_seconds = 9"}) {
    CAPTURE(toml);
    Config config;
    REQUIRE_FALSE(read_toml(toml, config));
    CHECK(check(config).has_value());
  }
}

TEST_CASE("no authentication is refused unless every listener is on loopback") {
  Config config;
  config.settings.authentication = Authentication::none;
  CHECK_FALSE(check(config));
  config.listeners = {*parse_listener("udp:127.0.0.1:5060"), *parse_listener("tcp:0.0.0.0:5060")};
  CHECK(check(config).has_value());
}

TEST_CASE("options of the command line win over the file") {
  const auto line =
      parse({"run", "--config", BECKON_SAMPLE, "--domain", "Example.ORG", "--listen", "udp:127.0.0.1:0",
             "--shards", "2", "--auth", "none", "--data", "/tmp/x", "--durability", "memory"});
  REQUIRE(std::holds_alternative<CommandLine>(line));
  const auto& config = std::get<CommandLine>(line).config;
  CHECK(config.domains == std::vector<std::string>{"example.org"});
  CHECK(config.listeners.size() == 1);
  CHECK(config.shards == 2);
  CHECK(config.data == "/tmp/x");
  CHECK(config.durability == Durability::memory);
  CHECK(config.settings.authentication == Authentication::none);
}

TEST_CASE("no arguments serve; the verbs take what DESIGN 5 says") {
  const auto alone = parse({});
  REQUIRE(std::holds_alternative<CommandLine>(alone));
  CHECK(std::get<CommandLine>(alone).verb == CommandLine::Verb::run);
  CHECK_FALSE(std::get<CommandLine>(alone).config.data.empty());
  const auto add = parse({"user", "add", "alice@example.org", "--data", "/tmp/x"});
  REQUIRE(std::holds_alternative<CommandLine>(add));
  CHECK(std::get<CommandLine>(add).verb == CommandLine::Verb::user_add);
  CHECK(std::get<CommandLine>(add).argument == "alice@example.org");
}

TEST_CASE("a wrong command line ends with the exit code for usage") {
  for (const auto& words :
       std::vector<std::vector<const char*>>{{"serve"},
                                             {"run", "--shards", "0"},
                                             {"run", "--listen", "sctp:127.0.0.1:5080"},
                                             {"run", "--domain", "bad domain"},
                                             {"run", "--auth", "none", "--listen", "udp:0.0.0.0:5060"},
                                             {"user"},
                                             {"user", "add"},
                                             {"run", "--config", "/nowhere.toml"}}) {
    CAPTURE(words.back());
    const auto line = parse(words);
    REQUIRE(std::holds_alternative<Exit>(line));
    CHECK(std::get<Exit>(line) == Exit::usage);
  }
}

TEST_CASE("other domains need a TLS listener, unless they are reached without TLS") {
  const std::string listen = "listen = ['udp:127.0.0.1:0']\n";
  const auto told = [&](const std::string& toml) {
    Config config;
    CHECK(read_toml(toml, config).value_or("") == "");
    return check(config).value_or("");
  };
  for (const char* section : {"[proxy]\nforeign = 'forward'", "[federation]\ndomains = ['*']"}) {
    CAPTURE(section);
    CHECK(told(section) == "");
    CHECK(told(listen + section).starts_with("other domains"));
    CHECK(told("listen = ['udp:127.0.0.1:0', 'tls:127.0.0.1:0']\n" + std::string(section)) == "");
  }
  CHECK(told(listen + "[proxy]\nforeign = 'forward'\n[federation]\ntls_only = false") == "");
}
