#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/crypto/crypto.hpp"
#include "server/proxy/forwarder.hpp"
#include "server/proxy/hooks.hpp"
#include "server/proxy/ringing.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/services.hpp"
#include "server/shard/sips.hpp"

namespace beckon::store {
class DurableStore;
}

namespace beckon::server::proxy {

/// Stateful proxy of one shard (RFC 3261 16): requests to a user's devices, and what follows in the dialogs
/// they make.
class Proxy final : public Relay, private Forwarder::Client {
 public:
  /// Why there is no device to forward to.
  enum class Unreachable {
    unknown,  ///< The domain is ours, the user is not.
    offline,  ///< The user has no binding that can be reached now.
    foreign,  ///< Another domain, and this request may not leave ours.
    failed,   ///< The store or a queue failed.
  };
  using OnUnreachable = std::function<void(const RequestPtr&, Unreachable)>;
  /// A device that has answered with a refusal other than 482, which says that it had the request before.
  struct Refusal {
    registrar::Binding device{};
    bool may_take_later = false;  ///< `is_absence`.
  };
  /// How the devices answered.
  struct Outcome {
    int status = 0;          ///< Of the first 2xx, else of the refusal that would be passed on.
    bool is_absent = false;  ///< No device has it, none refused for all, and one or more may take it later.
    /// That accepted it; without contact for one that is not the callee's.
    const registrar::Binding* device = nullptr;
    std::vector<Refusal> refusals{};  ///< Not those that a room which took over has heard of.
  };
  /// Hears of the first 2xx, else of the end, before the sender does; once. True: the room answers.
  using OnEnd = std::function<bool(const RequestPtr&, const Outcome&, Now)>;

  /// What it stands on: all of this shard, and outliving it.
  struct Parts {
    Services& services;
    Sender& sender;
    Peers& peers;  ///< The proxies of other shards know the bindings there.
    locate::Locator& locator;
    store::DurableStore& users;
    registrar::Registrar& registrar;
  };
  /// `key` signs our Record-Route.
  Proxy(Parts parts, const crypto::Key32& key);
  ~Proxy() override;

  /// They outlive the last request; without them all requests are delivered, and nobody hears of calls.
  void set_wishes(Wishes& wishes) { wishes_ = &wishes; }
  void set_observer(CallObserver& observer) { observer_ = &observer; }

  /// Forwards a request without own Route to all devices of the user its Request-URI names, or to the one
  /// whose GRUU it is. The answer is the best of theirs; without any device `unreachable` is called and
  /// answers.
  void deliver(const RequestPtr& request, OnUnreachable unreachable, OnEnd on_end = {});
  /// A device has refused a request that its room has taken over.
  using OnRefusal = std::function<void(const RequestPtr&, const Refusal&, Now)>;
  struct Taken {
    RequestPtr request{};             ///< Null: the room has heard of the outcome, or does not hear of it.
    std::vector<Refusal> refusals{};  ///< So far.
  };
  /// The room that had it delivered answers it now; what devices say later the room hears alone, by
  /// `on_refusal` and its `OnEnd`.
  Taken take_over(transaction::TransactionId id, OnRefusal on_refusal);

  // Relay
  Serves serves() const override;
  bool takes(const Request& request) const override { return request.relayed; }
  void on_request(const RequestPtr& request) override;
  std::optional<Bucket> bucket_of_token(const sip::Message& request) const override;
  bool vouches_for(const sip::Message& request) const override;
  bool is_looping(const sip::Message& request) const override;
  void on_ack(const transaction::Hop& from, const sip::Message& ack, Now now) override;
  void on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now) override;
  std::vector<Table> tables(Now now) const override;

  /// A question of another shard's proxy about a user of ours, and its answer.
  struct FindTargets {
    Callee callee;
    transaction::TransactionId request = 0;   ///< Of the proxy that asks,
    Bucket back = 0;                          ///< at this bucket.
    std::optional<std::size_t> redirected{};  ///< The branch whose redirection leads there.
    std::optional<Asked> asked{};             ///< Not in a dialog.
  };
  struct FoundTargets {
    transaction::TransactionId request = 0;
    std::optional<std::size_t> redirected{};
    std::string aor{};  ///< Of the user whose devices they are.
    std::vector<registrar::Binding> bindings{};
    bool is_valid = true;  ///< False for a temporary GRUU of the past.
    Wish wish{};
  };
  /// A flow to a device of a user there is gone.
  struct FlowFailed {
    std::string aor;
    registrar::Binding binding;
  };
  /// An ACK to a GRUU of a user there.
  struct ForwardAck {
    sip::Message ack;
    Callee callee;
  };
  void on(const FindTargets& question, Bucket at, Now now);
  void on(const FoundTargets& found, Bucket at, Now now);
  void on(const FlowFailed& failed, Bucket at, Now now);
  void on(const ForwardAck& forward, Bucket at, Now now);

 private:
  /// A branch that was redirected to users of ours, whose devices are looked up.
  struct Redirected {
    std::size_t branch = 0;
    std::size_t waiting = 0;  ///< Users not found yet.
    std::vector<Target> found{};
    std::optional<sip::Message> left{};  ///< With the Contacts that are not followed.
  };

  /// A request that is being forwarded.
  struct Context {
    Context(RequestPtr asked, TimerQueue& timers) : request(std::move(asked)), copies(timers) {}
    RequestPtr request;
    OnUnreachable unreachable{};
    OnEnd on_end{};
    bool is_absent = false;           ///< A device is away (`is_absence`).
    std::vector<Refusal> refusals{};  ///< For `on_end`.
    OnRefusal on_refusal{};
    bool is_taken = false;  ///< The room has answered.
    Callee callee{};        ///< Without address for a place outside.
    /// Of a request to a GRUU in a dialog: where the dialog's own way leads.
    std::optional<Destination> in_dialog{};
    bool is_vouched = false;  ///< Our token proves that it is in a dialog.
    bool by_contact = false;  ///< Its Request-URI may be the contact of a device of the callee.
    bool cancelled = false;   ///< By the caller,
    std::string reasons{};    ///< with these (RFC 3326).
    Ringing::Places ringing{};
    std::size_t branches = 0;
    int best = 0;  ///< Status it ended with.
    std::vector<Redirected> redirected{};
    std::vector<std::string> led_to{};  ///< Users it was redirected to.
    Timer copies;                       ///< After a 2xx to INVITE: until its copies have come.
  };

  Context& begin(const RequestPtr& request);
  void forward_in_dialog(const RequestPtr& request, DialogRoute route);
  void locate(const RequestPtr& request, Callee of);
  FoundTargets find_targets(const FindTargets& question, Now now);
  void refuse(const RequestPtr& request, const Wish& wish);
  void on_located(const RequestPtr& request, const std::vector<registrar::Binding>& bindings, bool is_valid);
  void on_located_in_dialog(const RequestPtr& request, const std::vector<registrar::Binding>& bindings);
  std::vector<std::string> record_route(const Request& request, const Target& target,
                                        const transaction::Hop& callee) const;
  std::string hidden_contact(const sip::Message& message, Bucket bucket, const transaction::Hop& hop,
                             bool sips) const;
  bool leads_to_own_device(const sip::Message& request, const DialogRoute& route) const;
  std::optional<Callee> gruu_in_dialog(const sip::Message& request, const DialogRoute& route,
                                       std::string_view uri) const;
  bool shows_others_gruu(const Request& request) const;
  std::vector<Target> targets_of(const Request& request, const std::string& aor,
                                 const std::vector<registrar::Binding>& bindings) const;
  void to_bindings(const RequestPtr& request, const std::vector<registrar::Binding>& bindings);
  std::optional<Target> target_of(const Request& request, const registrar::Binding& binding) const;
  void forward_ack(const sip::Message& ack, const DialogRoute& route, const registrar::Binding* binding);
  void ask_whether_known(const RequestPtr& request, const std::string& aor);
  bool is_answered(Context& context, const Outcome& outcome, Now now);
  void note_refusal(Context& context, std::size_t target, const Forwarder::End& end, Now now);
  void fail(const RequestPtr& request, Unreachable why);
  std::optional<Callee> owner_of_contact(const sip::Message& request, const DialogRoute& route) const;
  void on_located_by_contact(const RequestPtr& request, const std::vector<registrar::Binding>& bindings);

  bool may_leave(const Request& request) const;
  std::optional<Destination> outside(const Request& request, const sip::Uri& uri) const;
  void to_foreign(const RequestPtr& request, const sip::Uri& uri);

  void keep_asserted(const Request& request, std::vector<Target>& targets) const;
  void forward(const RequestPtr& request, std::vector<Target> targets, std::optional<DialogRoute> route = {});
  void report_forwarded(const Context& context);
  CallObserver* observer_of(const Context& context) const;
  std::string answer_back(const Request& request, const sip::Message& response) const;
  std::optional<Callee> user_of_contact(const Context& context, std::string_view contact) const;
  static bool is_tried(const Context& context, const std::string& aor);
  void report_unanswered(const Context& context, int status);
  void report_redirected(const Context& context, const Redirected& all);
  void on_found_elsewhere(const FoundTargets& found);
  void forget(transaction::TransactionId id);
  void give_up(const RequestPtr& request, int status, std::string_view reason = {});
  void give_up(const RequestPtr& request, SipsRefusal why);
  Context* find(transaction::TransactionId id);

  // Forwarder::Client
  void on_response(Forwarder::Key key, std::size_t target, const sip::Message& response, Now now) override;
  void on_success_again(Forwarder::Key key, const sip::Message& response, Now now) override;
  void on_target_end(Forwarder::Key key, std::size_t target, const Forwarder::End& end, Now now) override;
  void on_flow_failed(Forwarder::Key key, const Target& target, Now now) override;
  void on_early_end(Forwarder::Key key, std::string_view to_tag, int status) override;
  bool on_redirect(Forwarder::Key key, std::size_t target, const sip::Message& response) override;
  void on_end(Forwarder::Key key, const Forwarder::End& best, Now now) override;
  OwnLines own_lines(Forwarder::Key key, const Target& target, const transaction::Hop& hop) override;

  Services& services_;
  Sender& sender_;
  Peers& peers_;
  locate::Locator& locator_;
  store::DurableStore& users_;
  registrar::Registrar& registrar_;
  Wishes* wishes_ = nullptr;
  CallObserver* observer_ = nullptr;
  crypto::Key32 key_;
  Forwarder forwarder_;
  Ringing ringing_;
  std::unordered_map<transaction::TransactionId, Context, std::hash<transaction::TransactionId>,
                     std::equal_to<>, PoolAllocator<std::pair<const transaction::TransactionId, Context>>>
      contexts_;
};

/// The usual answer: 404, 480, 403 or 500.
void answer_unreachable(Answers& answers, const RequestPtr& request, Proxy::Unreachable why);

}  // namespace beckon::server::proxy
