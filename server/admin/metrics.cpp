#include "server/admin/metrics.hpp"

#include <string_view>

namespace beckon::server::admin {

namespace {

void add(std::string& text, std::string_view name, std::string_view type, std::string_view help,
         std::uint64_t value) {
  const std::string full = "beckon_" + std::string(name);
  text += "# HELP " + full + ' ' + std::string(help) + "\n# TYPE " + full + ' ' + std::string(type) + '\n' +
          full + ' ' + std::to_string(value) + '\n';
}

}  // namespace

Metrics& Metrics::operator+=(const Metrics& other) {
  counters += other.counters;
  transactions += other.transactions;
  registered += other.registered;
  flows += other.flows;
  nonces += other.nonces;
  return *this;
}

std::string print(const Metrics& metrics) {
  std::string text;
  add(text, "sip_requests_total", "counter", "New SIP requests.", metrics.counters.requests);
  add(text, "sip_responses_total", "counter", "SIP responses received.", metrics.counters.responses);
  add(text, "sip_challenges_total", "counter", "Answers 401 and 407.", metrics.counters.challenges);
  add(text, "sip_malformed_total", "counter", "Messages that could not be read.", metrics.counters.malformed);
  add(text, "sip_overload_total", "counter", "Requests refused because a queue was full.",
      metrics.counters.overload);
  add(text, "sip_dropped_total", "counter", "Messages without credentials beyond the rate of their source.",
      metrics.counters.dropped);
  add(text, "credentials_unseen_total", "counter", "Credentials refused unseen after too many wrong ones.",
      metrics.counters.unseen);
  add(text, "sip_transactions", "gauge", "Transactions alive.", metrics.transactions);
  add(text, "registered_users", "gauge", "Users with a registered device.", metrics.registered);
  add(text, "flows", "gauge", "Open SIP connections.", metrics.flows);
  add(text, "digest_nonces", "gauge", "Nonces whose counts are remembered.", metrics.nonces);
  return text;
}

}  // namespace beckon::server::admin
