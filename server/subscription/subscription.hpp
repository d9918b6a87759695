#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/base/text.hpp"
#include "protocol/base/timers.hpp"
#include "protocol/event/notifier.hpp"
#include "protocol/event/rate_control.hpp"
#include "protocol/transaction/transport.hpp"
#include "server/shard/directory.hpp"
#include "server/subscription/follow.hpp"
#include "server/subscription/head.hpp"
#include "server/subscription/package.hpp"
#include "server/subscription/tally.hpp"

namespace beckon::server::subscription {

/// A subscription in the list of its watcher.
class OfWatcher
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {};

/// One AOR that subscribes, shared by all of its subscriptions.
struct Watcher : boost::intrusive_ref_counter<Watcher, boost::thread_unsafe_counter> {
  Watcher(std::string_view its_aor, Tally::Count& at_all_shards) : aor(its_aor), everywhere(at_all_shards) {}
  std::string aor;
  boost::intrusive::list<OfWatcher, boost::intrusive::constant_time_size<false>> all;  ///< At this shard.
  std::uint32_t subscriptions = 0;                                                     ///< Of `all`.
  Tally::Count& everywhere;  ///< Of its group, at all shards.
};
using WatcherPtr = boost::intrusive_ptr<Watcher>;

/// What a watcher asks of its NOTIFYs besides the state. Most ask for nothing, and have none of it.
struct Wishes {
  /// The condition of Suppress-If-Match in its last SUBSCRIBE: the entity-tag of the state it has, or "*";
  /// empty without one, and once the watcher was sent another state (RFC 5839).
  std::string known;
  std::optional<event::RateControl> rates;  ///< RFC 6446.
};

/// One subscription (RFC 6665 4.2). Kept small: there are as many as users have contacts.
class Subscription final : public boost::intrusive_ref_counter<Subscription, boost::thread_unsafe_counter>,
                           private OfWatcher {
 public:
  Subscription(Package& package, EntryPtr resource, WatcherPtr watcher, TimerQueue& timers)
      : package_(package),
        resource_(std::move(resource)),
        watcher_(std::move(watcher)),
        notifier_(package.pacing(), event::Notifier::State::pending, {}),
        timer_(timers) {}

  Package& package() const { return package_; }
  Entry& resource() const { return *resource_; }
  const std::string& watcher() const { return watcher_->aor; }  ///< Canonical AOR, authenticated.
  std::string_view event_id() const { return head_.event_id(); }
  /// The part of the state that it is to, as `Package::read` put it; empty: all of it.
  std::string_view selection() const { return head_.selection(); }
  /// One of the package's `body_types()` that the watcher accepts.
  std::string_view body_type() const { return package_.body_types()[body_type_]; }
  /// Of the next NOTIFY: 0, then one more with each; jumps ahead over a restart. The version of documents
  /// that carry one.
  std::uint32_t number() const { return cseq_; }
  /// The hop to the watcher is encrypted.
  bool is_secure() const { return transaction::is_secure(peer_.protocol); }
  /// Its watcher is notified of changes: the watcher is in reach, and has not asked for silence with
  /// "Suppress-If-Match: *".
  bool hears_news() const { return is_reachable() && !is_quenched(); }
  /// It was asked for with Expires 0: one NOTIFY, no trace.
  bool is_fetch() const { return is_fetch_; }
  bool is_reachable() const { return (holds_ & unreachable) == 0; }
  bool is_terminated() const { return notifier_.state() == event::Notifier::State::terminated; }
  /// It has no dialog, and follows the resource for another subscription.
  bool is_follower() const { return inside_ && inside_->is_follower; }
  /// Lists on the way to it, the outermost first; of a device's: none.
  const std::vector<std::string>& path() const { return inside().path; }
  /// Of a follower: see `Follow`.
  std::size_t octets_max() const { return inside().octets_max; }
  /// The list that its SUBSCRIBE carried, as `Lists::read` (RFC 5367) or `Package::read` put it; often empty.
  std::string_view list() const { return inside().list; }
  /// Its local tag.
  std::string_view tag() const { return head_.local_tag(); }
  /// Address of the watcher's device.
  const IpAddress& source() const { return peer_.remote.ip; }
  /// NOTIFYs leave as datagrams.
  bool is_by_datagram() const { return !is_follower() && peer_.protocol == transaction::Protocol::udp; }
  /// It has begun and has not ended.
  bool counts() const { return is_begun_ && !is_terminated(); }
  Permission permission() const { return permission_; }
  /// It became active by a decision that came after the SUBSCRIBE.
  bool is_approved() const { return is_approved_; }
  /// Why it ended; empty before.
  std::string_view reason() const { return notifier_.reason(); }
  Time expires() const { return notifier_.expires(); }
  Time since() const { return since_; }
  /// What the watcher calls itself; often empty.
  std::string_view display_name() const { return head_.display_name(); }
  /// The same as long as it lives, over restarts too; unique.
  std::string_view id() const;

  // For those who explain it
  const event::Notifier& notifier() const { return notifier_; }
  /// Octets of the last NOTIFY, without our Via, and the status it was answered with: 408 without answer, 503
  /// where it could not be sent, 0 until then.
  std::uint32_t last_octets() const { return last_octets_; }
  int last_status() const { return last_status_; }
  /// NOTIFYs wait until the store has reserved their CSeqs.
  bool waits_for_store() const { return (holds_ & unstored) != 0; }
  bool waits_for_rules() const { return (holds_ & batched) != 0; }
  /// The watcher asked for a pace of its own (RFC 6446).
  bool has_pace() const { return rates() != nullptr; }
  /// The watcher asked for silence with "Suppress-If-Match: *".
  bool is_quenched() const { return known() == "*"; }

 private:
  friend class Index;
  friend class Lifecycle;
  friend class Records;
  friend class Subscriptions;
  friend std::uint32_t deliver(Sender& sender, const Subscription& subscription,
                               const event::Notifier::Notify& notify, const Content& content,
                               std::string_view entity_tag, transaction::OnOutcome on_outcome);

  using Hook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  /// Why nothing can be sent now.
  enum Hold : std::uint8_t {
    gathering = 8,    ///< Its package waits for what makes the first NOTIFY worth sending.
    unreachable = 1,  ///< The connection is gone: the watcher has to come back (RFC 5626).
    unstored = 2,     ///< Its next CSeqs are not in the store yet.
    batched = 4,      ///< A change of rules is being worked through; `Subscriptions::deliver` ends it.
  };

  /// Where NOTIFYs go: where the last SUBSCRIBE came from. Shorter than a Hop, which may have a name.
  struct Peer {
    transaction::FlowId flow = 0;
    Address remote, local;
    transaction::Protocol protocol{};
    bool operator==(const Peer&) const = default;
  };
  std::string_view known() const { return wishes_ ? std::string_view(wishes_->known) : std::string_view(); }
  event::RateControl* rates() const { return wishes_ && wishes_->rates ? &*wishes_->rates : nullptr; }
  static Peer peer_of(const transaction::Hop& hop) { return {hop.flow, hop.remote, hop.local, hop.protocol}; }
  transaction::Hop hop() const {
    return {peer_.protocol, peer_.remote, peer_.local, peer_.flow,
            is_by_server_ ? std::string(domain_of_aor(watcher())) : std::string()};
  }

  const Inside& inside() const {
    static const Inside none;
    return inside_ ? *inside_ : none;
  }
  Inside& make_inside() {
    if (!inside_) inside_ = std::make_unique<Inside>();
    return *inside_;
  }

  Package& package_;
  EntryPtr resource_;
  WatcherPtr watcher_;
  Hook of_resource_;
  Hook of_flow_;
  Subscription* next_of_pair_ = nullptr;  ///< The next one of the same watcher to the same resource.
  event::Notifier notifier_;
  Head head_;
  Peer peer_;
  Time since_{};
  std::uint32_t cseq_ = 0;           ///< Of the last NOTIFY; 0 before the first.
  std::uint32_t reserved_cseq_ = 0;  ///< Up to here the store has CSeqs reserved.
  std::uint32_t remote_cseq_ = 0;    ///< Of the last SUBSCRIBE.
  std::uint32_t granted_ = 0;        ///< Lifetime, in seconds.
  std::uint32_t heard_ = 0;          ///< The newest change (`Index::Group::change`) it was reported.
  std::uint32_t last_octets_ = 0;
  std::uint32_t due_since_ = 0;  ///< A mark of `Ages`: something is undelivered; 0: nothing.
  std::uint32_t entity_ = 0;     ///< `EntityTags::mark_of` what the last document had; 0: none was sent.
  std::uint32_t sent_ = 0;       ///< Counts NOTIFYs and moves; the outcome of an older one is ignored.
  std::uint16_t last_status_ = 0;
  Permission permission_ = Permission::pending;
  std::uint8_t body_type_ = 0;
  std::uint8_t holds_ = 0;
  std::uint8_t reserving_ = 0;       ///< Batches with the store that reserve CSeqs or erase the record.
  std::uint8_t store_failures_ = 0;  ///< Tries to reserve CSeqs that failed one after the other.
  bool is_begun_ = false;
  bool is_approved_ = false;
  bool is_fetch_ = false;
  bool is_refused_ = false;    ///< Of one that follows: rules refuse it, and may let it in later.
  bool is_by_server_ = false;  ///< The server of the watcher's domain sent the SUBSCRIBE: it can be dialled.
  bool is_secure_dialog_ = false;  ///< RFC 3261 12.1: made with a SIPS URI.
  bool is_stored_ = false;         ///< The store has, or is about to have, its record.
  bool is_listed_ = false;         ///< In the index.
  Permission counted_as_ = Permission::pending;
  Timer timer_;
  std::unique_ptr<Wishes> wishes_;
  std::unique_ptr<Inside> inside_;

 public:
  /// The package's own; goes before everything it may refer to.
  std::unique_ptr<PackageData> data;
};
using SubscriptionPtr = boost::intrusive_ptr<Subscription>;

}  // namespace beckon::server::subscription
