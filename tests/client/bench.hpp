#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <string>
#include <utility>
#include <vector>

#include "client/account/context.hpp"
#include "client/account/requester.hpp"
#include "client/control/cause.hpp"
#include "client/incoming/dispatcher.hpp"
#include "protocol/auth/info.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/message.hpp"
#include "tests/support/virtual_clock.hpp"
#include "tests/support/wire.hpp"

namespace beckon::client {

using beckon::test::Wire;

using Headers = std::vector<std::pair<sip::HeaderId, std::string>>;

inline sip::Message reply_to(const sip::Message& request, int status, const Headers& headers = {}) {
  auto builder = sip::Builder::reply(request, status, "server");
  for (const auto& [id, value] : headers) builder.add(id, value);
  return *sip::Message::parse(share(std::move(builder).finish()));
}

/// The proof in the answer of a server that does not know the password (RFC 7616 3.5).
inline std::pair<sip::HeaderId, std::string> forged_proof(const sip::Message& request) {
  const auto given = auth::parse_credentials(request.header(sip::HeaderId::authorization)).value();
  const auto guess = auth::ha1(given.algorithm, "alice", "example.org", "guess");
  return {sip::HeaderId::authentication_info, auth::print(auth::make_info(given, guess, ""))};
}

/// A challenge; `more` is appended to it.
inline std::pair<sip::HeaderId, std::string> challenge(std::string_view nonce, std::string_view more = "",
                                                       std::string_view algorithm = "SHA-256") {
  return {sip::HeaderId::www_authenticate, "Digest realm=\"example.org\", nonce=\"" + std::string(nonce) +
                                               "\", qop=\"auth\", algorithm=" + std::string(algorithm) +
                                               std::string(more)};
}

/// What the rooms need, without sockets and real time. TLS, with one connection, unless said otherwise.
class Bench {
 public:
  static constexpr transaction::FlowId first_flow = 7;

  explicit Bench(transaction::Protocol protocol = transaction::Protocol::tls) {
    account.password = "secret";
    account.instance = "urn:uuid:00000000-0000-4000-8000-0123456789ab";
    connection.server = {protocol, *parse_address("192.0.2.9:5061"), *parse_address("192.0.2.1:40000"), 0};
    if (protocol != transaction::Protocol::udp) connection.flow = first_flow;
  }

  Now now() const { return clock.at; }
  /// Lets time pass; timers run when they are due.
  void pass(Duration duration) { clock.advance(duration, timers); }
  /// Answers the client's oldest request as the server; returns that request.
  sip::Message answer(int status, const Headers& headers = {}) {
    const auto request = wire.take().message;
    receive(reply_to(request, status, headers));
    return request;
  }
  void receive(const sip::Message& message) {
    auto from = connection.server;
    from.flow = connection.flow;
    layer.receive(from, message, now());
  }
  /// A request from the server, or from `from`; returns the responses that it got at once.
  std::vector<sip::Message> ask(const sip::Message& request, std::optional<transaction::Hop> from = {}) {
    if (!from) {
      from = connection.server;
      from->flow = connection.flow;
    }
    const auto before = wire.sent.size();
    layer.receive(*from, request, now());
    std::vector<sip::Message> responses;
    for (; wire.sent.size() > before; wire.sent.pop_back())
      responses.insert(responses.begin(), wire.sent.back().message);
    return responses;
  }
  /// The newest event of that name; empty: none.
  boost::json::object last(std::string_view name) const {
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
      if (event->at("event").as_string() == name) return *event;
    }
    return {};
  }
  std::size_t count(std::string_view name) const {
    return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [&](const auto& each) {
      return each.at("event").as_string() == name;
    }));
  }

  beckon::test::VirtualClock clock;
  TimerQueue timers;
  SeededRandom random{1};
  Wire wire;
  std::vector<boost::json::object> events;
  account::Account account = *account::parse_account("alice@example.org");
  account::Connection connection;
  transaction::Layer layer{{.times = {}}, wire, timers, clock, random, dispatcher};
  account::Requester requester{account, layer, random};
  account::Context context{
      account, connection, wire,
      layer,   requester,  timers,
      clock,   random,     [this](boost::json::object event) { events.push_back(std::move(event)); }};
  incoming::Dispatcher dispatcher{context};
};

/// Keeps the ends of what was asked for.
struct Ends {
  std::vector<int> statuses;
  auto take() {
    return [this](int status, Now) { statuses.push_back(status); };
  }
  auto take_reason() {
    return [this](int status, std::string_view, Now) { statuses.push_back(status); };
  }
};
using Statuses = std::vector<int>;

}  // namespace beckon::client
