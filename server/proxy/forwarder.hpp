#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/base/pool_allocator.hpp"
#include "protocol/crypto/crypto.hpp"
#include "protocol/locate/locator.hpp"
#include "server/proxy/fork.hpp"
#include "server/proxy/outgoing.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::proxy {

/// Sends a request to a set of targets and reports what becomes of it (RFC 3261 16.6 to 16.8). The request
/// may have come in, or be the server's own: a stored message, a notification. Each room has its own. One
/// thread.
class Forwarder {
 public:
  /// Names a forwarding; chosen by the room, and free again after `on_end`.
  using Key = std::uint64_t;

  /// How a target, or the whole, ended. `response` is null where the status is our own: 408 for silence, 480
  /// for a target that cannot be reached (430 of an edge proxy, too), 404 and 504 for a name, 487 for one
  /// never tried, 500 in place of a 503, 502 for an answer that has lost its way back, 513 for a MESSAGE that
  /// found no connection. Valid during the call.
  struct End {
    int status = 0;
    std::string_view reason{};  ///< Empty: the usual phrase of the status.
    const sip::Message* response = nullptr;
    /// A final response came from there, though it may not be `response`, as a 503 is not: the request has
    /// been there.
    bool is_answered = false;
  };

  /// What a room hears. It may call `cancel` from every function, and `start` for other keys.
  class Client {
   public:
    virtual ~Client() = default;
    /// A response that is passed on at once: 1xx but 100, and 2xx; of an INVITE the first 2xx of each
    /// target, else of all.
    virtual void on_response(Key key, std::size_t target, const sip::Message& response, Now now) = 0;
    /// A further 2xx of an INVITE's target, after `on_target_end`, maybe after `on_end`: a copy, or of
    /// another fork further on. For 64*T1 (RFC 6026 7.2).
    virtual void on_success_again(Key, const sip::Message& /*response*/, Now) {}
    /// Target number `target` has ended.
    virtual void on_target_end(Key, std::size_t /*target*/, const End&, Now) {}
    /// An early dialog of a target has ended while others go on, and its caller wants to know (RFC 6228).
    virtual void on_early_end(Key, std::string_view /*to_tag*/, int /*status*/) {}
    /// A target was redirected. True: the room looks for other targets, and calls `redirect` for this one
    /// later, once.
    virtual bool on_redirect(Key, std::size_t /*target*/, const sip::Message& /*response*/) { return false; }
    /// The flow to that target is gone (RFC 5626 7): an edge proxy says so with 430, or its datagrams are
    /// refused. Another way to the device is tried, if there is one.
    virtual void on_flow_failed(Key, const Target&, Now) {}
    /// All targets have ended; exactly once. `best` is the 2xx, or else the refusal to pass on (16.7 step 6).
    virtual void on_end(Key key, const End& best, Now now) = 0;
    /// For a request that goes to `hop` of that target.
    virtual OwnLines own_lines(Key, const Target&, const transaction::Hop& /*hop*/) { return {}; }
  };

  struct Order {
    Bucket bucket = 0;       ///< Where its responses are handled; of this shard.
    sip::Message request{};  ///< Finished but for our Via; needs none.
    DialogRoute route{};     ///< Read from `request`.
    std::vector<Target> targets{};
    /// How many targets may ring at once (RFC 5393 5.5); the others wait. At least 1.
    std::uint32_t breadth = 1;
    /// Targets with a lower q wait until those with higher ones have refused, or have rung for so long (RFC
    /// 3261 16.6, 20.10). Zero: q does not count.
    Duration ring{};
  };

  /// `key` marks the branches of what is forked. All references outlive it.
  Forwarder(Environment& environment, Sender& sender, locate::Locator& locator, const crypto::Key32& key,
            Client& client);
  ~Forwarder();

  /// At least one target. `key` names no forwarding yet.
  void start(Key key, Order order);
  /// CANCELs what has not ended and tries nothing new (RFC 3261 16.10). Of another method than INVITE it only
  /// keeps new targets from being tried. Unknown keys are ignored.
  void cancel(Key key, std::string_view reason = {});
  /// The other targets of one that was redirected (`Client::on_redirect`). Those that are not tried already
  /// take its place, and `left` is what becomes of the redirection: with Contacts that were not followed it
  /// is one of the answers. Without new targets it is the answer, as it came.
  void redirect(Key key, std::size_t target, std::vector<Target> targets, std::optional<sip::Message> left);
  std::size_t size() const { return contexts_.size(); }
  /// Its targets; 0 for an unknown key.
  std::size_t size(Key key) const;
  /// The place that a target of it is tried at now, or was last. The key is known.
  const Target& target(Key key, std::size_t number) const {
    return contexts_.at(key).branches[number].target;
  }

 private:
  /// One way out: its hops are tried one after another (RFC 3263 4.3), then the target's other ways.
  struct Branch {
    explicit Branch(Target to) : target(std::move(to)) {}
    Target target;
    std::size_t next = 0;               ///< Of the target's hops.
    transaction::TransactionId id = 0;  ///< Of the try that runs.
    bool answered = false;              ///< This try has had a response,
    bool was_answered = false;          ///< and any try of the target a final one.
    int status = 480;                   ///< The end when nothing is left to try.
    std::string reason{};
    std::optional<sip::Message> response{};  ///< The final one.
    std::unique_ptr<Timer> timer_c{};        ///< Of an INVITE's try (RFC 3261 16.6 step 11).
    /// To tags of the early dialogs that its caller is to be told the end of (RFC 6228 6).
    std::vector<std::string> early{};
  };
  struct Context {
    explicit Context(Order o)
        : order(std::move(o)), fork(order.request.method() == sip::Method::invite, order.breadth) {}
    /// Is nothing else tried for that target?
    bool is_over(std::size_t number) const { return cancelled || fork.is_past(number); }
    Order order;
    Fork fork;
    std::vector<Branch> branches{};
    bool cancelled = false;         ///< By the client, or as there is an answer.
    std::unique_ptr<Timer> ring{};  ///< Until the next group begins; where there are groups.
    std::uint32_t ringing = 0;      ///< The group it was set for.
  };

  Context* find(Key key);
  static std::uint32_t group_of(const Order& order, const Target& target);
  void start_branch(Key key, std::size_t number);
  void start_next(Key key);
  void arm_ring(Key key, Context& context);
  void on_ring_end(Key key);
  void on_located(Key key, std::size_t number, locate::Locator::Hops found);
  void try_next(Key key, std::size_t number);
  bool try_other(Key key, std::size_t number);
  void receive(Key key, std::size_t number, const transaction::Hop& hop, const transaction::Outcome& outcome,
               Now now);
  void on_outcome(Key key, std::size_t number, const transaction::Hop& hop,
                  const transaction::Outcome& outcome, Now now);
  void remember_failure(const Branch& branch, const transaction::Hop& hop, const sip::Message* response);
  void answer(Key key, std::size_t number, int status, std::string_view reason, const sip::Message* response,
              Now now);
  void finish(Key key, Now now);
  void note_early(const Context& context, Branch& branch, const sip::Message& response) const;
  void end_early(Key key, Branch& branch, int status);
  void cancel_open(Context& context, std::string_view reason);
  void arm_timer_c(Branch& branch);

  Environment& environment_;
  Sender& sender_;
  locate::Locator& locator_;
  const crypto::Key32& key_;
  Client& client_;
  std::unordered_map<Key, Context, std::hash<Key>, std::equal_to<>,
                     PoolAllocator<std::pair<const Key, Context>>>
      contexts_;
};

/// May a target that ended so take the request later: is it away, silent, or in trouble of its own? A name
/// that is not found (our own 404) counts, too.
bool is_absence(const Forwarder::End& end);

}  // namespace beckon::server::proxy
