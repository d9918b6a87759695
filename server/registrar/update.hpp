#pragma once

#include <string>
#include <vector>

#include "protocol/sip/message.hpp"
#include "server/config/settings.hpp"
#include "server/registrar/binding.hpp"

namespace beckon::server::registrar {

/// One binding that changes, and why.
struct Change {
  BindingEvent event = BindingEvent::created;
  Binding binding;  ///< As it is afterwards; as it was, when it ends.
  bool ends() const;
};

/// What a REGISTER (or an expiry) does to the bindings of one address-of-record.
struct Update {
  int status = 200;               ///< Anything else: nothing changes.
  std::string warning;            ///< Text of a Warning 399; empty for none.
  std::vector<Binding> bindings;  ///< All, afterwards.
  std::vector<Change> changes;
  bool outbound = false;  ///< RFC 5626 was used: say so in the answer.
};

/// RFC 3261 10.3 steps 6 to 8, RFC 5626 6, RFC 3327: reads the Contacts of an authorised REGISTER and applies
/// them to `current`, all or none. Pure.
Update apply_register(const sip::Message& request, const transaction::Hop& from, std::vector<Binding> current,
                      const Settings& settings, Now now);

/// Ends what has run out.
Update apply_expiry(std::vector<Binding> current, Now now);
/// Ends what lived on a connection that is gone; what `suspended` says when no flow is given (end of the
/// grace time).
Update apply_flow_closed(std::vector<Binding> current, transaction::FlowId flow);

}  // namespace beckon::server::registrar
