#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/sip/view.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::transaction {

/// The sent-by of a Via, and the transport that its request came over (RFC 3261 18.2.2).
struct SentBy {
  std::string host;  ///< A name in lower case or an address, without brackets.
  std::optional<std::uint16_t> port{};
  Protocol protocol = Protocol::udp;
  bool operator==(const SentBy&) const = default;
};
SentBy sent_by_of(const sip::ViaView& via, Protocol protocol);

/// Where a response is sent: back to where its request came from; when that fails and it was a connection, to
/// a new one to the same address and the port of the sent-by (RFC 3261 18.2.2); when that fails, too, to
/// where the sent-by leads (RFC 3263 5), one hop after another. Pure: it is told what failed and what was
/// found.
///
/// Nobody may have us dial into a network that he is not in: from outside the sent-by leads to public
/// addresses only, from a private one not to our loopback interface.
class ReplyWay {
 public:
  static constexpr std::size_t max_found = 4;  ///< Hops tried of those that the sent-by leads to.
  enum class Next {
    send,     ///< To `hop()`.
    locate,   ///< Find where the sent-by leads, and tell `on_found`.
    give_up,  ///< Nothing is left; a later response begins anew.
  };

  /// `back` is where the request came from, as `reply_hop` has it, `via` its top Via; without `can_locate`
  /// nobody is there to find anything.
  ReplyWay(Hop back, const sip::ViaView& via, bool can_locate);

  Hop hop() const;
  /// From now on it goes the way the request came, or not at all.
  void stay_back() { can_dial_ = can_locate_ = false; }
  /// Could it go anywhere else if `hop()` fails?
  bool has_more() const;
  Next on_failed();
  /// Where the sent-by leads, the best first; empty when nowhere.
  Next on_found(std::vector<Hop> hops);

 private:
  enum class State : std::uint8_t { back, dialled, locating, found };
  Next give_up();
  bool is_worth_trying(const Hop& hop) const;

  Hop back_;
  Address dial_;  ///< Of a connection: its address with the port of the sent-by. Of UDP: `back_`'s.
  std::vector<Hop> found_;
  std::uint8_t at_ = 0;  ///< In `found_`.
  State state_ = State::back;
  bool can_dial_, can_locate_;
};

}  // namespace beckon::transaction
