#include "client/message/typing.hpp"

namespace beckon::client::message {

bool Typing::compose(const std::string& to, Now now) {
  if (!composers_.contains(to) && composers_.size() >= peers_max) return false;
  composers_.try_emplace(to, context_.timers);
  return drive(to, Composer::Event::composing, now).has_value();
}

bool Typing::stop(const std::string& to, Now now) {
  return drive(to, Composer::Event::stopped, now).has_value();
}

void Typing::on_sent(const std::string& to, Now now) { drive(to, Composer::Event::sent, now); }

void Typing::on_timer(const std::string& to, Now now) {
  if (const auto active = drive(to, Composer::Event::timer, now)) tell_(to, *active, now);
}

std::optional<bool> Typing::drive(const std::string& to, Composer::Event event, Now now) {
  const auto found = composers_.find(to);
  if (found == composers_.end()) return std::nullopt;
  const auto actions = found->second.machine.on(event, now.mono);
  if (actions.timer) {
    // The name is copied: its entry may end with the timer.
    found->second.timer.set(*actions.timer, [this, &name = found->first](Time at) {
      on_timer(std::string(name), {at, context_.clock.now().wall});
    });
  } else {
    composers_.erase(found);
  }
  return actions.tell;
}

void Typing::on_status(const std::string& from, bool active, std::optional<std::uint32_t> refresh_seconds,
                       Now now) {
  if (!peers_.contains(from) && (!active || peers_.size() >= peers_max)) return;
  const auto place = peers_.try_emplace(from, context_.timers).first;
  perform(from, place->second.machine.on_status(active, refresh_seconds, now.mono), now);
}

void Typing::on_message(const std::string& from, Now now) {
  if (const auto found = peers_.find(from); found != peers_.end())
    perform(from, found->second.machine.on_idle(), now);
}

void Typing::perform(const std::string& from, const ComposingPeer::Actions& actions, Now now) {
  const auto found = peers_.find(from);
  if (actions.timer) {
    found->second.timer.set(*actions.timer, [this, &peer = found->first](Time at) {
      on_message(std::string(peer), {at, context_.clock.now().wall});
    });
  } else {
    peers_.erase(found);
  }
  if (!actions.show) return;
  boost::json::object event = control::make_event("typing", now);
  event["from"] = from;
  event["state"] = *actions.show ? "active" : "idle";
  context_.emit(std::move(event));
}

}  // namespace beckon::client::message
