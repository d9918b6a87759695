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

/// Where a response is sent: to the source of its request; if that was a connection and it failed, over a new
/// one to the same address and the port of the sent-by (RFC 3261 18.2.2); if that fails too, to the hops that
/// the sent-by resolves to, one after another (RFC 3263 5). Pure: the caller reports what failed and what was
/// located.
///
/// A client cannot make the server dial into a network that the client is not in: for a client outside, the
/// sent-by leads to public addresses only; for one in a private network, not to our loopback interface.
class ResponseRoute {
 public:
  static constexpr std::size_t max_located = 4;  ///< Hops tried of those that the sent-by resolves to.
  enum class Next {
    send,     ///< To `hop()`.
    locate,   ///< Resolve the sent-by and report to `on_located`.
    give_up,  ///< No hop is left; the next response starts at the source again.
  };

  /// `source` is where the request came from, as `response_hop` makes it; `via` is its top Via. Without
  /// `can_locate` the sent-by is not resolved.
  ResponseRoute(Hop source, const sip::ViaView& via, bool can_locate);

  Hop hop() const;
  const Hop& source() const { return source_; }
  /// From now on the source is the only hop.
  void keep_to_source() { can_dial_ = can_locate_ = false; }
  /// Is there another hop to try if `hop()` fails?
  bool has_more() const;
  Next on_failed();
  /// The hops that the sent-by resolves to, the best first; empty if there are none.
  Next on_located(std::vector<Hop> hops);

 private:
  enum class State : std::uint8_t { source, dialled, locating, located };
  Next give_up();
  bool is_worth_trying(const Hop& hop) const;

  Hop source_;
  Address dial_;  ///< Of a connection: its address with the port of the sent-by. Of UDP: that of `source_`.
  std::vector<Hop> located_;
  std::uint8_t at_ = 0;  ///< In `located_`.
  State state_ = State::source;
  bool can_dial_, can_locate_;
};

}  // namespace beckon::transaction
