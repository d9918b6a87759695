#include <doctest/doctest.h>

#include <regex>
#include <set>
#include <sstream>

#include "server/admin/metrics.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::admin;

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
