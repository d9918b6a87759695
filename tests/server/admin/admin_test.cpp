#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

#include "protocol/crypto/crypto.hpp"
#include "protocol/invitation/invitation.hpp"
#include "protocol/net/tls.hpp"
#include "server/admin/data_folder.hpp"
#include "server/admin/explanation.hpp"
#include "server/admin/metrics.hpp"
#include "server/admin/names.hpp"
#include "server/admin/show.hpp"
#include "server/admin/socket.hpp"
#include "server/admin/tables.hpp"
#include "server/admin/trace.hpp"
#include "server/admin/users.hpp"
#include "server/store/sqlite.hpp"
#include "server/users/user.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::admin;
using Verb = CommandLine::Verb;

namespace {

/// A data folder of its own that goes with the test.
class Folder {
 public:
  const std::filesystem::path& path() const { return folder_.path(); }

  struct Said {
    Exit exit;
    std::string out;
    std::string err;
  };
  Said user(Verb verb, const std::string& argument, const std::string& input = "secret\n",
            bool json = false) const {
    return run(CommandLine{.verb = verb, .config = {}, .argument = argument, .json = json}, input);
  }
  Said invite(const std::string& argument, const std::string& server = {}) const {
    return run(CommandLine{.verb = Verb::user_invite, .config = {}, .argument = argument, .server = server},
               "");
  }

 private:
  Said run(CommandLine line, const std::string& input) const {
    line.config.data = path();
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    const Exit exit = run_user_command(line, in, out, err);
    return {exit, out.str(), err.str()};
  }

  beckon::test::TemporaryFolder folder_;
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

TEST_CASE("a cell without bound does not widen the lines of the others (DESIGN 7)") {
  const std::string endless(100'000, 'x');
  const std::string text =
      print_text({{.name = "PIT",
                   .rows = {{{"contact", endless}, {"note", "a"}}, {{"contact", "sip:b"}, {"note", "c"}}}}});
  CHECK(text.find("\n  " + endless + "  a\n") != std::string::npos);
  CHECK(text.ends_with("\n  sip:b" + std::string(61, ' ') + "c\n"));
}

TEST_CASE(
    "what a device calls itself neither makes the tables unreadable nor moves the administrator's cursor") {
  const std::vector<Table> hostile{
      {.name = "bindings",
       .rows = {{{"agent", "nice\x1b[2J\xff\xfe\u202egone"}, {"aor", "sip:zo\u00eb@x"}}}}};
  const auto told = parse_json(print_json(hostile));
  REQUIRE(told.has_value());
  CHECK(print_text(*told) ==
        "bindings (1)\n"
        "  agent            aor\n"
        "  nice?[2J???gone  sip:zo\u00eb@x\n");
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

namespace {

/// One shard's figures, every family with a sample.
Metrics some_metrics() {
  Metrics metrics{.counters = {.requests = 2},
                  .transactions = 1,
                  .registered = 1,
                  .bindings = 2,
                  .flows = 4,
                  .nonces = 5,
                  .publications = {{"presence", 3}, {"dialog", 1}},
                  .subscriptions = {{{"presence", "active"}, 7}, {{"presence.winfo", "pending"}, 1}},
                  .notifies = 9,
                  .notify_answers = {{"200", 8}, {"timeout", 1}},
                  .resent = {.requests = 3, .responses = 4},
                  .messages_waiting = 2,
                  .messages = {{"stored", 3}},
                  .staleness = 2500ms,
                  .inboxes = {{"0", 6}}};
  metrics.latency.add(3ms);
  metrics.latency.add(5ms);
  metrics.latency.add(60s);
  return metrics;
}

/// What is wrong with a text of Prometheus's format 0.0.4, as its own `promtool check metrics` looks at it:
/// HELP, TYPE, then samples of that family; names and labels of their alphabet; counters end in _total, and
/// nothing else does; a histogram's buckets rise to +Inf, which equals its count. Empty: nothing.
std::string problem_of_exposition(const std::string& text) {
  static const std::regex help("# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)");
  static const std::regex type("# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)");
  static const std::regex sample(
      "([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{[a-zA-Z_][a-zA-Z0-9_]*=\"[^\"\\\\\n]*\""
      "(,[a-zA-Z_][a-zA-Z0-9_]*=\"[^\"\\\\\n]*\")*\\})? ([0-9.e+-]+)");
  if (text.empty() || text.back() != '\n') return "no line end at the end";
  std::set<std::string> families, samples;
  std::string helped, family, kind, line;
  double last_bucket = 0;
  std::istringstream lines(text);
  while (std::getline(lines, line)) {
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      helped = match[1];
      if (!families.insert(helped).second) return "a family twice: " + line;
    } else if (std::regex_match(line, match, type)) {
      family = match[1], kind = match[2], last_bucket = 0;
      if (family != helped) return "TYPE without HELP: " + line;
      if ((kind == "counter") != family.ends_with("_total"))
        return "counters, and they alone, end in _total: " + line;
    } else if (std::regex_match(line, match, sample)) {
      const std::string name = match[1], labels = match[2];
      if (!samples.insert(name + labels).second) return "a sample twice: " + line;
      const std::string suffix = name.starts_with(family) ? name.substr(family.size()) : "?";
      const double value = std::stod(match[4]);
      if (kind != "histogram") {
        if (!suffix.empty()) return "a sample of another family: " + line;
      } else if (suffix == "_bucket") {
        if (value < last_bucket) return "buckets that fall: " + line;
        last_bucket = value;
      } else if (suffix == "_count") {
        if (value != last_bucket || !samples.contains(family + "_bucket{le=\"+Inf\"}"))
          return "a wrong count: " + line;
      } else if (suffix != "_sum") {
        return "a sample of another family: " + line;
      }
    } else {
      return "not a line of the format: " + line;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("metrics are in the text format, summed over the shards") {
  Metrics all = some_metrics();
  Metrics other = some_metrics();
  other.inboxes = {{"1", 0}};
  other.staleness = 1s;
  all += other;
  const std::string text = print(all);
  CHECK(problem_of_exposition(text) == "");
  CHECK(problem_of_exposition(print(Metrics{})) == "");
  for (const char* line : {"beckon_sip_requests_total 4",
                           "# TYPE beckon_flows gauge\nbeckon_flows 8",
                           "beckon_digest_nonces 10",
                           "beckon_bindings 4",
                           "beckon_publications{package=\"presence\"} 6",
                           "beckon_subscriptions{package=\"presence\",state=\"active\"} 14",
                           "beckon_subscriptions{package=\"presence.winfo\",state=\"pending\"} 2",
                           "beckon_notifies_total 18",
                           "beckon_notify_answers_total{code=\"200\"} 16",
                           "beckon_notify_answers_total{code=\"timeout\"} 2",
                           "beckon_sip_retransmissions_total{message=\"request\"} 6",
                           "beckon_sip_retransmissions_total{message=\"response\"} 8",
                           "beckon_staleness_seconds 2.5",
                           "beckon_inbox_tasks{shard=\"0\"} 6",
                           "beckon_inbox_tasks{shard=\"1\"} 0",
                           "beckon_store_backlog_batches 0",
                           "beckon_publish_to_last_notify_seconds_bucket{le=\"0.002\"} 0",
                           "beckon_publish_to_last_notify_seconds_bucket{le=\"0.005\"} 4",
                           "beckon_publish_to_last_notify_seconds_bucket{le=\"30\"} 4",
                           "beckon_publish_to_last_notify_seconds_bucket{le=\"+Inf\"} 6",
                           "beckon_publish_to_last_notify_seconds_count 6"}) {
    CAPTURE(line);
    CHECK(text.find('\n' + std::string(line) + '\n') != text.npos);
  }
}

TEST_CASE("the check of the format finds what is wrong with it") {
  const std::string head = "# HELP a_total Some.\n# TYPE a_total counter\n";
  CHECK(problem_of_exposition(head + "a_total{x=\"y\",z=\"\"} 1\n") == "");
  for (const std::string& wrong :
       {head + "a_total 1", head + "b_total 1\n", head + "a_total x\n", head + "a_total 1\na_total 2\n",
        head + "a_total{x=y} 1\n", std::string("# TYPE a_total counter\n"),
        std::string("# HELP a Some.\n# TYPE a counter\na 1\n"),
        std::string("# HELP a Some.\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n")}) {
    CAPTURE(wrong);
    CHECK(problem_of_exposition(wrong) != "");
  }
}

TEST_CASE("an administrator names users in any case, and without domain where one is served") {
  const Folder folder;
  const auto find = [&](const std::string& text) -> std::string {
    const auto found = find_name(folder.path(), text);
    if (const auto* problem = std::get_if<std::string>(&found)) return *problem;
    const auto& named = std::get<Named>(found);
    return named.aor + (named.is_user ? "" : " unknown");
  };
  CHECK(find("alice") == "which alice? Name the domain: alice@example.org");
  CHECK(find("alice@example.org") == "sip:alice@example.org unknown");
  folder.user(Verb::user_add, "alice@example.org");
  folder.user(Verb::user_add, "Bob@example.org");
  CHECK(find("alice") == "sip:alice@example.org");
  CHECK(find("ALICE@Example.ORG") == "sip:alice@example.org");
  CHECK(find("sip:bob") == "sip:Bob@example.org");
  CHECK(find("carol") == "sip:carol@example.org unknown");
  save_domains(folder.path(), {"example.net", "127.0.0.1"});
  CHECK(find("alice") == "which alice? The server serves example.org, example.net");
  CHECK(find("alice@example.org") == "sip:alice@example.org");
  CHECK(find("alice@@").find("alice@@: ") == 0);
}

TEST_CASE(
    "an explanation is sentences, with what is left out, the last NOTIFY and what holds back the next") {
  const auto facts = boost::json::parse(R"({
    "presentity": "sip:alice@example.org", "watcher": "sip:bob@example.org", "time": "2026-11-29T21:00:00Z",
    "user": true,
    "devices": [{"contact": "sip:a@192.0.2.9", "instance": "", "device": "00ff", "user_agent": "phone/1",
                 "expires": 60, "suspended": false, "shown": "as it published"}],
    "publications": [{"number": 3, "device": "00ff", "expires": 50, "incomplete": false, "direct_offers": 0,
       "elements": [{"element": "tuple", "id": "a", "became": "itself"},
                    {"element": "tuple", "id": "b", "became": "renamed", "shown_as": "tb"},
                    {"element": "person", "id": "p", "became": "merged", "shown_as": "p"},
                    {"element": "device", "id": "d", "became": "left-out"}]}],
    "decision": {"by": "rules", "rules": ["friends", "all"], "policy": "confirm", "result": "allow",
                 "direct": "ask"},
    "state": {"basic": "open", "tuples": [{"id": "a", "basic": "open"}, {"id": "tb", "basic": "closed"}],
              "left_out": [{"element": "tuple", "id": "tb", "left_out": "whole"},
                           {"element": "person", "id": "p", "left_out": "part"}]},
    "subscriptions": [{"id": "x1", "state": "active", "since": 5, "expires": 100, "secure": true,
       "reachable": true, "in_flight": false, "due": true, "failures": 2, "waits_for": "retry", "waits": 30,
       "last_notify": {"number": 7, "octets": 812, "ago": 4, "time": "2026-11-29T20:59:56Z", "status": 408}}]
  })")
                         .as_object();
  CHECK(print_explanation(facts) ==
        "alice@example.org as bob@example.org sees it, 2026-11-29T21:00:00Z\n"
        "\nDevices\n"
        "  sip:a@192.0.2.9 is registered for 60 s more, by phone/1.\n"
        "    It is device 00ff, and shown as it published.\n"
        "\nPublications\n"
        "  Publication 3 of device 00ff lasts 50 s more.\n"
        "    tuple \"a\" is shown as it is.\n"
        "    tuple \"b\" is shown as \"tb\", as its id was taken.\n"
        "    person \"p\" is part of \"p\", which others publish too.\n"
        "    device \"d\" is not shown.\n"
        "\nState\n"
        "  Together this is open: \"a\" open, \"tb\" closed.\n"
        "\nDecision\n"
        "  Rules \"friends\", \"all\" decide about bob@example.org.\n"
        "  bob@example.org is allowed; direct sessions: ask.\n"
        "  tuple \"tb\" is left out.\n"
        "  A part of person \"p\" is left out.\n"
        "\nNOTIFYs\n"
        "  Subscription x1 is active, for 100 s more.\n"
        "    The last NOTIFY is number 7 of 812 octets, sent 4 s ago (2026-11-29T20:59:56Z), answered 408.\n"
        "    2 NOTIFYs in a row failed; the state is sent again in 30 s.\n");
  CHECK(knows_presentity(facts));
}

TEST_CASE("an explanation says what of the watcher's messages is stored, why, and how far each device is") {
  const auto print = [](const std::string& messages) {
    const auto facts = boost::json::parse(R"({"presentity": "sip:alice@example.org", "user": true,
      "watcher": "sip:bob@example.org", "messages": )" +
                                          messages + '}')
                           .as_object();
    const std::string text = print_explanation(facts);
    return text.substr(text.find("\nMessages\n"));
  };
  CHECK(print("[]") == "\nMessages\n  No message of bob@example.org is stored.\n");
  CHECK(print(R"([
    {"id": "01", "since": "2026-11-29T20:59:56Z", "expires": 100, "octets": 412, "notification": false,
     "stored_as": "away", "devices": [
       {"device": "instance urn:uuid:1", "is": "delivered"}, {"device": "sip:a@192.0.2.9", "is": "refused"},
       {"device": "sip:b@192.0.2.9", "is": "under-way"}, {"device": "sip:c@192.0.2.9", "is": "idle"},
       {"device": "sip:d@192.0.2.9", "is": "put-off", "times": 2, "waits": 70}]},
    {"id": "02", "since": "2026-11-29T21:00:00Z", "expires": 9, "octets": 300, "notification": true,
     "stored_as": "in-order", "devices": []},
    {"id": "03", "since": "2026-11-29T21:00:00Z", "expires": 9, "octets": 300, "notification": false,
     "stored_as": "left-alone", "devices": [{"device": "sip:a@192.0.2.9", "is": "left-alone"}]}, 7])") ==
        "\nMessages\n"
        "  Message 01 of 412 octets came 2026-11-29T20:59:56Z, and is kept for 100 s more.\n"
        "    It was stored as no device took it.\n"
        "    instance urn:uuid:1 has it.\n"
        "    sip:a@192.0.2.9 has refused it, and does not get it again.\n"
        "    One is under way to sip:b@192.0.2.9, or is next.\n"
        "    sip:c@192.0.2.9 gets it when it registers anew.\n"
        "    sip:d@192.0.2.9 could not take a message (2 times in a row); it is tried again in 70 s.\n"
        "  Receipt 02 of 300 octets came 2026-11-29T21:00:00Z, and is kept for 9 s more.\n"
        "    It was stored as an earlier message of bob@example.org waited.\n"
        "    It goes to the devices that register.\n"
        "  Message 03 of 300 octets came 2026-11-29T21:00:00Z, and is kept for 9 s more.\n"
        "    It was stored as alice@example.org was not to be disturbed.\n"
        "    sip:a@192.0.2.9 gets it when alice@example.org may be disturbed again.\n"
        "  Message  of  octets came , and is kept for  s more.\n"
        "    It was stored as no device took it.\n"
        "    It goes to the devices that register.\n");
}

TEST_CASE("an explanation says why nothing is sent, and any answer of a server is printed") {
  struct Row {
    const char* facts;
    const char* told;
  };
  for (
      const Row& row :
      {Row{R"({"decision": {"by": "own", "result": "allow"}})",
           "It is the presentity itself, and sees everything."},
       Row{R"({"publications": [], "hard_state": "shown"})",
           "Nothing is published.\n  The document written over XCAP is shown, as no device says anything.\n"},
       Row{R"({"hard_state": "not-shown"})",
           "The document written over XCAP is not shown, as a device is there.\n"},
       Row{R"({"watcher": "sip:eve@x", "decision": {"by": "foreign-domain", "result": "block"}})",
           "The domain of eve@x is not trusted here.\n  eve@x is refused: a SUBSCRIBE is answered with 403."},
       Row{R"({"presentity": "sip:a@x", "watcher": "sip:b@x", "decision": {"by": "default-policy",
            "policy": "confirm", "result": "confirm"}})",
           "the server's policy is \"confirm\".\n  b@x sees nothing until a@x decides."},
       Row{R"({"watcher": "sip:b@x", "decision": {"by": "rules", "rules": ["r"], "result": "polite-block"}})",
           "b@x is blocked politely, and sees closed only."},
       Row{R"({"watcher": "sip:b@x"})", "b@x has no subscription, so nothing is sent."},
       Row{R"({"watcher": "sip:b@x", "subscriptions": [{"waits_for": "connection"}]})",
           "b@x's connection is gone: nothing is sent until b@x is back."},
       Row{R"({"subscriptions": [{"waits_for": "store"}]})", "wait for the store"},
       Row{R"({"subscriptions": [{"waits_for": "rules"}]})", "A change of rules is being worked through"},
       Row{R"({"subscriptions": [{"waits_for": "answer"}]})", "It is not answered yet.\n"},
       Row{R"({"subscriptions": [{"waits_for": "answer", "due": true}]})",
           "a newer state follows the answer"},
       Row{R"({"subscriptions": [{"waits_for": "turn", "waits": 4}]})", "waits for its turn, 4 s more"},
       Row{R"({"watcher": "sip:b@x", "subscriptions": [{"waits_for": "pace", "waits": 4}]})",
           "waits for b@x's own pace, 4 s more"},
       Row{R"({"watcher": "sip:b@x", "subscriptions": [{"waits_for": "suppressed"}]})",
           "b@x asked for no NOTIFYs."},
       Row{R"({"presentity": "sip:a@x", "user": false})", "a@x is no user of this server."},
       Row{"{}", "Nothing is published."},
       Row{R"({"devices": 5, "publications": {}, "state": [], "decision": "x"})", "No device is registered."},
       Row{R"({"devices": [1, null, []], "publications": [7, {"elements": ["x"]}], "state": {"tuples": [1], "left_out": [2]},
            "decision": {"by": "rules", "rules": [1, {}], "result": "allow"}, "subscriptions": ["x", 4]})",
           "Rules \"1\", \"{}\" decide"}}) {
    CAPTURE(row.facts);
    const auto facts = boost::json::parse(row.facts).as_object();
    const std::string text = print_explanation(facts);
    CAPTURE(text);
    CHECK(text.find(row.told) != text.npos);
  }
  CHECK_FALSE(knows_presentity(boost::json::parse(R"({"user": false, "devices": []})").as_object()));
}

TEST_CASE("the first user's domain becomes served; later users must be of it") {
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

TEST_CASE("a fault in a user's name or password is reported, and nothing is stored") {
  const Folder folder;
  CHECK(folder.user(Verb::user_add, "alice").exit == Exit::usage);
  CHECK(folder.user(Verb::user_add, "alice@example.org", "").exit == Exit::usage);
  CHECK(folder.user(Verb::user_add, "alice@example.org", "\n").exit == Exit::usage);
  CHECK(folder.user(Verb::user_list, "").out.empty());
  CHECK(folder.user(Verb::user_passwd, "alice").exit == Exit::usage);
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
                [](const std::string& line, const ReplyPtr& reply) { reply->finish("you said " + line); });
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
    loop.post([&] { done = true; });
  });
  CHECK(loop.run_until([&] { return done.load(); }, 10s));
  asker.join();
  REQUIRE(said.has_value());
  CHECK(*said == "you said hello");
}

namespace {

/// A client that reads when the test lets it.
struct SlowReply final : Reply {
  void send(std::string text, std::function<void()> then) override {
    said += text;
    waiting = std::move(then);
  }
  void finish(std::string text) override {
    said += text;
    finished = true;
  }
  bool is_open() const override { return open; }
  void read_all() {
    if (const auto then = std::exchange(waiting, nullptr)) then();
  }
  std::size_t lines() const { return static_cast<std::size_t>(std::ranges::count(said, '\n')); }

  std::string said;
  std::function<void()> waiting;
  bool finished = false;
  bool open = true;
};

struct TraceStage {
  explicit TraceStage(std::size_t messages)
      : recorder(loop.clock(), {.messages = messages}),
        traces(loop, 1, [this](auto from, Time until, auto done) {
          loop.post(
              [this, from, until, done] { done({recorder.read(*from[0], until, trace::Reader::page)}); });
        }) {}
  void record(int count) {
    for (int i = 0; i < count; ++i) recorder.sent({}, share("OPTIONS sip:h SIP/2.0\r\nCall-ID: c\r\n\r\n"));
  }
  bool wait(const std::function<bool()>& done) { return loop.run_until(done, 10s); }

  net::Loop loop;
  trace::Recorder recorder;
  std::shared_ptr<SlowReply> reply = std::make_shared<SlowReply>();
  Traces traces;
};

std::string question(bool follow) {
  return R"({"about":"","full":false,"writing":false,"follow":)" + std::string(follow ? "true}" : "false}");
}

}  // namespace

TEST_CASE("a trace is sent page by page, at the pace of the client, and then ends") {
  TraceStage stage(1000);
  stage.record(150);
  stage.traces.start(question(false), stage.reply);
  CHECK(stage.wait([&] { return stage.reply->waiting != nullptr; }));
  CHECK(stage.reply->lines() == trace::Reader::page);
  CHECK(stage.wait([&] {
    stage.reply->read_all();
    return stage.reply->finished;
  }));
  CHECK(stage.reply->lines() == 150);
}

TEST_CASE("a slow follower loses messages and learns how many") {
  TraceStage stage(100);
  stage.record(1);
  stage.traces.start(question(true), stage.reply);
  CHECK(stage.wait([&] { return stage.reply->lines() == 1; }));
  stage.record(250);  // while the first line is not read
  stage.reply->said.clear();
  stage.reply->read_all();
  CHECK(stage.wait([&] {
    stage.reply->read_all();
    return stage.reply->lines() == 101;
  }));
  CHECK(stage.reply->said.starts_with("{\"event\":\"lost\",\"count\":150}\n"));
  stage.record(1);
  CHECK(stage.wait([&] {
    stage.reply->read_all();
    return stage.reply->lines() == 102;
  }));
  CHECK_FALSE(stage.reply->finished);
}

TEST_CASE(
    "a follower that leaves makes room for another; one too many and a malformed question are refused") {
  TraceStage stage(10);
  std::vector<std::shared_ptr<SlowReply>> replies;
  for (std::size_t i = 0; i <= Traces::most; ++i) {
    stage.traces.start(question(true), replies.emplace_back(std::make_shared<SlowReply>()));
  }
  CHECK(replies.back()->finished);
  CHECK(replies.back()->said == refusal("16 others are asking: that is the most at once"));
  for (const auto& reply : replies) reply->open = false;
  CHECK(stage.wait([&] { return replies.front().use_count() == 1; }));
  stage.record(1);
  stage.traces.start(question(false), stage.reply);
  CHECK(stage.wait([&] {
    stage.reply->read_all();
    return stage.reply->finished;
  }));
  CHECK(stage.reply->lines() == 1);
  const auto confused = std::make_shared<SlowReply>();
  stage.traces.start("{}", confused);
  CHECK(confused->finished);
  CHECK(confused->said == refusal("the question cannot be read"));
}

namespace {

/// A server that answers no question yet, and what the commands print.
struct Asking {
  explicit Asking(Socket::Handler handler) : socket(loop, std::move(handler)) {
    REQUIRE(socket.listen(socket_path(folder.path())).has_value());
  }
  Exit trace(const std::string& about, bool json = false) { return run(Verb::trace, about, json); }
  Exit run(Verb verb, const std::string& argument, bool json = false, const std::string& watcher = {}) {
    CommandLine line{.verb = verb, .config = {}, .argument = argument, .watcher = watcher, .json = json};
    line.config.data = folder.path();
    Exit exit = Exit::done;
    std::atomic<bool> done = false;
    std::jthread asker([&] {
      exit = verb == Verb::trace ? run_trace(line, out, errors) : run_show(line, out, errors);
      loop.post([&] { done = true; });
    });
    CHECK(loop.run_until([&] { return done.load(); }, 10s));
    return exit;
  }

  const Folder folder;
  net::Loop loop;
  Socket socket;
  std::ostringstream out, errors;
};

}  // namespace

TEST_CASE("beckond trace prints why it was refused, and fails") {
  Asking asking([](const std::string&, const ReplyPtr& reply) { reply->finish(refusal("too many")); });
  for (const bool json : {false, true}) CHECK(asking.trace("", json) == Exit::failed);
  CHECK(asking.out.str().empty());
  CHECK(asking.errors.str() == "beckond: refused: too many\nbeckond: refused: too many\n");
}

TEST_CASE("beckond tables and explain print the answer, or why they were refused") {
  std::vector<std::string> questions;
  std::string answer = print_json(example);
  Asking asking([&](const std::string& question, const ReplyPtr& reply) {
    questions.push_back(question);
    reply->finish(answer);
  });
  CHECK(asking.run(Verb::tables, "") == Exit::done);
  CHECK(asking.run(Verb::tables, "PIT") == Exit::done);
  CHECK(asking.run(Verb::explain, "alice@example.org", true) == Exit::done);
  CHECK(questions == std::vector<std::string>{"tables", "tables", "about sip:alice@example.org"});
  CHECK(asking.out.str() == print_text(example) + "PIT (0)\n" + print_json(example) + '\n');
  CHECK(asking.errors.str().empty());

  struct Row {
    Verb verb;
    std::string argument, answer;
    Exit exit;
    std::string told;
  };
  const Row rows[] = {
      {Verb::tables, "", refusal("too many"), Exit::failed, "refused: too many"},
      {Verb::explain, "alice@example.org", refusal("too many"), Exit::failed, "refused: too many"},
      {Verb::tables, "", "{\"event\":\"refused\"}", Exit::failed, "refused: no reason given"},
      {Verb::tables, "", "{\"event\":\"other\"}", Exit::failed, "the server's answer cannot be read"},
      {Verb::tables, "", "", Exit::failed, "the server's answer cannot be read"},
      {Verb::tables, "none", print_json(example), Exit::usage, "there is no table \"none\""}};
  for (const Row& row : rows) {
    CAPTURE(row.told);
    answer = row.answer;
    asking.out.str("");
    asking.errors.str("");
    CHECK(asking.run(row.verb, row.argument) == row.exit);
    CHECK(asking.errors.str() == "beckond: " + row.told + '\n');
    CHECK(asking.out.str().empty());
  }
}

TEST_CASE("beckond explain --for asks about two, and says so when there is no such user") {
  std::vector<std::string> questions;
  std::string answer =
      R"({"user":true,"presentity":"sip:alice@example.org","watcher":"sip:bob@example.org"})";
  Asking asking([&](const std::string& question, const ReplyPtr& reply) {
    questions.push_back(question);
    reply->finish(answer);
  });
  {
    auto store = store::SqliteUsers::open(users_file(asking.folder.path()));
    REQUIRE(store.has_value());
    SeededRandom random(1);
    const auto user = users::make_user("alice@example.org", "secret", random);
    REQUIRE((*store)->add(std::span(&*user, 1)).has_value());
  }
  CHECK(asking.run(Verb::explain, "Alice", false, "bob@example.ORG") == Exit::done);
  CHECK(asking.out.str().find("alice@example.org as bob@example.org sees it") == 0);
  asking.out.str("");
  CHECK(asking.run(Verb::explain, "alice", true, "bob") == Exit::done);
  CHECK(asking.out.str() == answer + '\n');
  CHECK(questions == std::vector<std::string>(2, "explain sip:alice@example.org sip:bob@example.org"));
  CHECK(asking.errors.str().empty());

  answer = R"({"user":false})";
  asking.out.str("");
  CHECK(asking.run(Verb::explain, "carol", false, "bob") == Exit::failed);
  CHECK(asking.errors.str() == "beckond: there is no user carol@example.org\n");
  asking.errors.str("");
  answer = "{}";  // no row names her
  CHECK(asking.run(Verb::explain, "carol") == Exit::failed);
  CHECK(asking.run(Verb::explain, "alice") == Exit::done);
  CHECK(asking.errors.str() == "beckond: there is no user carol@example.org\n");
  asking.errors.str("");
  answer = "[]";
  CHECK(asking.run(Verb::explain, "alice", false, "bob") == Exit::failed);
  CHECK(asking.errors.str() == "beckond: the server's answer cannot be read\n");
  CHECK(asking.out.str().empty());
}

TEST_CASE("a question of any length beyond the limit is refused, and never handled") {
  int handled = 0;
  Asking asking([&](const std::string&, const ReplyPtr& reply) {
    ++handled;
    reply->finish({});
  });
  for (const std::size_t size : {Socket::line_max, 10 * Socket::line_max, std::size_t{1'000'000}}) {
    CAPTURE(size);
    CHECK(asking.trace(std::string(size, 'a')) == Exit::failed);
    CHECK(asking.errors.str().ends_with("refused: the question is longer than 1024 octets\n"));
  }
  CHECK(handled == 0);
  CHECK(asking.trace("alice@example.org") == Exit::done);
  CHECK(handled == 1);
}

TEST_CASE("when no file can be opened, a client is answered as soon as one can be") {
  const Folder folder;
  net::Loop loop;
  Socket socket(loop, [](const std::string& line, const ReplyPtr& reply) { reply->finish(line); });
  const auto path = socket_path(folder.path());
  REQUIRE(socket.listen(path).has_value());
  const int asker = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(asker >= 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);

  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  // The lowest number that is free is the first one forbidden: the connection waits, and cannot be accepted.
  const int lowest = ::dup(asker);
  ::close(lowest);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(lowest);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const int connected = ::connect(asker, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const bool failed = loop.run_until([&] { return loop.timers().next().has_value(); }, 10s);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE(connected == 0);
  CHECK(failed);  // it is to be tried again

  REQUIRE(::send(asker, "hello\n", 6, 0) == 6);
  std::string said(16, '\0');
  ssize_t size = -1;
  CHECK(loop.run_until(
      [&] {
        size = ::recv(asker, said.data(), said.size(), MSG_DONTWAIT);
        return size >= 0;
      },
      10s));
  CHECK(said.substr(0, static_cast<std::size_t>(std::max<ssize_t>(size, 0))) == "hello");
  ::close(asker);
}

TEST_CASE("an answer of many lines is handed on line by line") {
  const Folder folder;
  net::Loop loop;
  Socket socket(loop, [](const std::string&, const ReplyPtr& reply) {
    reply->send("one\ntwo\n", [reply] { reply->finish("three"); });
  });
  const auto path = socket_path(folder.path());
  REQUIRE(socket.listen(path).has_value());
  std::vector<std::string> lines;
  std::atomic<bool> done = false;
  std::jthread asker([&] {
    (void)listen(path, "hello", [&](std::string_view line) { lines.emplace_back(line); });
    loop.post([&] { done = true; });
  });
  CHECK(loop.run_until([&] { return done.load(); }, 10s));
  asker.join();
  CHECK(lines == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("an invitation makes the user with a password that fits, and says where the server is") {
  const Folder folder;
  const auto lost = folder.invite("alice@example.org");
  CHECK(lost.exit == Exit::usage);
  CHECK(lost.err.find("--server tls:HOST:PORT") != std::string::npos);

  REQUIRE(net::make_self_signed(certificate_file(folder.path()), key_file(folder.path()), {"example.org"}, {})
              .has_value());
  save_reach(folder.path(),
             {"tls:192.0.2.1:5061", "https://192.0.2.1:5443/xcap", certificate_file(folder.path()).string()});
  const auto said = folder.invite("Alice@Example.ORG");
  REQUIRE(said.exit == Exit::done);
  const auto link = invitation::parse_link(said.out).value();
  CHECK(link.account == "Alice@example.org");
  CHECK(link.server == "tls:192.0.2.1:5061");
  CHECK(link.xcap == "https://192.0.2.1:5443/xcap");
  CHECK(link.certificate == net::read_certificate(certificate_file(folder.path())).value().fingerprint);
  CHECK(said.err.find(link.password) == std::string::npos);

  crypto::SystemRandom random;
  const auto ha1 = [&](const std::string& password) {
    return users::make_user("Alice@example.org", password, random).value().ha1_short.sha256;
  };
  const auto find = [&] {
    auto store = store::SqliteUsers::open(users_file(folder.path())).value();
    return store->find("sip:Alice@example.org").value().value();
  };
  CHECK(find().ha1_short.sha256 == ha1(link.password));

  // Once more: the password before is void. Who is disabled stays so.
  folder.user(Verb::user_disable, "Alice@example.org");
  const auto again = folder.invite("Alice@example.org", "tls:sip.example.org");
  REQUIRE(again.exit == Exit::done);
  const auto second = invitation::parse_link(again.out).value();
  CHECK(second.password != link.password);
  CHECK(second.server == "tls:sip.example.org");
  CHECK(second.xcap.empty());
  CHECK(find().ha1_short.sha256 == ha1(second.password));
  CHECK_FALSE(find().enabled);
  CHECK(again.err.find("is disabled") != std::string::npos);
}

TEST_CASE("an invitation that cannot be kept is refused, and makes nobody") {
  const Folder folder;
  folder.user(Verb::user_add, "bob@example.org");
  save_reach(folder.path(), {"udp:192.0.2.1:5060", "", ""});
  CHECK(folder.invite("alice").exit == Exit::usage);
  CHECK(folder.invite("alice@example.net").exit == Exit::usage);
  CHECK(folder.invite("alice@example.org", "sip.example.org").exit == Exit::usage);
  CHECK(folder.invite("alice@example.org", "tls:").exit == Exit::usage);
  CHECK(folder.user(Verb::user_list, "").out == "bob@example.org\n");
  const auto link = invitation::parse_link(folder.invite("alice@example.org").out).value();
  CHECK(link.certificate.empty());
  CHECK(link.xcap.empty());
}
