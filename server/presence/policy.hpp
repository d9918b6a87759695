#pragma once

#include <string_view>

#include "protocol/base/time.hpp"
#include "protocol/documents/pres_rules.hpp"
#include "protocol/event/package.hpp"
#include "server/config/settings.hpp"

namespace beckon::server::presence {

/// What one watcher may see of one presentity. Watchers with equal views share one document.
struct View {
  event::Permission permission = event::Permission::confirm;
  documents::Transformations what;  ///< Counts with `allow` only.
  bool operator==(const View&) const = default;

  /// The direct mode he is permitted (DIRECT_SESSIONS 3.4).
  ds1::Mode direct() const { return permission == event::Permission::allow ? what.direct : ds1::Mode::off; }
};

/// Everything there is to see, but for direct sessions.
documents::Transformations everything();

/// May users of that AOR's domain ask at all (DESIGN 6)? Foreign ones only where the configuration lists
/// their domain.
bool is_welcome(const Settings& settings, std::string_view watcher);

/// The presentity himself sees everything; others what his rules say (RFC 5025 3.2); without a rule about
/// them, what the configuration says. `rules` may be null.
View decide(const Settings& settings, const documents::Rules* rules, std::string_view presentity,
            std::string_view watcher, WallTime now);

}  // namespace beckon::server::presence
