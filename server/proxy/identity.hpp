#pragma once

#include <string>

#include "protocol/sip/builder.hpp"
#include "protocol/sip/message.hpp"
#include "protocol/transaction/transport.hpp"
#include "server/config/settings.hpp"

/// Who the sender of a message is, as servers that trust each other tell each other (P-Asserted-Identity, RFC
/// 3325), and what of it the sender wants kept from others (Privacy, RFC 3323).
namespace beckon::server::proxy {

struct Privacy {
  bool none = false;
  bool id = false;
  bool critical = false;
  bool header = false;  ///< `hiding`.
  bool user = false;    ///< Done in part: `drop_personal_lines`.
  std::string
      unserved{};  ///< The values that ask for what is not done here, or not wholly: "header;session".
};
Privacy read_privacy(const sip::Message& message);

/// Value of Privacy to forward: without "header", which is done here, and empty for none where that leaves
/// nothing to ask for (RFC 3323 5).
std::string privacy_to_forward(const sip::Message& message);

/// Leaves out what the sender wrote about itself without need, where it asks for that with "user" (RFC 3323
/// 5.3). From and Contact stay, as another From would have to be put back in every answer.
void drop_personal_lines(sip::Splice& out, const sip::Message& request);

/// The reason phrase of the 500 for a request whose privacy is critical and not to be had (RFC 3323 5); empty
/// for another.
std::string privacy_failure(const sip::Message& request);

/// Does that peer belong to the trust domain, so that what it asserts is believed and what is asserted here
/// may be shown to it? Its address decides, or the domain that it has proven.
bool is_trusted(const transaction::Hop& peer, const Settings& settings);

/// May an asserted identity be shown to that peer? To one outside of the trust domain not against the
/// sender's wish, which an anonymous From states, too; where the sender says nothing, only to devices of our
/// own users (RFC 3325 7).
bool may_show_identity(const sip::Message& request, const transaction::Hop& peer, bool is_own_device,
                       const Settings& settings);

/// Value of Proxy-Require to forward: without "privacy" when all that was asked for is done (RFC 3323 5).
/// Empty for none.
std::string proxy_require_to_forward(const sip::Message& request);

/// `response` of a peer outside of the trust domain without the identities that it asserts.
sip::Message without_identities(const sip::Message& response);

}  // namespace beckon::server::proxy
