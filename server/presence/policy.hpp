#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/documents/compiled_rules.hpp"
#include "server/config/settings.hpp"

namespace beckon::server::presence {

/// What becomes of somebody who wants to watch (RFC 5025 3.2.1).
enum class Permission : std::uint8_t {
  allow,
  confirm,       ///< Waits until somebody decides.
  polite_block,  ///< Looks allowed, shows nothing.
  block,
};
/// As RFC 5025 3.2.1 has it: "polite-block".
const char* to_string(Permission permission);

/// What one watcher may see of one presentity. Watchers with equal views share one document.
struct View {
  Permission permission = Permission::confirm;
  documents::Transformations what;  ///< Counts with `allow` only.
  bool operator==(const View&) const = default;

  /// The direct mode that the watcher is permitted (DIRECT_SESSIONS 3.4).
  ds1::Mode direct() const { return permission == Permission::allow ? what.direct : ds1::Mode::off; }
};

/// Everything there is to see, but for direct sessions.
documents::Transformations everything();

/// May users of that AOR's domain ask at all (DESIGN 6)? Foreign ones only where the configuration lists
/// their domain.
bool is_welcome(const Settings& settings, std::string_view watcher);

/// The presentity itself sees everything; others what its rules say (RFC 5025 3.2); a watcher that no rule
/// matches gets what the configuration says. `rules` may be null. `sphere`: of the presentity
/// (RFC 5025 3.1.2); empty: undefined. `lets_see`: the watcher lets the presentity see it.
View decide(const Settings& settings, const documents::CompiledRules* rules, std::string_view presentity,
            std::string_view watcher, WallTime now, std::string_view sphere = {}, bool lets_see = false);

/// Which of these decided, and where rules did, their ids in order.
struct Reason {
  enum class By : std::uint8_t { own, foreign_domain, rules, default_policy };
  By by = By::default_policy;
  std::vector<std::string> rules{};
};
const char* to_string(Reason::By by);
/// Why `decide` says what it says.
Reason reason_of(const Settings& settings, const documents::CompiledRules* rules, std::string_view presentity,
                 std::string_view watcher, WallTime now, std::string_view sphere = {}, bool lets_see = false);

/// When `rules` may say something else than at `now`, as the time of a condition begins or ends (RFC 4745
/// 7.3). Never: WallTime::max().
WallTime next_change(const documents::CompiledRules* rules, WallTime now);

}  // namespace beckon::server::presence
