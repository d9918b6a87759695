#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/dialog/dialog.hpp"
#include "protocol/transaction/layer.hpp"
#include "tests/simulation/ledger.hpp"
#include "tests/simulation/picture.hpp"
#include "tests/simulation/sip_port.hpp"

namespace beckon::simulation {

/// A user agent that registers, publishes and subscribes as the RFCs have it, and knows nothing of this
/// server: not the program's own, so that no fault of the two hides in both. Its owner says what it wants; it
/// asks until it has that, and keeps it alive. Everything it asks for and gets goes into the ledger.
class Device final : private transaction::User {
 public:
  struct Account {
    std::string aor;   ///< "sip:alice@example.org"
    std::string name;  ///< Of the device; no two have the same.
    Address address;
    transaction::Protocol protocol = transaction::Protocol::udp;
  };
  /// A state of one event package, as published.
  struct State {
    std::string token;  ///< What it is known by; empty: nothing is published.
    std::string type;
    std::string body;
  };
  struct Wish {
    std::chrono::seconds lifetime{600};
    std::string rates{};          ///< ";max-rate=0.1" of RFC 6446.
    bool is_conditional = false;  ///< Names the entity-tag it has (RFC 5839).
    bool is_partial = false;      ///< Takes presence in parts, rather than whole (RFC 5263).
    bool is_list = false;         ///< Of a list: supports those (RFC 4662).
  };
  /// What it follows: a package and whose.
  using Topic = std::pair<std::string, std::string>;

  struct Subscription {
    explicit Subscription(Wish its_wish) : wish(std::move(its_wish)) {}

    Wish wish;
    bool is_wanted = true;
    std::string call_id;
    std::string state;  ///< As the last NOTIFY said.
    int refused = 0;    ///< Status of the answer that refused it.
    Picture picture;

   private:
    friend class Device;
    std::unique_ptr<Timer> timer;  ///< The next SUBSCRIBE.
    std::string local_tag;
    std::uint32_t cseq = 0;
    std::optional<dialog::Dialog> dialog;
    Time asked_at{}, until{};
    bool in_flight = false, is_due = false, is_over = false;
  };

  Device(SipNetwork& network, const Address& server, Account account, Ledger& ledger);
  ~Device() override;

  void start();
  /// As a crash: nobody is told. `forgets`: what it published and knew is lost, too.
  void end(bool forgets);
  bool is_running() const { return process_ != nullptr; }
  void cut_flows();

  /// Zero: not at all.
  void want_registration(std::chrono::seconds lifetime);
  void want_state(const std::string& package, State state, std::chrono::seconds lifetime);
  void want(const Topic& topic, const Wish& wish);
  void want_no_more(const Topic& topic);
  /// Asks for everything anew, early.
  void refresh();
  /// Wants nothing any more, and says so.
  void leave();

  /// Polls (RFC 6665 4.4.3). `done` is called once, at the final status, or when the document has come.
  using OnFetched = std::function<void(int status, const Picture& picture)>;
  void fetch(const Topic& topic, OnFetched done, bool is_list = false);

  const Account& account() const { return account_; }
  std::string contact() const;
  const std::map<Topic, Subscription>& subscriptions() const { return subscriptions_; }

 private:
  struct Process;
  struct Registration {
    std::unique_ptr<Timer> timer;
    std::chrono::seconds lifetime{0};
    std::string call_id;
    std::uint32_t cseq = 0;
    bool in_flight = false, is_due = false, is_known = false;
  };
  struct Publication {
    std::unique_ptr<Timer> timer;
    State wanted;
    std::chrono::seconds lifetime{0};
    std::string etag;    ///< Empty: none of its own is at the server, as far as it knows.
    std::string token;   ///< Of the state behind the entity-tag.
    std::string asking;  ///< Of the one in flight.
    Time asked_at{}, until{};
    bool in_flight = false, is_due = false;
    bool is_uncertain = false;          ///< A request about it had no answer: its entity-tag may be old.
    std::vector<std::string> tokens{};  ///< Of all it ever published.
  };
  struct Fetch {
    std::string local_tag;
    OnFetched done;
  };

  using OnEnd = std::function<void(int status, const sip::Message* response)>;
  void send(std::string_view request, OnEnd on_end);
  std::string begin(std::string_view method, std::string_view uri, const std::string& to,
                    const std::string& call_id, std::uint32_t cseq, const std::string& tag) const;
  void later(std::unique_ptr<Timer>& timer, Duration after, std::function<void()> work);
  Duration soon();
  Duration after_failure();
  std::string new_call_id();
  void fail(const std::string& what) { ledger_.fail(account_.name + ": " + what); }
  Time now() const;

  void ask_registration();
  void ask_publication(const std::string& package);
  void on_published(const std::string& package, int status, const sip::Message* response);
  void ask_subscription(const Topic& topic);
  void on_subscribed(const Topic& topic, int status, const sip::Message* response);
  void ask_again(const Topic& topic, Duration after);
  int take_notify(const sip::Message& notify);
  int take_notify(const Topic& topic, Subscription& subscription, const sip::Message& notify);
  void on_flow_closed(transaction::FlowId flow);

  Ledger::Thing binding() const { return {"binding", account_.aor, contact()}; }
  Ledger::Thing thing(const std::string& package, const std::string& token) const {
    return {package, account_.aor, token};
  }
  Ledger::Thing thing(const Subscription& subscription) const {
    return {"subscription", account_.aor, subscription.call_id};
  }

  // transaction::User
  void on_request(transaction::TransactionId id, const transaction::Hop& from, const sip::Message& request,
                  Now now) override;
  void on_ack(const transaction::Hop&, const sip::Message&, Now) override {}
  void on_cancel(transaction::TransactionId, const sip::Message&, Now) override {}
  void on_response(const transaction::Hop&, const sip::Message&, Now) override {}

  SipNetwork& network_;
  World& world_;
  Address server_;
  Account account_;
  Ledger& ledger_;
  Registration registration_;
  std::map<std::string, Publication> publications_;  ///< By package.
  std::map<Topic, Subscription> subscriptions_;
  std::map<std::string, Fetch> fetches_;  ///< By Call-ID.
  std::uint64_t calls_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace beckon::simulation
