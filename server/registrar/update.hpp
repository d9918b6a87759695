#pragma once

#include <boost/container/small_vector.hpp>
#include <string>
#include <vector>

#include "protocol/base/random.hpp"
#include "protocol/sip/message.hpp"
#include "server/config/settings.hpp"
#include "server/registrar/binding.hpp"
#include "server/shard/gruu.hpp"

namespace beckon::server::registrar {

/// One binding that changes, and why.
struct Change {
  static constexpr std::size_t nowhere = ~std::size_t{0};

  BindingEvent event = BindingEvent::registered;
  Binding binding;  ///< As it is afterwards; as it was, when it ends.
  /// Its place among the bindings; new ones stand after those of before. `nowhere`: its record ends, and
  /// another binding has its place.
  std::size_t place = nowhere;
  bool ends() const { return is_end(event); }
};

/// What a REGISTER (or an expiry) does to the bindings of one address-of-record.
struct Update {
  int status = 200;     ///< Anything else: nothing changes.
  std::string warning;  ///< Text of a Warning 399; empty for none.
  boost::container::small_vector<Change, 1> changes;
  bool outbound = false;  ///< RFC 5626 was used: say so in the answer.

  /// The bindings afterwards.
  using View = boost::container::small_vector<const Binding*, 10>;
  View view(const std::vector<Binding>& before) const;
  void apply_to(std::vector<Binding>& bindings) const;
};

/// What a REGISTER is applied with, besides the bindings.
struct Terms {
  std::string_view aor;  ///< Canonical.
  const Settings& settings;
  const Gruus& gruus;
  Random& random;  ///< Draws epochs.
  Now now;
};

/// RFC 3261 10.3 steps 6 to 8, RFC 5626 6, RFC 3327, RFC 5627 5.1: reads the Contacts of an authorised
/// REGISTER and applies them to `current`, all or none. Pure.
Update apply_register(const sip::Message& request, const transaction::Hop& from,
                      const std::vector<Binding>& current, const Terms& terms);

/// Ends what has run out.
Update apply_expiry(const std::vector<Binding>& current, Now now);
/// Ends that binding, if no REGISTER has come for it since.
Update apply_flow_failed(const std::vector<Binding>& current, const Binding& failed);
/// Ends all: the user may not come in any more.
Update apply_rejection(const std::vector<Binding>& current);
/// Ends what lived on a connection that is gone.
Update apply_flow_closed(const std::vector<Binding>& current, transaction::FlowId flow);
/// Ends what `suspended` says, at the end of the grace time.
Update apply_grace_end(const std::vector<Binding>& current);

}  // namespace beckon::server::registrar
