#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "protocol/xcap/exchange.hpp"
#include "protocol/xcap/target.hpp"
#include "server/presence/watch.hpp"

namespace beckon::server::presence {

/// Path below which it is served: "/view/users/sip:alice@example.org".
inline constexpr std::string_view view_root = "/view";

/// What a watcher sees of a user now, or would see after a change of the rules, for the user over HTTP. The
/// caller has checked that it is the user who asks. Nothing changes, and nothing is promised to the watcher.
///
///     GET  ?as=USER[&if=RULE]
///
/// USER is a SIP URI, with or without scheme; RULE is allow, confirm, polite-block or block: the watcher's
/// own rule, or forget: none. The answer is a JSON object: watcher; permission (allow, confirm, polite-block,
/// block); by (own, foreign-domain, rules, default-policy), what decides; rules, the ids of those that do;
/// direct (off, ask, auto), the sessions the watcher may start; document, the presence document, without what
/// is for direct sessions; absent where the watcher gets none. 400: cannot be read; 409: the rule cannot be
/// made, as one for everybody is in its way.
class Preview {
 public:
  using Done = std::function<void(beckon::xcap::Response)>;

  /// All outlive it.
  Preview(Environment& environment, const Watches& watches, const xcap::Documents& documents)
      : environment_(environment), watches_(watches), documents_(documents) {}

  /// At the bucket of `user`, a canonical AOR.
  void handle(const std::string& user, const beckon::xcap::UserTarget& target, beckon::xcap::Method method,
              const Done& done);

 private:
  Environment& environment_;
  const Watches& watches_;
  const xcap::Documents& documents_;
};

}  // namespace beckon::server::presence
