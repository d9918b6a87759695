#include "server/admin/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace beckon::server::admin {

namespace {

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

/// Writes metric families: HELP and TYPE once, then the samples.
class Exposition {
 public:
  Exposition& family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = "beckon_" + std::string(name);
    text_ += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name_, type, help);
    return *this;
  }
  /// Labels as they are written, without braces. Values of ours need no escaping.
  template <class Number>
  Exposition& sample(Number value, std::string_view labels = {}, std::string_view suffix = {}) {
    text_ += name_;
    text_ += suffix;
    if (!labels.empty()) text_ += fmt::format("{{{}}}", labels);
    text_ += fmt::format(" {}\n", value);
    return *this;
  }
  void counter(std::string_view name, std::string_view help, std::uint64_t value) {
    family(name, "counter", help).sample(value);
  }
  void gauge(std::string_view name, std::string_view help, std::size_t value) {
    family(name, "gauge", help).sample(value);
  }
  void histogram(std::string_view name, std::string_view help, const Histogram& all) {
    family(name, "histogram", help);
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < all.counts.size(); ++i) {
      count += all.counts[i];
      const std::string limit =
          i < Histogram::limits.size() ? fmt::format("{}", seconds_of(Histogram::limits[i])) : "+Inf";
      sample(count, fmt::format("le=\"{}\"", limit), "_bucket");
    }
    sample(seconds_of(all.sum), {}, "_sum");
    sample(count, {}, "_count");
  }
  std::string finish() { return std::move(text_); }

 private:
  std::string name_, text_;
};

template <class Map>
void add(Map& all, const Map& more) {
  for (const auto& [key, value] : more) all[key] += value;
}

void print_sip(Exposition& out, const Metrics& metrics) {
  const Counters& counters = metrics.counters;
  out.counter("sip_requests_total", "New SIP requests.", counters.requests);
  out.counter("sip_responses_total", "SIP responses received.", counters.responses);
  out.counter("sip_challenges_total", "Answers 401 and 407.", counters.challenges);
  out.counter("sip_malformed_total", "Messages that could not be read.", counters.malformed);
  out.counter("sip_overload_total", "Requests refused because a queue was full.", counters.overload);
  out.counter("sip_dropped_total", "Messages without credentials beyond the rate of their source.",
              counters.dropped);
  out.counter("credentials_unseen_total", "Credentials refused unseen after too many wrong ones.",
              counters.unseen);
  out.family("sip_retransmissions_total", "counter",
             "Requests sent again without response in time, and responses sent again for copies of requests.")
      .sample(metrics.resent.requests, "message=\"request\"")
      .sample(metrics.resent.responses, "message=\"response\"");
  out.gauge("sip_transactions", "Transactions alive.", metrics.transactions);
  out.gauge("flows", "Open SIP connections.", metrics.flows);
  out.gauge("digest_nonces", "Nonces whose counts are remembered.", metrics.nonces);
}

void print_presence(Exposition& out, const Metrics& metrics) {
  out.gauge("registered_users", "Users with a registered device.", metrics.registered);
  out.gauge("bindings", "Contacts of registered devices.", metrics.bindings);
  out.family("publications", "gauge", "Publications, by event package.");
  for (const auto& [package, count] : metrics.publications)
    out.sample(count, fmt::format("package=\"{}\"", package));
  out.family("subscriptions", "gauge", "Subscriptions, by event package and state.");
  for (const auto& [key, count] : metrics.subscriptions)
    out.sample(count, fmt::format("package=\"{}\",state=\"{}\"", key.first, key.second));
  out.counter("notifies_total", "NOTIFY requests sent, without retransmissions.", metrics.notifies);
  out.family("notify_answers_total", "counter",
             "NOTIFY requests that ended, by status code; timeout and transport-error without an answer.");
  for (const auto& [code, count] : metrics.notify_answers)
    out.sample(count, fmt::format("code=\"{}\"", code));
  out.histogram("publish_to_last_notify_seconds",
                "From the arrival of a PUBLISH until the last NOTIFY caused by it was handed to the network.",
                metrics.latency);
  out.gauge("messages_waiting", "Stored messages that no device has.", metrics.messages_waiting);
  out.family(
      "stored_messages_total", "counter",
      "Messages that were stored, and those of them that a device accepted, that were refused (6xx) or "
      "ended before, and messages that found no room.");
  for (const auto& [fate, count] : metrics.messages) out.sample(count, fmt::format("fate=\"{}\"", fate));
  out.family("staleness_seconds", "gauge", "Age of the oldest change that a watcher in reach has not got.")
      .sample(seconds_of(metrics.staleness));
}

}  // namespace

Metrics& Metrics::operator+=(const Metrics& other) {
  counters += other.counters;
  transactions += other.transactions;
  registered += other.registered;
  bindings += other.bindings;
  flows += other.flows;
  nonces += other.nonces;
  add(publications, other.publications);
  add(subscriptions, other.subscriptions);
  notifies += other.notifies;
  add(notify_answers, other.notify_answers);
  resent.requests += other.resent.requests;
  resent.responses += other.resent.responses;
  latency += other.latency;
  messages_waiting += other.messages_waiting;
  add(messages, other.messages);
  staleness = std::max(staleness, other.staleness);
  add(inboxes, other.inboxes);
  store_backlog += other.store_backlog;
  return *this;
}

std::string print(const Metrics& metrics) {
  Exposition out;
  print_sip(out, metrics);
  print_presence(out, metrics);
  out.family("inbox_tasks", "gauge", "Tasks that wait for a shard.");
  for (const auto& [shard, count] : metrics.inboxes) out.sample(count, fmt::format("shard=\"{}\"", shard));
  out.gauge("store_backlog_batches", "Batches and reads that wait for the state file.",
            metrics.store_backlog);
  return out.finish();
}

}  // namespace beckon::server::admin
