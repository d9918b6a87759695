#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/transaction/layer.hpp"
#include "tests/simulation/sip_port.hpp"

namespace beckon::simulation {

/// What is wrong; the first of a history counts.
class Faults {
 public:
  void add(const std::string& fault) {
    if (first_.empty()) first_ = fault;
  }
  const std::string& first() const { return first_; }

 private:
  std::string first_;
};

/// A peer that sends and answers requests through a transaction layer, and checks what becomes of them.
/// Answers as chance will have it; a forking proxy is a party that answers otherwise.
class Party : protected transaction::User {
 public:
  static constexpr Duration slowest_answer = 40s;
  /// So long a caller waits; longer than a proxy's timer C.
  static constexpr Duration longest_ringing = 4min;

  Party(SipNetwork& network, Faults& faults, std::string name, const Address& address,
        SipPort::Streams streams);
  ~Party() override = default;

  /// One request of one of these methods to `target`'s user of that name; `pad` octets longer than need be.
  struct Wish {
    std::string method;
    std::string user;
    transaction::Hop hop;
    std::size_t pad = 0;
    std::optional<Duration> cancel_after{};  ///< INVITE only.
  };
  void request(const Wish& wish);
  void cut_flows() { port_.cut_flows(); }

  const Address& address() const { return address_; }
  const std::string& name() const { return name_; }
  /// Requests of its own that have had no end, and requests it has not answered yet.
  std::size_t open() const;
  /// Transactions and timers that live.
  std::size_t held() const { return layer_.size() + timers_->size(); }
  /// No transaction outlives its timers: to be called when all of them have had their time,
  void check_transactions();
  /// and all else when what the users had planned has passed, too.
  void check_end();

 protected:
  /// A request to answer; here after a while, with anything.
  virtual void serve(transaction::TransactionId id, const sip::Message& request);
  /// A request not answered yet is cancelled; here it is answered 487.
  virtual void give_up(transaction::TransactionId id);
  /// A 2xx to INVITE that arrives after its transaction ended; here it is acknowledged.
  virtual void take_further(const sip::Message& response);

  /// As a user agent answers: with a tag and Contact of its own, a 2xx to INVITE until its ACK comes. Does
  /// nothing after a final answer.
  void answer(transaction::TransactionId id, int status);
  /// Sends `text`, a finished response of that status, as it is.
  void pass(transaction::TransactionId id, int status, std::string text);
  TimerQueue& timers() { return *timers_; }
  void later(Duration after, std::function<void()> work);
  /// True with that probability.
  bool chance(double share);
  Duration within(Duration longest);
  Random& random() { return world_.random(); }
  const sip::Message& request_of(transaction::TransactionId id) const { return served_.at(id).message; }
  std::string tag() const { return name_ + "-tag"; }
  Now now() { return world_.now(); }
  transaction::Layer& layer() { return layer_; }
  void fail(const std::string& what, const std::string& of) { faults_.add(name_ + ": " + what + ": " + of); }

 private:
  /// A request this party sent.
  struct Sent {
    std::string what;  ///< For people.
    sip::Message message;
    int ends = 0;
    int arrived = 0;  ///< Status of the first final response that arrived; 0: none.
    bool invite = false;
    std::unique_ptr<Timer> hang_up{};  ///< Of an INVITE, until its end.
  };
  /// A request this party got.
  struct Served {
    std::string key;
    sip::Message message;
    int status = 0;             ///< Of its final answer; 0 while there is none.
    bool acknowledged = false;  ///< An ACK for it has arrived.
    bool told_no_ack = false;
  };
  /// Copies of a 2xx to INVITE: what, until when, and how long to the next.
  struct Copies {
    std::string text;
    Time end;
    Duration pause;
  };

  void on_message(const transaction::Hop& from, const sip::Message& message);
  void on_outcome(const std::string& call_id, const transaction::Outcome& outcome);
  void acknowledge(const sip::Message& response);
  void repeat(transaction::TransactionId id, Copies copies);
  Served* find_accepted(const sip::Message& ack);
  void note_ack(const sip::Message& ack);

  // transaction::User
  void on_request(transaction::TransactionId id, const transaction::Hop& from, const sip::Message& request,
                  Now now) override;
  void on_ack(const transaction::Hop& from, const sip::Message& ack, Now now) override;
  void on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now) override;
  void on_response(const transaction::Hop& from, const sip::Message& response, Now now) override;
  void on_failure(transaction::TransactionId id, transaction::Failure why, Now now) override;

  World& world_;
  Faults& faults_;
  std::string name_;
  Address address_;
  std::shared_ptr<TimerQueue> timers_;
  SipPort port_;
  transaction::Layer layer_;
  std::map<std::string, Sent> sent_;  ///< By Call-ID.
  std::map<transaction::TransactionId, Served> served_;
  std::map<std::string, transaction::TransactionId> by_key_;  ///< Of `served_`.
  unsigned calls_ = 0;
};

/// What a response's or ACK's transaction is known by: top branch and CSeq number.
std::string transaction_key(const sip::Message& message);

}  // namespace beckon::simulation
