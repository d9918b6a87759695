#pragma once

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "protocol/sip/builder.hpp"
#include "protocol/transaction/layer.hpp"

namespace beckon::transaction::testing {

/// A layer between a recording user and a recording network, on a virtual clock. Messages are written with
/// \n.
struct Fixture : Transport, User, Clock {
  struct Sent {
    Hop hop;
    sip::Message message;
    OnFailed failed;
  };
  struct Received {
    TransactionId id = 0;
    sip::Message message;
  };

  /// Of a peer that accepts more than we accept.
  static constexpr sip::Limits roomy{.message = 1 << 21, .header_lines = 1000, .via = 1000};

  explicit Fixture(std::size_t max_server_transactions = 100, std::size_t max_client_transactions = 1000)
      : layer(make_config(max_server_transactions, max_client_transactions), *this, timers, *this, random,
              *this) {}

  void send(const Hop& hop, Outgoing message, OnFailed failed) override {
    last_outgoing = message;
    sent.push_back({hop, sip::Message::parse(message.join(), roomy).value(),
                    failed ? std::move(failed) : OnFailed([](ErrorCode) {})});
  }
  std::string sent_by(const Hop&) const override { return "192.0.2.9:5070"; }

  void on_request(TransactionId id, const Hop&, const sip::Message& request, Now) override {
    requests.push_back({id, request});
  }
  void on_ack(const Hop&, const sip::Message& ack, Now) override { acks.push_back(ack); }
  void on_cancel(TransactionId id, const sip::Message& cancel, Now) override {
    cancels.push_back({id, cancel});
  }
  void on_response(const Hop&, const sip::Message& response, Now) override { responses.push_back(response); }
  void on_failure(TransactionId id, Failure why, Now) override { failures.push_back({id, why}); }

  Now now() override { return {time, WallTime{}}; }

  void receive(const Hop& from, std::string text) { layer.receive(from, message(std::move(text)), now()); }
  /// Of the request that came as number `at`.
  TransactionId id(std::size_t at) const { return requests.at(at).id; }
  void respond(TransactionId id, int status, std::string_view tag = "srv") {
    for (const auto& request : requests)
      if (request.id == id)
        layer.respond(id, sip::Builder::reply(request.message, status, tag).finish(), now());
  }
  void pass(Duration duration) {
    const Time end = time + duration;
    while (timers.next() && *timers.next() <= end) {
      time = std::max(time, *timers.next());
      timers.advance(time);
    }
    time = end;
  }

  static sip::Message message(std::string text) {
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
      text.replace(at, 1, "\r\n");
    return sip::Message::parse(share(std::move(text)), roomy).value();
  }

  Time time{};
  TimerQueue timers;
  SeededRandom random{1};
  std::deque<Sent> sent;  ///< Its elements stay where they are while one of them is called.
  Outgoing last_outgoing;
  std::vector<Received> requests;
  std::vector<Received> cancels;
  std::vector<sip::Message> acks;
  std::vector<sip::Message> responses;
  std::vector<std::pair<TransactionId, Failure>> failures;
  std::vector<std::pair<SentBy, OnFound>> looked_up;
  std::vector<FlowId>
      over;  ///< Connections that closed with what their requests of any method brought about.
  Layer layer;

 private:
  Layer::Config make_config(std::size_t max_server_transactions, std::size_t max_client_transactions) {
    return {
        .times = {.t1 = 10ms, .t2 = 40ms, .t4 = 100ms, .trying = 4ms},
        .max_server_transactions = max_server_transactions,
        .max_client_transactions = max_client_transactions,
        .locate = [this](const SentBy& sent_by,
                         OnFound found) { looked_up.push_back({sent_by, std::move(found)}); },
        .is_over = [this](sip::Method, FlowId flow) { return std::ranges::find(over, flow) != over.end(); },
        .is_reachable = true};
  }
};

}  // namespace beckon::transaction::testing
