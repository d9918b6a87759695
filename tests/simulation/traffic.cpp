#include "tests/simulation/traffic.hpp"

#include <fmt/format.h>

#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "protocol/sip/builder.hpp"
#include "server/proxy/fork.hpp"
#include "tests/simulation/party.hpp"

namespace beckon::simulation {

using sip::HeaderId;
using sip::Method;
using transaction::Hop;
using transaction::Outcome;
using transaction::Protocol;
using transaction::TransactionId;

namespace {

/// All requests leave within this time.
constexpr Duration busy = 60s;
/// Longer than any request takes to end: a call rings until its caller hangs up, the CANCEL gets no answer,
/// and a TCP attempt came before.
constexpr Duration traffic_patience = 10min;
constexpr transaction::Times times;

/// A stateful proxy that forks every request to some of the others (RFC 3261 16).
class ForkingProxy final : public Party {
 public:
  using Party::Party;
  void set_targets(std::vector<Address> targets) { targets_ = std::move(targets); }

 private:
  struct Context {
    explicit Context(bool invite) : fork(invite) {}
    server::proxy::Fork fork;
    std::vector<TransactionId> branches;
    std::vector<std::string> answers;  ///< The last one of each branch.
    std::deque<Timer> timers_c;        ///< Of each branch of an INVITE (RFC 3261 16.6 step 11).
  };

  void serve(TransactionId id, const sip::Message& request) override {
    auto& context = contexts_.emplace(id, Context(request.method() == Method::invite)).first->second;
    const std::size_t count = 2 + random().below(targets_.size() - 1);
    for (std::size_t i = 0; i < count; ++i) context.fork.add();
    context.answers.resize(count);
    const auto first = random().below(targets_.size());
    for (std::size_t i = 0; i < count; ++i) {
      const Address& remote = targets_[(first + i) % targets_.size()];
      const Hop hop{chance(0.7) ? Protocol::udp : Protocol::tcp, remote, address(), 0};
      std::string text = sip::Splice(request).request_uri("sip:" + print(remote)).finish();
      context.branches.push_back(layer().send(
          std::move(text), hop, [this, id, i](const Outcome& outcome, Now) { on_outcome(id, i, outcome); },
          now()));
      auto& timer_c = context.timers_c.emplace_back(timers());
      if (request.method() != Method::invite) continue;
      timer_c.set(now().mono + 185s,
                  [this, branch = context.branches[i]](Time) { layer().cancel(branch, {}, now()); });
    }
  }

  void on_outcome(TransactionId id, std::size_t branch, const Outcome& outcome) {
    Context& context = contexts_.at(id);
    if (outcome.kind != Outcome::Kind::provisional) context.timers_c[branch].cancel();
    const auto answers = [&](std::string text) {
      if (context.fork.is_open(branch)) context.answers[branch] = text;
      act(id, context.fork.on_response(branch, outcome.status), outcome.status, text);
    };
    if (outcome.response != nullptr)
      return answers(sip::Splice(*outcome.response).drop_first(HeaderId::via).finish());
    answers(sip::Builder::reply(request_of(id), outcome.status, tag()).finish());
  }

  void act(TransactionId id, const server::proxy::Fork::Actions& actions, int status,
           const std::string& text) {
    Context& context = contexts_.at(id);
    if (actions.forward_now) pass(id, status, text);
    if (actions.cancel_others) cancel_open(context);
    if (actions.send_best) pass(id, context.fork.best_status(), context.answers[context.fork.best()]);
  }

  void cancel_open(const Context& context) {
    for (std::size_t i = 0; i < context.branches.size(); ++i)
      if (context.fork.is_open(i)) layer().cancel(context.branches[i], {}, now());
  }

  void give_up(TransactionId id) override { cancel_open(contexts_.at(id)); }

  void take_further(const sip::Message& response) override {
    for (const auto& [id, context] : contexts_)
      if (request_of(id).call_id() == response.call_id())
        layer().respond(id, sip::Splice(response).drop_first(HeaderId::via).finish(), now());
  }

  std::vector<Address> targets_;
  std::map<TransactionId, Context> contexts_;
};

/// Watches the wire: all final responses of one server transaction are the same.
class Answers {
 public:
  void on_sent(Faults& faults, const Address& from, const sip::Message& message) {
    if (!message.is_response() || message.status() < 200) return;
    const auto cseq = message.cseq();
    std::string key = print(from) + ' ' + transaction_key(message) + ' ' + (cseq ? cseq->method : "");
    const auto [known, fresh] = first_.emplace(std::move(key), std::string(message.text()));
    const bool calls = message.method() == Method::invite && message.status() / 100 == 2;
    if (fresh || known->second == message.text()) return;
    // Two devices that both took the call: two dialogs.
    if (!calls || !known->second.starts_with("SIP/2.0 2")) faults.add("two answers: " + known->first);
  }

 private:
  std::map<std::string, std::string> first_;
};

class Traffic {
 public:
  explicit Traffic(const TrafficScript& script)
      : script_(script), world_(script.seed), network_(world_), sip_(network_) {
    sip_.set_tap([this](const Address& from, const Address& to, const sip::Message& message) {
      answers_.on_sent(faults_, from, message);
      if (script_.trace) trace(from, to, message);
    });
    network_.set_weather(
        {.loss = script.loss, .duplication = script.duplication, .reordering = script.reordering});
  }

  History run() {
    const auto blocks = heap::blocks(heap::Owner::server);
    {
      const heap::Scope scope(heap::Owner::server);
      make_parties();
    }
    plan();
    world_.run_for(busy);
    world_.run_until([&] { return open() == 0; }, traffic_patience);
    if (open() != 0) faults_.add(fmt::format("{} requests have no end", open()));
    // A branch whose caller has gone is tried for timers B and F. Its last copy may be the first to
    // arrive, and is then answered like any other.
    world_.run_for(times.timeout() + 1s);
    world_.run_until([&] { return open() == 0; }, Party::slowest_answer);
    world_.run_for(times.timeout() + times.t4 + 1s);
    for (const auto& party : parties_) party->check_transactions();
    world_.run_for(Party::slowest_answer);  // what users planned for requests that were cancelled
    for (const auto& party : parties_) party->check_end();
    std::exchange(parties_, {});
    world_.run_for(1min);  // what the network still held for them
    if (const auto left = heap::blocks(heap::Owner::server) - blocks; left != 0)
      faults_.add(fmt::format("{} blocks of memory are left", left));
    return {.fault = faults_.first(), .digest = world_.digest(), .happened = world_.noted()};
  }

 private:
  /// The last one forks; one of the others takes no connections.
  void make_parties() {
    std::vector<Address> addresses;
    for (unsigned i = 0; i < script_.parties; ++i) {
      addresses.push_back(*parse_address(fmt::format("10.0.0.{}:5060", i + 1)));
      const auto streams = i == 0 ? SipPort::Streams::dials : SipPort::Streams::both;
      parties_.push_back(
          std::make_unique<Party>(sip_, faults_, "p" + std::to_string(i), addresses.back(), streams));
    }
    auto proxy = std::make_unique<ForkingProxy>(sip_, faults_, "fork", *parse_address("10.0.0.100:5060"),
                                                SipPort::Streams::both);
    proxy->set_targets(std::move(addresses));
    parties_.push_back(std::move(proxy));
  }

  void at_random(std::function<void()> work) {
    world_.timers().set(begin_ + Duration(static_cast<Duration::rep>(world_.random().unit() *
                                                                     static_cast<double>(busy.count()))),
                        [work = std::move(work)](Time) { work(); });
  }

  void plan() {
    for (unsigned i = 0; i < script_.requests; ++i) at_random([this] { send(); });
    for (unsigned i = 0; i < script_.cuts; ++i) at_random([this] { any(parties_.size()).cut_flows(); });
  }

  Party& any(std::size_t count) { return *parties_[world_.random().below(count)]; }

  void send() {
    const heap::Scope scope(heap::Owner::server);
    Random& random = world_.random();
    constexpr const char* methods[] = {"INVITE", "INVITE", "MESSAGE", "OPTIONS", "PUBLISH"};
    Party& from = any(script_.parties);
    const Party& to = any(parties_.size());
    if (&from == &to) return;
    Party::Wish wish{.method = methods[random.below(std::size(methods))], .user = to.name(), .hop = {}};
    wish.hop = {random.below(10) < 6 ? Protocol::udp : Protocol::tcp, to.address(), from.address(), 0};
    if (random.below(4) == 0) wish.pad = 1400;
    if (random.below(5) < 2) wish.cancel_after = Duration(static_cast<Duration::rep>(random.unit() * 10e6));
    from.request(wish);
  }

  std::size_t open() const {
    std::size_t open = 0;
    for (const auto& party : parties_) open += party->open();
    return open;
  }

  void trace(const Address& from, const Address& to, const sip::Message& message) {
    fmt::print("{:10.3f} {} -> {}\n{}\n",
               static_cast<double>(world_.now().mono.time_since_epoch().count()) / 1e6, print(from),
               print(to), message.text());
  }

  TrafficScript script_;
  World world_;
  Network network_;
  SipNetwork sip_;
  Faults faults_;
  Answers answers_;
  Time begin_ = world_.now().mono;
  std::vector<std::unique_ptr<Party>> parties_;
};

}  // namespace

TrafficScript make_traffic(std::uint64_t seed) {
  SeededRandom random(seed ^ 0x7aff1c);
  TrafficScript script;
  script.seed = seed;
  script.loss = random.below(5) == 0 ? 0 : 0.3 * random.unit();
  script.duplication = 0.2 * random.unit();
  script.reordering = 0.2 * random.unit();
  script.parties = static_cast<unsigned>(3 + random.below(4));
  script.requests = static_cast<unsigned>(10 + random.below(30));
  script.cuts = static_cast<unsigned>(random.below(6));
  return script;
}

std::string print(const TrafficScript& script) {
  return fmt::format(
      "seed {}: {} parties and a forking proxy, {} requests, loss {:.0f} %, duplication {:.0f} %, reordering "
      "{:.0f} "
      "%, {} cut(s)",
      script.seed, script.parties, script.requests, 100 * script.loss, 100 * script.duplication,
      100 * script.reordering, script.cuts);
}

History play(const TrafficScript& script) { return Traffic(script).run(); }

}  // namespace beckon::simulation
