#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "server/calls/lines.hpp"
#include "server/presence/presentities.hpp"
#include "server/proxy/hooks.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::calls {

/// What presence and presence rules make of requests to the users of one shard (DESIGN 6): who does not want
/// to be disturbed is not called, and whom a user blocks reaches that user by no method. It takes no request
/// itself.
class Reach final : public Room, public proxy::Wishes {
 public:
  /// They outlive it.
  Reach(Environment& environment, presence::Presentities& presentities, const Lines& lines)
      : environment_(environment), presentities_(presentities), lines_(lines) {}

  /// Hears of calls that did not ring, as their callee wants none: at the bucket of `callee`. Both are
  /// canonical AORs; the caller's is empty where the callee is not to learn it (RFC 3323).
  using OnMissed = std::function<void(const std::string& callee, const std::string& caller, Now now)>;
  void set_on_missed(OnMissed on_missed) { on_missed_ = std::move(on_missed); }

  /// Does a presence rule of the user keep that sender out?
  bool is_blocked(const Entry& user, std::string_view sender) const;
  /// Does the user want no message of that sender for now? It is kept until then.
  bool is_left_alone(const Entry& user, std::string_view sender) const;

  proxy::Wish wish(const std::string& callee, const proxy::Asked& asked, Now now) override;

 private:
  proxy::Wish wish_of_calls(const Entry& callee) const;
  bool has_call(const Entry& user, std::string_view call_id) const;

  Environment& environment_;
  presence::Presentities& presentities_;
  const Lines& lines_;
  OnMissed on_missed_;
};

}  // namespace beckon::server::calls
