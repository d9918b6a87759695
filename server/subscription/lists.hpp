#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "server/shard/services.hpp"

namespace beckon::server::subscription {

class Package;

/// Who knows which URIs stand for lists of resources (RFC 4662, RFC 5367): a room above this one.
class Lists {
 public:
  virtual ~Lists() = default;

  /// The form of `package` whose subscriptions are to lists; null: it has none.
  virtual Package* form_of(const Package& package) = 0;

  /// May `watcher` subscribe to a list of that URI, for `package`? Calls `found`, later: with 200; 404, there
  /// is no such list; 489, it is for other packages (RFC 4826 4.5); or another status that refuses the
  /// request.
  using Found = std::function<void(int status)>;
  virtual void find(const std::string& uri, const std::string& watcher, const Package& package,
                    Found found) = 0;

  /// The list that a SUBSCRIBE carries (RFC 5367 3).
  struct Carried {
    int status = 200;    ///< Else: refuses the request.
    std::string list{};  ///< As it is kept with the subscription.
  };
  /// Absent: it carries none.
  virtual std::optional<Carried> read(const sip::Message& subscribe) const = 0;
};

}  // namespace beckon::server::subscription
