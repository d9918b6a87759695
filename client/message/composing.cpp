#include "client/message/composing.hpp"

#include <algorithm>
#include <utility>

namespace beckon::client::message {

Composer::Actions Composer::become_idle(bool tell) {
  const bool was_active = std::exchange(active_, false);
  return {.tell = was_active && tell ? std::optional(false) : std::nullopt};
}

Composer::Actions Composer::on(Event event, Time now) {
  std::optional<bool> tell;
  switch (event) {
    case Event::composing:
      idle_at_ = now + idle_timeout;
      if (!std::exchange(active_, true)) {
        tell = true;
        refresh_at_ = now + refresh;
      }
      break;
    case Event::stopped:
      return become_idle(true);
    case Event::sent:
      return become_idle(false);
    case Event::timer:
      if (!active_) return {};
      if (now >= idle_at_) return become_idle(true);
      if (now >= refresh_at_) {
        tell = true;
        refresh_at_ = now + refresh;
      }
      break;
  }
  return {.tell = tell, .timer = std::min(idle_at_, refresh_at_)};
}

ComposingPeer::Actions ComposingPeer::on_status(bool active, std::optional<std::uint32_t> refresh_seconds,
                                                Time now) {
  if (!active) return on_idle();
  const Duration asked = refresh_seconds
                             ? std::min<Duration>(std::chrono::seconds(*refresh_seconds), longest_refresh)
                             : usual_refresh;
  const bool was_active = std::exchange(active_, true);
  return {.show = was_active ? std::nullopt : std::optional(true), .timer = now + asked};
}

ComposingPeer::Actions ComposingPeer::on_idle() {
  const bool was_active = std::exchange(active_, false);
  return {.show = was_active ? std::optional(false) : std::nullopt};
}

}  // namespace beckon::client::message
