#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "client/account/context.hpp"
#include "client/account/requester.hpp"
#include "client/incoming/room.hpp"

namespace beckon::client::message {

/// Octets of a whole MESSAGE request. A longer one needs congestion control on every hop, and the server's
/// next hop may be UDP (RFC 3428 8), so it is not sent.
inline constexpr std::size_t request_max = 1300;

/// Pager-mode messages (RFC 3428): each stands alone, 200 means received. Takes the MESSAGEs that come in.
class Pager final : public incoming::Room {
 public:
  /// Called once; `status` is 0 without answer.
  using Done = std::function<void(int status, std::string_view reason, Now now)>;

  /// Hears the id of every message that is sent or received, as archives know it
  /// (`documents::message_id`).
  using OnId = std::function<void(const std::string& id)>;

  explicit Pager(account::Context& context, OnId on_id = {}) : context_(context), on_id_(std::move(on_id)) {}

  /// `to` is a canonical AOR. A text too long for one request ends with 513 at once.
  void send(const std::string& to, std::string text, Done done, Now now);

  // incoming::Room
  const incoming::Services& services() const override;
  /// Shows a text and answers 200; 415 for another type, 400 for what cannot be read. An asserted sender is
  /// believed only from the account's own server (RFC 3325 5).
  void on_request(const incoming::Request& request, Now now) override;

 private:
  void note(std::string_view call_id, std::uint32_t cseq) const;

  account::Context& context_;
  OnId on_id_;
  account::Life life_;
};

}  // namespace beckon::client::message
