#include "server/config/command_line.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <vector>

#include "protocol/base/text.hpp"

namespace beckon::server {

namespace {

using Verb = CommandLine::Verb;

/// The command line's words, before the file is read.
struct Words {
  std::string config_file;
  std::string data;
  std::vector<std::string> domains;
  std::vector<std::string> listen;
  std::vector<std::string> dns;
  std::string advertise;
  unsigned shards = 0;
  std::string durability;
  std::string watcher_policy;
  std::string authentication;
  std::string tls_certificate;
  std::string tls_key;
  std::string log;
  std::string argument;
  std::string watcher;
  std::string owner, topic;
  std::string server;
  bool json = false;
  bool follow = false;
  bool full = false, writing = false;
};

/// The options as TOML, so that file and command line are read by the same rules. Values were checked by
/// CLI11 or are quoted here.
std::string as_toml(const Words& words) {
  std::string toml;
  const auto quoted = [](const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + '"';
  };
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) toml += std::string(key) + " = " + quoted(value) + '\n';
  };
  const auto add_list = [&](const char* key, const std::vector<std::string>& values) {
    if (values.empty()) return;
    toml += std::string(key) + " = [";
    for (const auto& value : values) toml += quoted(value) + ", ";
    toml += "]\n";
  };
  add_list("domains", words.domains);
  add_list("listen", words.listen);
  add_list("dns.servers", words.dns);
  add("advertise", words.advertise);
  add("data", words.data);
  if (words.shards != 0) toml += "shards = " + std::to_string(words.shards) + '\n';
  add("durability", words.durability);
  add("watcher_policy", words.watcher_policy);
  add("authentication", words.authentication);
  add("log", words.log);
  add("tls.certificate", words.tls_certificate);
  add("tls.key", words.tls_key);
  return toml;
}

void add_run(CLI::App& app, Words& words) {
  auto* run = app.add_subcommand("run", "Serve until SIGTERM; SIGHUP reloads certificates and configuration");
  run->add_option("--config", words.config_file, "TOML file; every key is explained in beckond.toml");
  run->add_option("--data", words.data, "Folder of store, certificate and admin socket");
  run->add_option("--domain", words.domains, "Domain to serve; may be repeated");
  run->add_option("--listen", words.listen,
                  "udp|tcp|tls|ws|wss|https|stun|admin:ADDRESS:PORT; may be repeated");
  run->add_option("--advertise", words.advertise, "Host that peers reach this server at");
  run->add_option("--dns", words.dns, "Name server ADDRESS:PORT; may be repeated; default /etc/resolv.conf");
  run->add_option("--shards", words.shards, "Threads")->check(CLI::Range(1, 64));
  run->add_option("--durability", words.durability, "What an answered request survives")
      ->check(CLI::IsMember({"memory", "process", "power"}));
  run->add_option("--watcher-policy", words.watcher_policy, "For watchers that no rule covers")
      ->check(CLI::IsMember({"confirm", "allow"}));
  run->add_option("--auth", words.authentication, "none: for benches, on loopback only")
      ->check(CLI::IsMember({"digest", "none"}));
  run->add_option("--tls-cert", words.tls_certificate, "PEM file of the certificate chain");
  run->add_option("--tls-key", words.tls_key, "PEM file of its private key");
  run->add_option("--log", words.log, "trace, debug, info, warn, error or off");
}

/// A subcommand that works on the data folder.
CLI::App* add_data_command(CLI::App& parent, Words& words, const std::string& name, const std::string& help) {
  auto* command = parent.add_subcommand(name, help);
  command->add_option("--data", words.data, "Folder of the store");
  return command;
}

using Verbs = std::vector<std::pair<CLI::App*, Verb>>;

void add_user(CLI::App& app, Words& words, Verbs& verbs) {
  auto* user = app.add_subcommand("user", "Users and their passwords; works while the server runs")
                   ->require_subcommand(1);
  struct Row {
    const char* name;
    const char* help;
    const char* argument;
    Verb verb;
  };
  static constexpr Row rows[] = {
      {"add", "Adds a user; the password is one line of standard input", "user", Verb::user_add},
      {"invite",
       "Makes a password, and the user where there is none, and prints the link that \"beckon account add\" "
       "takes",
       "user", Verb::user_invite},
      {"import", "Adds all users of a file with lines \"alice@example.org password\"", "file",
       Verb::user_import},
      {"list", "Lists the users", nullptr, Verb::user_list},
      {"passwd", "Sets a new password, one line of standard input", "user", Verb::user_passwd},
      {"disable", "Refuses a user's credentials, and keeps the user's data", "user", Verb::user_disable},
      {"enable", "Accepts a disabled user's credentials again", "user", Verb::user_enable},
      {"remove", "Removes a user", "user", Verb::user_remove},
  };
  for (const Row& row : rows) {
    auto* command = add_data_command(*user, words, row.name, row.help);
    if (row.argument) command->add_option(row.argument, words.argument)->required();
    if (row.verb == Verb::user_invite)
      command->add_option("--server", words.server,
                          "tls|tcp|udp:HOST:PORT, where the user finds the server; default: as it listens");
    if (row.verb == Verb::user_list) command->add_flag("--json", words.json, "As JSON");
    verbs.emplace_back(command, row.verb);
  }
}

void add_room(CLI::App& app, Words& words, Verbs& verbs) {
  auto* room =
      app.add_subcommand("room", "Rooms: addresses whose messages go to all members")->require_subcommand(1);
  auto* add = add_data_command(*room, words, "add", "Makes a room; its owner adds the members");
  add->add_option("room", words.argument, "lunch@example.org")->required();
  add->add_option("--owner", words.owner, "The user who owns it")->required();
  add->add_option("--topic", words.topic, "What it is about");
  verbs.emplace_back(add, Verb::room_add);
  auto* list = add_data_command(*room, words, "list", "Lists the rooms");
  list->add_flag("--json", words.json, "As JSON");
  verbs.emplace_back(list, Verb::room_list);
  auto* remove = add_data_command(*room, words, "remove", "Ends a room, with what was said there");
  remove->add_option("room", words.argument)->required();
  verbs.emplace_back(remove, Verb::room_remove);
}

void add_questions(CLI::App& app, Words& words, Verbs& verbs) {
  auto* tables = add_data_command(app, words, "tables", "The live tables of the running server");
  tables->add_option("table", words.argument, "Only this one: bindings, PIT, PST, WT, WST, ...");
  tables->add_flag("--json", words.json, "As JSON");
  verbs.emplace_back(tables, Verb::tables);
  auto* explain =
      add_data_command(app, words, "explain",
                       "What the running server holds about one user, or why a watcher sees what it sees");
  explain->add_option("user", words.argument, "alice@example.org, or alice where one domain is served")
      ->required();
  explain->add_option("--for", words.watcher,
                      "What this watcher is shown, and why; and which of its messages wait");
  explain->add_flag("--json", words.json, "As JSON");
  verbs.emplace_back(explain, Verb::explain);
  auto* trace =
      add_data_command(app, words, "trace", "The recent SIP messages of the running server, secrets masked");
  trace->add_option("--about", words.argument, "Only those of this user, or with this Call-ID");
  trace->add_flag("--follow", words.follow, "Continue with messages as they come");
  trace->add_flag("--full", words.full, "Show whole messages, but for the texts that people write");
  trace->add_flag("--texts", words.writing, "Show whole messages, and those texts");
  trace->add_flag("--json", words.json, "As JSON, one event a line");
  verbs.emplace_back(trace, Verb::trace);
  auto* check = app.add_subcommand("check-config", "Checks a configuration file");
  check->add_option("file", words.argument)->required();
  verbs.emplace_back(check, Verb::check_config);
}

std::variant<CommandLine, Exit> complain(const std::string& what) {
  std::cerr << "beckond: " << what << '\n';
  return Exit::usage;
}

std::variant<CommandLine, Exit> finish(const Words& words, Verb verb) {
  CommandLine line{.verb = verb,
                   .config = {},
                   .argument = words.argument,
                   .watcher = words.watcher,
                   .owner = words.owner,
                   .topic = words.topic,
                   .server = words.server,
                   .json = words.json,
                   .follow = words.follow,
                   .full = words.full,
                   .writing = words.writing};
  Config asked;
  asked.file = words.config_file;
  asked.overrides = as_toml(words);
  if (const auto problem = reload(asked, line.config)) return complain(*problem);
  return line;
}

}  // namespace

std::variant<CommandLine, Exit> parse_command_line(int argc, const char* const* argv) {
  Words words;
  Verbs verbs;
  CLI::App app("Beckon's presence server: SIP registrar, proxy and presence agent", "beckond");
  app.set_version_flag("--version", "beckond " BECKON_VERSION);
  app.require_subcommand(0, 1);
  add_run(app, words);
  add_user(app, words, verbs);
  add_room(app, words, verbs);
  add_questions(app, words, verbs);
  app.footer("\"beckond help COMMAND\" explains one of them.");
  // "help user add" is "user add --help".
  std::vector<const char*> arguments(argv, argv + argc);
  if (argc > 1 && std::string_view(argv[1]) == "help") {
    arguments.erase(arguments.begin() + 1);
    arguments.push_back("--help");
  }
  try {
    app.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? Exit::done : Exit::usage;
  }
  for (const auto& [command, verb] : verbs) {
    if (command->parsed()) return finish(words, verb);
  }
  return finish(words, Verb::run);
}

}  // namespace beckon::server
