#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/crypto/crypto.hpp"
#include "server/proxy/fork.hpp"
#include "server/proxy/outgoing.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/services.hpp"
#include "server/shard/sips.hpp"

namespace beckon::server::proxy {

/// Stateful proxy of one shard (RFC 3261 16): requests to a user's devices, and what follows in the dialogs
/// they make.
class Proxy final : public Relay {
 public:
  /// Why there is nobody to forward to.
  enum class Unreachable {
    unknown,  ///< The domain is ours, the user is not.
    offline,  ///< He has no binding that can be reached now.
    foreign,  ///< Another domain, and this request may not leave ours.
    failed,   ///< The store or a queue failed.
  };
  using OnUnreachable = std::function<void(const RequestPtr&, Unreachable)>;

  /// `key` signs our Record-Route; the registrar is this shard's.
  Proxy(Services& services, registrar::Registrar& registrar, const crypto::Key32& key);
  ~Proxy() override;

  /// Forwards a request without own Route to all devices of the user its Request-URI names. The answer is the
  /// best of theirs; without any device `unreachable` is called and answers.
  void deliver(const RequestPtr& request, OnUnreachable unreachable);

  // Relay
  bool handles(sip::Method method, std::string_view event) const override;
  void on_request(const RequestPtr& request) override;
  bool vouches_for(const sip::Message& request) const override;
  bool is_looping(const sip::Message& request) const override;
  void on_ack(Bucket bucket, const transaction::Hop& from, const sip::Message& ack, Now now) override;
  void on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now) override;
  void on_response(const sip::Message& response, Now now) override;
  std::vector<Table> tables(Now now) const override;

 private:
  /// One way out: its hops are tried one after another (RFC 3263 4.3).
  struct Branch {
    Branch(Target to, TimerQueue& timers) : target(std::move(to)), timer_c(timers) {}
    Target target;
    std::size_t next = 0;               ///< Of the target's hops.
    transaction::TransactionId id = 0;  ///< Of the try that runs.
    bool heard = false;                 ///< Somebody has answered this try.
    int status = 480;                   ///< The answer when nothing is left to try.
    std::string reason{};
    Timer timer_c;  ///< Of an INVITE's try (RFC 3261 16.6 step 11).
  };
  struct Context {
    Context(RequestPtr asked, TimerQueue& timers);
    RequestPtr request;
    Fork fork;
    std::deque<Branch> branches;
    /// More targets than Max-Breadth lets ring at once: one starts where another has failed (RFC 5393 5.5).
    std::deque<std::size_t> waiting;
    bool cancelled = false;  ///< By the caller, or as there is an answer: nothing new is tried.
    Timer copies;            ///< Behind a 2xx to INVITE: until its copies have come.
  };
  using Found = std::function<void(std::vector<registrar::Binding>)>;

  void begin(const RequestPtr& request);
  void locate(const RequestPtr& request, const std::string& aor, Found found);
  void to_bindings(const RequestPtr& request, const std::vector<registrar::Binding>& bindings);
  void ask_whether_known(const RequestPtr& request, const std::string& aor, const OnUnreachable& unreachable);

  bool may_leave(const Request& request) const;
  void to_foreign(const RequestPtr& request, const sip::Uri& uri);

  void forward(const RequestPtr& request, std::vector<Target> targets);
  void start_branch(const RequestPtr& request, std::size_t number);
  void start_next(const RequestPtr& request);
  void on_located(const RequestPtr& request, std::size_t number, locate::Locator::Hops found);
  void try_next(const RequestPtr& request, std::size_t number);
  void end_branch(const RequestPtr& request, std::size_t number, int status, std::string_view reason = {});
  void remember_failure(const Branch& branch, const transaction::Hop& hop, const sip::Message* response);
  std::vector<std::string> record_route(const Request& request, const transaction::Hop& callee) const;
  void on_outcome(const RequestPtr& request, std::size_t number, const transaction::Hop& hop,
                  const transaction::Outcome& outcome, Now now);
  void act(Context& context, Fork::Actions actions, const std::string& response, Now now);
  void cancel_open(Context& context, std::string_view reason, Now now);
  void arm_timer_c(Branch& branch, Now now);
  void forget(transaction::TransactionId id);
  void give_up(const RequestPtr& request, int status, std::string_view reason = {});
  void give_up(const RequestPtr& request, SipsRefusal why);
  Context* find(transaction::TransactionId id);

  Services& services_;
  registrar::Registrar& registrar_;
  crypto::Key32 key_;
  std::unordered_map<transaction::TransactionId, std::unique_ptr<Context>> contexts_;
};

/// The usual answer: 404, 480, 403 or 500.
void answer_unreachable(Services& services, const RequestPtr& request, Proxy::Unreachable why);

}  // namespace beckon::server::proxy
