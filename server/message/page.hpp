#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "protocol/xcap/exchange.hpp"
#include "protocol/xcap/target.hpp"
#include "server/message/boxes.hpp"

namespace beckon::server::message {

/// Path below which it is served: "/inbox/users/sip:alice@example.org".
inline constexpr std::string_view inbox_root = "/inbox";

/// What waits for a user, over HTTP. The caller has checked that it is the user who asks.
///
///     GET, HEAD   a JSON array, the oldest first: id, from, date, expires, size in octets, type
///     DELETE      ?id=ID, or all without it
///
/// Messages that a device has already are not shown, and go only with all.
class Page {
 public:
  using Done = std::function<void(beckon::xcap::Response)>;

  /// Both outlive it.
  Page(Environment& environment, Boxes& boxes) : environment_(environment), boxes_(boxes) {}

  /// At the bucket of `user`, a canonical AOR.
  void handle(const std::string& user, const beckon::xcap::UserTarget& target, beckon::xcap::Method method,
              Done done);

 private:
  std::string list(const Entry& user, Now now) const;

  Environment& environment_;
  Boxes& boxes_;
};

}  // namespace beckon::server::message
