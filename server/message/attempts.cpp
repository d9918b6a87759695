#include "server/message/attempts.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "server/message/imdn.hpp"

namespace beckon::server::message {

using proxy::Forwarder;
using registrar::Binding;
using registrar::BindingEvent;

namespace {

/// Pauses before a device that could not take a message is tried again, each twice the one before. The first
/// is longer than 64*T1, so that the outcome of a copy that was relayed is known (482, RFC 3261 8.2.2.2).
constexpr Duration pause_min = 35s, pause_max = 1h;

/// 415 counts as a refusal by this device, 486 and the like say that it is there and may take it later.
bool is_later(const Forwarder::End& end) {
  return proxy::is_absence(end) || end.status == 486 || end.status == 487 || end.status == 491;
}

constexpr int loop_detected = 482;

/// What stands for the devices of a user of another domain, which its server knows.
constexpr std::string_view domain_device = "domain";

/// `may_be_refused`: the device has refused it before, or answers a copy of it yet, so that a 482 may mean
/// that answer.
Verdict judge(const Forwarder::End& end, bool may_be_refused) {
  // The device has this request already, and the server, which was killed, does not know its answer.
  if (end.status == loop_detected) return may_be_refused ? Verdict::later : Verdict::accepted;
  if (end.status < 300) return Verdict::accepted;
  if (end.status >= 600) return Verdict::rejected;
  return is_later(end) ? Verdict::later : Verdict::refused;
}

}  // namespace

/// The devices of one user that could not take a message.
struct Attempts::Tries final : Part {
  struct Tried {
    std::string device;
    std::uint64_t number = 0;
    bool is_answered = false;  ///< With a response.
    unsigned times = 0;
    Time next{};
  };

  explicit Tries(TimerQueue& timers) : retry(timers) {}
  static constexpr std::size_t most = 64;

  Tried* find(std::string_view device) {
    const auto found = std::ranges::find(all, device, &Tried::device);
    return found == all.end() ? nullptr : &*found;
  }

  std::vector<Tried> all;
  Timer retry;
};

bool Attempts::PlainDevices::has(const Entry& user, std::string_view device) const {
  return !all_.empty() && all_.contains(user.aor() + ' ' + std::string(device));
}

void Attempts::PlainDevices::add(const Entry& user, std::string_view device) {
  const auto [added, is_new] = all_.insert(user.aor() + ' ' + std::string(device));
  if (!is_new) return;
  by_age_.push_back(*added);
  if (by_age_.size() <= most) return;
  all_.erase(by_age_.front());
  by_age_.pop_front();
}

Attempts::Attempts(Parts parts, const crypto::Key32& key)
    : environment_(parts.environment),
      registrar_(parts.registrar),
      boxes_(parts.boxes),
      slot_(parts.environment.directory().take_slot<Tries>()),
      deliveries_({parts.environment, parts.sender, parts.locator, parts.registrar}, key, *this) {
  registrar_.observe(*this);
}

bool Attempts::waits_from(const Entry& user, std::string_view sender, Now now) const {
  if (boxes_.is_coming_from(user, sender)) return true;
  const Inbox* inbox = boxes_.inbox(user);
  if (!inbox || inbox->empty()) return false;
  if (inbox->waits_from(sender)) return true;
  const auto is_of_sender = [&](const Stored& message) { return message.sender == sender; };
  return std::ranges::any_of(devices(user, now), [&](const std::string& device) {
    return inbox->next_for(device, is_of_sender) != nullptr;
  });
}

std::vector<std::string> Attempts::devices(const Entry& user, Now now, Time since) const {
  if (!environment_.settings().serves(domain_of_aor(user.aor()))) return {std::string(domain_device)};
  std::vector<std::string> all;
  for (const Binding& binding : registrar_.targets(user.aor(), now))
    if (binding.refreshed() > since) all.push_back(device_of(binding));
  return all;
}

void Attempts::start(Entry& user, Now now, Time since) {
  const Inbox* inbox = boxes_.inbox(user);
  if (!inbox || inbox->empty()) return;
  for (const std::string& device : devices(user, now, since)) deliveries_.start(user, device);
}

/// Devices that are reached without a connection are there already.
void Attempts::restored(Now now) {
  environment_.directory().each([&](Entry& user) { start(user, now); });
}

Attempts::Progress Attempts::progress(const Entry& user, const std::string& device) const {
  Progress progress{.is_under_way = deliveries_.is_at(user, device)};
  Tries* tries = user.find(slot_);
  if (const Tries::Tried* tried = tries ? tries->find(device) : nullptr) {
    progress.times = tried->times;
    progress.next = tried->next;
  }
  return progress;
}

void Attempts::pause(Entry& user, const std::string& device, std::uint64_t number, Now now) {
  const Inbox* inbox = boxes_.inbox(user);
  if (inbox && inbox->find(number)) put_off(user, device, number, /*is_answered=*/true, now);
}

/// A device that registers gets what waits; not before its 200 has left.
void Attempts::on_bindings_changed(Entry& user, BindingEvent event, const Binding& changed,
                                   const std::vector<Binding>&, Now now) {
  if (!boxes_.inbox(user)) return;
  const std::string device = device_of(changed);
  // A device that comes anew is tried at once, whatever it was before.
  const bool is_new = event != BindingEvent::refreshed && event != BindingEvent::shortened;
  Tries* tries = user.find(slot_);
  if (Tries::Tried* tried = tries && is_new ? tries->find(device) : nullptr) {
    tried->times = 0;
    tried->next = now.mono;
  }
  if (!registrar::is_end(event)) deliveries_.start(user, device);
}

std::optional<Deliveries::Load> Attempts::next_for(Entry& user, const std::string& device, Now now) {
  const Inbox* inbox = boxes_.inbox(user);
  if (!inbox || boxes_.is_settling(user, device)) return std::nullopt;
  Tries* tries = user.find(slot_);
  const Tries::Tried* tried = tries ? tries->find(device) : nullptr;
  if (tried && tried->next > now.mono) return std::nullopt;
  // What is not for now holds up nothing of other senders.
  std::string_view held_back;
  const Stored* message = inbox->next_for(device, [&](const Stored& each) {
    if (each.kind == Kind::notification) return true;
    if (each.sender == held_back) return false;
    const bool may_go = !is_left_alone(user, each.sender);
    if (!may_go) held_back = each.sender;
    return may_go;
  });
  if (!message) return std::nullopt;
  auto request = request_of(*message);
  if (!request) return std::nullopt;
  if (plain_.has(user, device)) {
    if (auto text = unwrapped(*request)) *request = std::move(*text);
  }
  if (message->is_refused_by(device)) *request = renewed(*request, message->refusals);
  return Deliveries::Load{.number = message->number,
                          .request = std::move(*request),
                          .asserted = message->is_proven ? '<' + message->sender + '>' : std::string()};
}

void Attempts::on_answered(Entry& user, const std::string& device, std::uint64_t number,
                           const Forwarder::End& end, Now now) {
  const Inbox* inbox = boxes_.inbox(user);
  const Stored* message = inbox ? inbox->find(number) : nullptr;
  // It was deleted, has ended, or gave way.
  if (!message) return deliveries_.start(user, device);
  Tries* tries = user.find(slot_);
  const Tries::Tried* tried = tries ? tries->find(device) : nullptr;
  const bool is_refused =
      (tried && tried->number == number && tried->is_answered) || message->is_refused_by(device);
  const bool is_under_way = !is_refused && boxes_.has_copy(user, number);
  const Verdict verdict = judge(end, is_refused || is_under_way);
  log::debug("message", "{} {} of {}: {}", device, key_of(number), user.aor(), end.status);
  if (verdict == Verdict::later) {
    const bool refuses = end.is_answered && (is_refused || end.status != loop_detected);
    put_off(user, device, number, refuses, now);
    return refuses ? boxes_.settle(user, device, number, verdict) : void();
  }
  if (end.status == 415 && becomes_plain(user, device, number))
    return boxes_.settle(user, device, number, Verdict::later);
  const bool is_outside = device == domain_device;
  const bool is_unwanted = end.status >= 600 || end.status == 404 || end.status == 410;
  if (is_outside && is_unwanted && on_unwanted_) on_unwanted_(user, message->sender);
  if (tries) std::erase_if(tries->all, [&](const Tries::Tried& each) { return each.device == device; });
  // There is no other device.
  boxes_.settle(user, device, number,
                is_outside && verdict == Verdict::refused ? Verdict::rejected : verdict);
}

/// A device that does not read message/cpim gets texts without it from now on; the others it has refused.
bool Attempts::becomes_plain(Entry& user, const std::string& device, std::uint64_t number) {
  if (plain_.has(user, device)) return false;
  const auto request = request_of(*boxes_.inbox(user)->find(number));
  if (!request || !unwrapped(*request)) return false;
  plain_.add(user, device);
  return true;
}

void Attempts::put_off(Entry& user, const std::string& device, std::uint64_t number, bool is_answered,
                       Now now) {
  Tries& tries = user.get(slot_, environment_.timers());
  // Of devices that did not come back.
  std::erase_if(tries.all, [&](const Tries::Tried& each) { return each.next + pause_max < now.mono; });
  Tries::Tried* tried = tries.find(device);
  if (!tried) {
    if (tries.all.size() == Tries::most) tries.all.erase(tries.all.begin());
    tried = &tries.all.emplace_back(Tries::Tried{.device = device});
  }
  const unsigned doublings = std::min(tried->times++, 8U);
  tried->number = number;
  tried->is_answered = is_answered;
  tried->next = now.mono + std::min<Duration>(pause_max, pause_min * (1U << doublings));
  retry(user, now);
}

/// Starts the devices whose pause is over, and waits for the next.
void Attempts::retry(Entry& user, Now now) {
  Tries* tries = user.find(slot_);
  if (!tries) return;
  std::optional<Time> next;
  for (const Tries::Tried& tried : tries->all) {
    if (tried.next <= now.mono)
      deliveries_.start(user, tried.device);
    else if (!next || tried.next < *next)
      next = tried.next;
  }
  if (!next) return tries->retry.cancel();
  tries->retry.set(*next, [this, &user](Time) { retry(user, environment_.clock().now()); });
}

}  // namespace beckon::server::message
