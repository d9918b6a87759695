#pragma once

#include <cassert>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/bytes.hpp"
#include "protocol/event/expiry.hpp"
#include "protocol/event/notifier.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::subscription {

class Subscription;
class Subscriptions;
struct Report;

/// What the package says of a subscription (RFC 6665 4.2.1.3).
enum class Permission : std::uint8_t {
  active,   ///< The watcher gets the state.
  pending,  ///< It waits for a decision.
  refused,  ///< 403; a running subscription ends with the reason "rejected".
};

/// What a package keeps about one subscription; goes with it. Not stored: after a restart the watcher gets
/// full state.
class PackageData {
 public:
  virtual ~PackageData() = default;
};

/// The body of a NOTIFY. Shared: subscriptions that see the same get the same text.
struct Content {
  std::string_view type{};  ///< Content-Type, a literal; empty: no body.
  SharedText body{};
  /// What entity-tags are made of where the body is but a change: the whole state (RFC 5839 4).
  SharedText entity{};
  std::string parameters{};  ///< Of this document alone, ";boundary=..."; they follow the type.
};

/// One event package (RFC 6665 5.4). The room `Subscriptions` owns dialogs, timers, records and delivery; the
/// package decides who may subscribe to what, and says what a body is. When the state of a resource changes
/// it calls `subscriptions().changed`. One object for each shard; one thread.
class Package {
 public:
  virtual ~Package() = default;
  Package() = default;
  Package(const Package&) = delete;
  Package& operator=(const Package&) = delete;

  virtual std::string_view name() const = 0;  ///< "presence", "presence.winfo"
  /// Unique among all packages, in the store and in figures. Another than the name: one event package in
  /// another form, which SUBSCRIBEs reach by way of `Lists`.
  virtual std::string_view key() const { return name(); }
  /// The option tag that its NOTIFYs, and the answers to its SUBSCRIBEs, require; empty: none.
  virtual std::string_view required() const { return {}; }
  /// Name of its live table.
  virtual std::string_view table() const { return name(); }
  /// Default: the configuration's section [subscription].
  virtual event::Expiry expiry() const;
  /// MIME types a NOTIFY may carry, the default first (RFC 6665 5.4.5); no Accept means the default.
  virtual std::span<const std::string_view> body_types() const = 0;
  /// One of them that a watcher gets only if its Accept names it, and then rather than another that it wants
  /// as much.
  virtual std::string_view body_type_by_name() const { return {}; }
  /// Its full documents (`Content::entity`, else the body) say nothing but the state, so that equal states
  /// give equal documents: NOTIFYs carry an entity-tag made of the document, and watchers that name it get no
  /// copy (RFC 5839). `compose` must not count as sent then: `notified` does.
  virtual bool has_entities() const { return false; }
  /// Among `body_types()`, the one a SUBSCRIBE wants most; absent: none is acceptable (406).
  virtual std::optional<std::uint8_t> choose_body_type(const sip::Message& subscribe) const;
  virtual event::Notifier::Config pacing() const { return {}; }

  /// Does the resource exist? Calls `found`, now or later, with 200 or with the status that refuses the
  /// request. Default: every user is one (else 404); without authentication everything is.
  using Found = std::function<void(int status)>;
  virtual void find(const Entry& resource, Found found);
  /// May `watcher` (authenticated) subscribe? Asked before anything is stored, to refuse early.
  virtual Permission admit(Entry& resource, const std::string& watcher, Now now) = 0;

  /// Which part of the state a SUBSCRIBE asks for, as it is kept with the subscription.
  struct Interest {
    std::string selection{};  ///< By the parameters of Event, `id` apart; empty, or ";name=value".
    std::string list{};       ///< By the body.
    bool operator==(const Interest&) const = default;
  };
  /// Reads it. `interest` is what the subscription asked for so far. Returns 200, or the status that refuses
  /// the request. Default: what a SUBSCRIBE says makes no difference.
  virtual int read(const sip::Message& /*subscribe*/, std::string_view /*parameters*/,
                   Interest& /*interest*/) const {
    return 200;
  }

  /// The subscription is in the store, now or since before a restart: decides again, as what it is decided by
  /// may have changed meanwhile, and makes the package's data.
  virtual Permission begin(Subscription& subscription, Now now);
  /// It counts from here on, as `begin` said. Not called where that refused it.
  virtual void begun(Subscription&, Now) {}
  /// A refresh asks for another part of the state; full state follows.
  virtual void asked(Subscription&, Now) {}
  virtual void refreshed(Subscription&, Now) {}
  /// `subscription.reason()` says why. A last NOTIFY may still be composed.
  virtual void ended(Subscription&, Now) {}
  /// It is about to be forgotten, however it came to its end: `data` goes next.
  virtual void forgotten(Subscription&) {}
  /// The watcher's connection is gone; nothing is sent until the watcher refreshes.
  virtual void lost(Subscription&, Now) {}
  /// A NOTIFY with what was composed last was handed to the network.
  virtual void notified(Subscription&, Now) {}
  /// One that says by its entity-tag alone that the watcher has what was composed last (RFC 5839 6.2).
  virtual void confirmed(Subscription&, Now) {}

  /// A full document was due and is not sent, as the watcher has that state (RFC 5839). What was sent before
  /// may be lost all the same.
  virtual void suppressed(Subscription&) {}

  /// News of a resource that `subscription` follows (`Subscriptions::follow`).
  virtual void reported(Subscription& subscription, Report report, Now now);

  /// The state of the resource changed: does this watcher see any of it? False: it is not notified.
  virtual bool has_news(const Subscription&) const { return true; }

  /// The body of the next NOTIFY; never asked for Body::none. For a pending subscription: what such a watcher
  /// may see. `full`: the last NOTIFY may be lost, so nothing may build upon it.
  virtual Content compose(Subscription& subscription, event::Notifier::Body body, Now now) = 0;

  /// Live tables besides that of the subscriptions.
  virtual std::vector<Table> tables(Now) const { return {}; }
  /// Things it holds besides subscriptions; 0 when all have left.
  virtual std::size_t size() const { return 0; }

 protected:
  /// Of the room it was added to. Not in the constructor.
  Subscriptions& subscriptions() const {
    assert(subscriptions_);
    return *subscriptions_;
  }
  /// Called once, when the room is there.
  virtual void attached() {}

 private:
  friend class Subscriptions;
  Subscriptions* subscriptions_ = nullptr;
};

/// The event packages of one shard.
class Packages {
 public:
  template <class T, class... Args>
  T& add(Args&&... args) {
    auto made = std::make_unique<T>(std::forward<Args>(args)...);
    T& added = *made;
    all_.push_back(std::move(made));
    return added;
  }
  /// Null: no such package.
  Package* find(std::string_view key) const;
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

 private:
  std::vector<std::unique_ptr<Package>> all_;
};

/// Hears of the subscriptions of one package, whichever it is: watcher information is made of it (RFC 3857).
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_begun(Subscription&, Now) {}
  /// A decision made it active or pending.
  virtual void on_decided(Subscription&, Now) {}
  virtual void on_ended(Subscription&, Now) {}
  /// What `resource`'s subscriptions are decided by has changed.
  virtual void on_rules_changed(Entry& /*resource*/, Now) {}
  /// The changes of `resource` reported so far are complete; the watchers concerned are notified next.
  virtual void on_settled(Entry& /*resource*/, Now) {}
};

}  // namespace beckon::server::subscription
