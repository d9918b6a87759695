#include "server/shard/leavers.hpp"

#include <array>

#include "server/shard/replay.hpp"

namespace beckon::server {
namespace {

/// Pauses before the rooms are told again. Requests that waited for another shard or the store have been
/// applied after the first; after both, no earlier request can add anything (`RequestStep::promise` gives
/// none longer than 64*T1).
constexpr std::array<Duration, 2> looks_after{1s, replay_time};

}  // namespace

void Leavers::add(std::string_view aor, bool removed) {
  const std::string name(aor);
  Leaver& leaver = leavers_.try_emplace(name, timers_).first->second;
  leaver.removed = removed;
  leaver.looks = 0;
  look_again_later(name);
  tell_(name, removed);
}

void Leavers::look_again_later(const std::string& aor) {
  Leaver& leaver = leavers_.at(aor);
  leaver.next.set(clock_.now().mono + looks_after[leaver.looks], [this, aor](Time) {
    users_.find_user(aor, [this, aor](const Result<store::UserPtr>& user) {
      look_again(aor, user && *user && (*user)->enabled);
    });
  });
}

/// What has come since the user is back is the user's own.
void Leavers::look_again(const std::string& aor, bool is_back) {
  const auto found = leavers_.find(aor);
  if (found == leavers_.end()) return;
  const bool removed = found->second.removed;
  if (is_back || ++found->second.looks == looks_after.size())
    leavers_.erase(found);
  else
    look_again_later(aor);
  if (!is_back) tell_(aor, removed);
}

}  // namespace beckon::server
