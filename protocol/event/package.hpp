#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "protocol/base/bytes.hpp"
#include "protocol/base/time.hpp"
#include "protocol/event/expiry.hpp"
#include "protocol/event/notifier.hpp"
#include "protocol/sip/message.hpp"

namespace beckon::event {

/// What a package remembers about one subscription (last version sent, last entry shown...); goes with it.
class PackageMemory {
 public:
  virtual ~PackageMemory() = default;
};

/// One subscription as a package sees it.
struct Subscription {
  std::uint64_t id = 0;     ///< Of the server's table; never used twice in one run.
  std::string resource{};   ///< Canonical AOR subscribed to.
  std::string watcher{};    ///< Canonical AOR of who asked, authenticated.
  std::string event_id{};   ///< `id` of the Event header; often empty.
  std::string body_type{};  ///< One of `body_types()` that the watcher accepts.
  /// Of the next NOTIFY: 0, then one more with each; jumps ahead over a restart. The version of documents
  /// that carry one.
  std::uint32_t number = 0;
  bool secure = false;  ///< The next hop to the watcher is encrypted.
  std::unique_ptr<PackageMemory>
      memory;  ///< Null until the package sets it; not stored: after a restart send full.
};

/// What may be done with a SUBSCRIBE.
enum class Permission {
  allow,         ///< active
  confirm,       ///< pending until somebody decides
  polite_block,  ///< looks active, shows nothing
  block,         ///< 403, or terminated;reason=rejected when it was running
};

/// The body of a NOTIFY. Shared: subscriptions that see the same get the same text.
struct Content {
  std::string type{};  ///< Content-Type with parameters; empty: no body.
  SharedText body{};
};

/// One event package of the server (RFC 6665 5.4 lists what a package must say). Subscriptions, timers,
/// dialogs and authentication belong to the caller; the package decides and composes.
class EventPackage {
 public:
  virtual ~EventPackage() = default;

  virtual std::string_view name() const = 0;  ///< "presence", "presence.winfo"
  virtual Expiry expiry() const = 0;
  /// MIME types a NOTIFY may carry, the default first (RFC 6665 5.4.5); no Accept means the default.
  virtual std::span<const std::string_view> body_types() const = 0;
  virtual Notifier::Config pacing() const { return {}; }

  /// May `watcher` (authenticated) watch `resource`? Asked at each SUBSCRIBE, and again when rules change.
  virtual Permission permission(std::string_view resource, std::string_view watcher, Now now) = 0;
  /// An accepted SUBSCRIBE, the first or a refresh: reads what the package needs of it (a filter, a list).
  /// `status` other than 200 refuses it.
  virtual int on_subscribe(Subscription&, const sip::Message&, Now) { return 200; }

  /// The body for `body` (never Body::none). For a subscription that is pending or politely blocked the
  /// package gives what such a watcher may see. `full`: the last NOTIFY may be lost, so nothing may lean on
  /// it.
  virtual Content compose(Subscription& subscription, Permission permission, Notifier::Body body,
                          Now now) = 0;
};

/// The first of `offered` that the request's Accept lines allow ("*/*" and "application/*" count); the
/// default (first) without Accept; empty: answer 406.
std::string_view choose_body_type(const sip::Message& request, std::span<const std::string_view> offered);

}  // namespace beckon::event
