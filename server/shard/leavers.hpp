#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "server/store/store.hpp"

namespace beckon::server {

/// The users who are gone, removed or disabled, for the half minute in which requests that were under way may
/// still leave something of theirs.
class Leavers {
 public:
  /// Has every room end what the user left.
  using Tell = std::function<void(std::string_view aor, bool removed)>;

  /// `users` says whether a user is back. All referenced things outlive it.
  Leavers(TimerQueue& timers, Clock& clock, store::DurableStore& users, Tell tell)
      : timers_(timers), clock_(clock), users_(users), tell_(std::move(tell)) {}

  /// Tells at once, and again 1 s and 33 s later, unless the user is back by then.
  void add(std::string_view aor, bool removed);
  /// Is a look at what the user left still to come?
  bool has(std::string_view aor) const { return leavers_.contains(std::string(aor)); }

 private:
  struct Leaver {
    explicit Leaver(TimerQueue& timers) : next(timers) {}
    bool removed = false;
    std::size_t looks = 0;  ///< So many times the rooms were told again.
    Timer next;
  };

  void look_again_later(const std::string& aor);
  void look_again(const std::string& aor, bool is_back);

  TimerQueue& timers_;
  Clock& clock_;
  store::DurableStore& users_;
  Tell tell_;
  std::unordered_map<std::string, Leaver> leavers_;  ///< By AOR.
};

}  // namespace beckon::server
