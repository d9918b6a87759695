#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "client/account/context.hpp"
#include "client/account/requester.hpp"

namespace beckon::client::message {

/// Octets of a whole MESSAGE request. Beyond it every hop must be known to be congestion-safe, and the
/// server's next hop may be UDP (RFC 3428 8): such a text is not sent.
inline constexpr std::size_t request_max = 1300;

/// Pager-mode messages (RFC 3428): each stands alone, 200 means received.
class Pager {
 public:
  /// Called once; `status` is 0 when nobody answered.
  using Done = std::function<void(int status, std::string_view reason, Now now)>;

  explicit Pager(account::Context& context) : context_(context) {}

  /// `to` is a canonical AOR. A text too long for one request ends with 513 at once.
  void send(const std::string& to, std::string text, Done done, Now now);

  /// A MESSAGE for us: emits it and says what to answer: 200, 400, or 415 for what is no text. Whom it
  /// asserts as sender counts only if it came `from_server` (RFC 3325 5).
  int on_message(const sip::Message& message, bool from_server, Now now);

 private:
  account::Context& context_;
  account::Life life_;
};

}  // namespace beckon::client::message
