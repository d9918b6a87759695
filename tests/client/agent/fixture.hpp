#pragma once

#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/agent/agent.hpp"
#include "tests/client/bench.hpp"
#include "tests/client/xcap/fake_http.hpp"

namespace beckon::agent_test {

using client::Agent;
using sip::HeaderId;

/// What every test's agent emitted, for the check against the schema.
inline void keep(const boost::json::object& event) {
  static std::ofstream file(BECKON_EVENTS_FILE, std::ios::binary | std::ios::trunc);
  file << client::control::print(event) << std::flush;
}

class FakePort final : public client::direct::Port {
 public:
  void send(const Address&, ByteView) override { ++sent; }
  std::vector<direct::Candidate> candidates() override {
    return {{direct::Candidate::Type::host, 1, *parse_address("192.0.2.1:40000")}};
  }
  direct::Networks networks() override { return {}; }
  int sent = 0;
};

inline const std::string alice = "sip:alice@example.org";
inline const std::string bob = "sip:bob@example.org";

/// bob's agent and a server that does what the test says.
struct Fixture {
  beckon::test::VirtualClock clock;
  TimerQueue timers;
  SeededRandom random{1};
  beckon::test::Wire wire;
  FakePort port;
  client::FakeHttp http;
  client::direct::Keyring keyring = client::direct::make_keyring(random);
  client::direct::Pins pins;
  std::vector<boost::json::object> events;
  std::unique_ptr<Agent> agent;
  transaction::Hop server{transaction::Protocol::tls, *parse_address("192.0.2.9:5061"),
                          *parse_address("192.0.2.1:40000"), 7};
  std::vector<std::pair<transaction::FlowId, Duration>> pinged;
  std::vector<transaction::FlowId> closed;
  int located = 0;  ///< How often the servers were to be located again.
  std::uint32_t notify_cseq = 0;
  int last_id = 0;

  /// `others`: the domain's further servers. `call_ports`: null, no calls by INVITE.
  explicit Fixture(transaction::Protocol protocol = transaction::Protocol::tls,
                   const std::vector<Address>& others = {}, client::invite::Ports* call_ports = nullptr) {
    server.protocol = protocol;
    auto account = *client::account::parse_account("bob@example.org");
    account.password = "secret";
    account.instance = keyring.instance;
    auto hop = server;
    hop.flow = 0;
    std::vector<transaction::Hop> servers{hop};
    for (const Address& other : others) servers.emplace_back(hop).remote = other;
    agent = std::make_unique<Agent>(
        Agent::Config{
            std::move(account), servers, "tls:192.0.2.9:5061", "/xcap", client::Tracing::writing, {}},
        keyring,
        Agent::Edges{
            wire, timers, clock, random, http, port, pins, [] {}, [this] { ++located; },
            [this](transaction::FlowId flow, Duration longest) { pinged.emplace_back(flow, longest); },
            call_ports, [this](transaction::FlowId flow) { closed.push_back(flow); }},
        [this](boost::json::object event) {
          keep(event);
          events.push_back(std::move(event));
        });
    agent->start(now());
    if (protocol == transaction::Protocol::udp) server.flow = 0;
    if (server.flow != 0) agent->on_flow_opened(server, now());
  }

  /// From now on it is the server at `other` that answers, down a connection of its own.
  void turn_to(const Address& other) {
    server.remote = other;
    if (server.flow == 0) return;
    ++server.flow;
    agent->on_flow_opened(server, now());
  }

  Now now() const { return clock.at; }
  void pass(Duration duration) { clock.advance(duration, timers); }
  std::string execute(std::vector<std::string> words) {
    auto command = client::control::parse_words(words);
    REQUIRE(command.has_value());
    command->id = std::to_string(++last_id);
    agent->execute(*command, now());
    return command->id;
  }
  void receive(const sip::Message& message) { agent->on_message(server, message, now()); }
  void reply(const sip::Message& request, int status, const client::Headers& headers = {}) {
    receive(client::reply_to(request, status, headers));
  }
  sip::Message answer(int status, const client::Headers& headers = {}) {
    const auto request = wire.take().message;
    reply(request, status, headers);
    return request;
  }
  /// A request to the agent; gives its answer.
  sip::Message ask(const std::string& text) {
    receive(*sip::Message::parse(share(text)));
    const auto response =
        std::ranges::find_if(wire.sent, [](const auto& each) { return each.message.is_response(); });
    REQUIRE(response != wire.sent.end());
    auto answer = response->message;
    wire.sent.erase(response);
    return answer;
  }
  std::string make_notify(const sip::Message& subscribe, const std::string& state,
                          const std::string& body = "") {
    const std::string number = std::to_string(++notify_cseq);
    const std::string to(cut(subscribe.header(HeaderId::to), ';').first);
    auto builder = sip::Builder::request("NOTIFY", "sip:bob@192.0.2.1:40000");
    builder.add(HeaderId::via, "SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK" + number)
        .add(HeaderId::max_forwards, 70U)
        .add(HeaderId::from, to + ";tag=server")
        .add(HeaderId::to, subscribe.header(HeaderId::from))
        .add(HeaderId::call_id, subscribe.call_id())
        .add(HeaderId::cseq, number + " NOTIFY")
        .add(HeaderId::contact, "<sip:server@192.0.2.9>")
        .add(HeaderId::event, subscribe.header(HeaderId::event))
        .add(HeaderId::subscription_state, state);
    return std::move(builder).finish(subscribe.values(HeaderId::accept).front(), body);
  }
  sip::Message notify(const sip::Message& subscribe, const std::string& state, const std::string& body = "") {
    return ask(make_notify(subscribe, state, body));
  }
  /// The 2xx a server gives each kind of request, until none is left. Gives what was asked, in order.
  std::vector<std::string> serve(const client::Headers& more = {}) {
    std::vector<std::string> asked;
    while (!wire.is_silent()) {
      const auto request = wire.take().message;
      if (request.is_response()) continue;
      const bool ends = request.expires() == 0U || request.header(HeaderId::contact).ends_with("expires=0");
      asked.push_back(std::string(request.method_text()) + (ends ? " 0" : ""));
      client::Headers headers{{HeaderId::sip_etag, "e"},
                              {HeaderId::contact, std::string(request.header(HeaderId::contact))}};
      headers.insert(headers.end(), more.begin(), more.end());
      reply(request, 200, headers);
      if (request.method() == sip::Method::subscribe) {
        const std::string state = ends ? "terminated;reason=timeout" : "active;expires=3600";
        receive(*sip::Message::parse(share(make_notify(request, state))));
      }
    }
    return asked;
  }
  void serve_http(unsigned status) {
    while (!http.waiting.empty()) {
      auto [request, done] = std::move(http.waiting.front());
      http.waiting.pop_front();
      xcap::Response response;
      response.status = request.method == xcap::Method::get ? 404 : status;
      done(std::move(response), now());
    }
  }
  boost::json::object last(std::string_view name) const {
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
      if (event->at("event").as_string() == name) return *event;
    }
    return {};
  }
  std::vector<boost::json::object> results(const std::string& id) const {
    std::vector<boost::json::object> out;
    for (const auto& event : events) {
      const auto* given = event.if_contains("id");
      if (event.at("event") == "result" && given != nullptr && given->as_string() == id) out.push_back(event);
    }
    return out;
  }
  /// The one result of a command.
  boost::json::object result(const std::string& id) const {
    const auto all = results(id);
    REQUIRE(all.size() == 1);
    return all.front();
  }
};

inline std::string request_text(const std::string& method, const std::string& more = "",
                                const std::string& body = "") {
  return method + " sip:bob@192.0.2.1:40000 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bKx" + method +
         "\r\nMax-Forwards: 70\r\nFrom: <sip:alice@example.org>;tag=a\r\nTo: "
         "<sip:bob@example.org>\r\nCall-ID: c\r\n"
         "CSeq: 1 " +
         method + "\r\n" + more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace beckon::agent_test
