#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sip/message.hpp"
#include "server/config/settings.hpp"
#include "server/proxy/next_hop.hpp"
#include "server/proxy/token.hpp"

namespace beckon::server::proxy {

/// The Route of a request as its proxy reads it (RFC 3261 16.4): the dialog it belongs to, and what follows.
struct DialogRoute {
  std::optional<Token> token;          ///< Of our own Record-Route on top, if its signature holds.
  bool from_caller = false;            ///< Does the token's caller send it? Else the callee does.
  std::vector<std::string_view> rest;  ///< Route values after ours; views into the message's text.
};
DialogRoute read_dialog_route(const sip::Message& request, ByteView key, const Settings& settings);

/// One place a request is forwarded to: a device, or where a URI leads.
struct Target {
  Destination to;
  std::string uri{};             ///< New Request-URI; empty leaves it.
  std::string path{};            ///< Route values to put on top (RFC 3327, `Hidden`); empty for none.
  std::string asserted{};        ///< P-Asserted-Identity of our own (RFC 3325); empty for none.
  bool keeps_asserted = false;   ///< What came in is believed, and stays.
  bool is_own_device = false;    ///< Of a user of ours, in a dialog; one found by a binding always is.
  bool in_dialogs = false;       ///< Stay in the path of the dialog it makes: Record-Route.
  std::uint32_t breadth = 1;     ///< Its Max-Breadth (RFC 5393 5.3.3).
  registrar::Binding binding{};  ///< That the place was found by; without contact for none.
  std::string aor{};             ///< Of the user whose device it is; empty for a place outside.
  /// Other ways to the same device, in this order, for when the flow has failed (RFC 5626 7).
  std::vector<Target> others{};
};

/// The target for a binding; `sips`: the request is for a SIPS URI. Nothing where it may not go there.
std::optional<Target> target_of(const registrar::Binding& binding, bool sips,
                                const locate::Abilities& abilities);

/// Where a request goes in a dialog that was made through us: to the next Route, if that is the dialog's
/// other end as the token knows it (its address; a name is taken for it and not looked up), without a Route
/// to that end. Absent when it asks for another place: a token opens no path that the dialog did not take.
std::optional<Destination> destination_in_dialog(const DialogRoute& route,
                                                 const locate::Abilities& abilities);

/// Does what follows in the dialog come through us, too?
bool starts_dialog(sip::Method method);

/// How many branches a request may have at once; without Max-Breadth, or past our own bound, ours.
std::uint32_t breadth_of(const sip::Message& request, const Settings& settings);

/// What of ours goes into a request besides our Via.
struct OwnLines {
  std::vector<std::string> record_route{};  ///< Values, from the bottom up.
  std::string contact{};                    ///< In place of one that is to be hidden (RFC 3323 5.1).
};

/// The request to send there, but for our Via (RFC 3261 16.6 steps 1 to 6). Towards a strict router its URI
/// goes into the request line, and the Request-URI after the last Route (step 6). `hop` is the one that is
/// tried, of the target's.
SharedText outgoing(const sip::Message& request, const DialogRoute& route, const Target& target,
                    const transaction::Hop& hop, const OwnLines& own, const Settings& settings);

}  // namespace beckon::server::proxy
