#include "media/direct/gate.hpp"

#include <algorithm>

namespace beckon::direct {

bool Rate::has_room(Time now) const {
  // The window is full when the event `limit` places back lies within it.
  return times_.size() < limit_ || times_[times_.size() - limit_] + window_ <= now;
}

bool Rate::take(Time now) {
  if (!has_room(now)) return false;
  times_.push_back(now);
  if (times_.size() > limit_) times_.pop_front();
  return true;
}

Gate::~Gate() {
  for (auto& epoch : epochs_) crypto::wipe(epoch.secret);
  crypto::wipe(device_.secret);
}

void Gate::set_epoch(const ds1::Epoch& epoch, const crypto::Key32& secret, Time now) {
  expire(now);
  while (epochs_.size() > 1) {
    crypto::wipe(epochs_.front().secret);
    epochs_.erase(epochs_.begin());
  }
  for (auto& old : epochs_) old.dies = now + old_epoch_time;
  epochs_.push_back({epoch, secret, {}, {}, {}});
  std::erase_if(per_aor_, [&](const auto& entry) { return entry.second.is_idle(now); });
}

void Gate::expire(Time now) {
  for (auto& epoch : epochs_) {
    if (epoch.dies && *epoch.dies <= now) crypto::wipe(epoch.secret);
  }
  std::erase_if(epochs_, [&](const EpochState& epoch) { return epoch.dies && *epoch.dies <= now; });
}

bool Gate::is_three_quarters_full() const {
  return !epochs_.empty() && epochs_.back().replay.size() >= replay_set_max / 4 * 3;
}

void Gate::set_permit(std::string_view aor, ds1::Mode mode) { permits_[std::string(aor)] = mode; }

void Gate::set_blocked(std::string_view aor, bool blocked) {
  if (blocked) {
    blocked_.emplace(aor);
  } else {
    blocked_.erase(std::string(aor));
  }
}

ds1::Mode Gate::permit_of(std::string_view aor) const {
  const std::string name(aor);
  if (blocked_.contains(name)) return ds1::Mode::off;
  const auto found = permits_.find(name);
  return found == permits_.end() ? ds1::Mode::ask : found->second;
}

Gate::EpochState* Gate::find_epoch(const ds1::Epoch& id, Time now) {
  expire(now);
  const auto found =
      std::find_if(epochs_.begin(), epochs_.end(), [&](const EpochState& epoch) { return epoch.id == id; });
  return found == epochs_.end() ? nullptr : &*found;
}

bool Gate::take_rate(EpochState& epoch, const std::string& aor, Time now) {
  auto& window = per_aor_.try_emplace(aor, hellos_per_aor_window, aor_window).first->second;
  std::size_t& used = epoch.used[aor];
  if (used >= hellos_per_aor_epoch || epoch.replay.size() >= replay_set_max) return false;
  // Asked before one is taken, so that a refused HELLO spends none of the allowance that all callers share.
  if (!window.has_room(now) || !in_all_.take(now)) return false;
  window.take(now);
  ++used;
  return true;
}

Admission Gate::judge(ByteView attribute, CallId session, Time now) {
  Admission out;
  const auto hello = parse_hello(attribute);
  if (!hello) {
    if (hello.error() == Errc::unknown_version) out.verdict = Admission::Verdict::unknown_version;
    return out;
  }
  EpochState* const epoch = find_epoch(hello->epoch, now);
  if (epoch == nullptr) {
    out.verdict = Admission::Verdict::unknown_epoch;
    return out;
  }
  const std::string enc(as_text(hello->enc));
  if (const auto seen = epoch->replay.find(enc); seen != epoch->replay.end()) {
    if (!crypto::equal_constant_time(seen->second.mac, hello->mac)) return out;
    out.verdict = Admission::Verdict::duplicate;
    out.session = seen->second.session;
    return out;
  }
  const auto ticket = ds1::open_ticket(epoch->secret, hello->epoch, hello->ticket);
  if (!ticket || permit_of(ticket->aor) == ds1::Mode::off) return out;
  auto psk = ds1::ticket_psk(epoch->secret, hello->ticket);
  if (has_good_mac(*hello, psk) && take_rate(*epoch, ticket->aor, now)) {
    epoch->replay.emplace(enc, Seen{hello->mac, session});
    auto opened = open_hello(*hello, psk, device_);
    if (opened) {
      out.verdict = Admission::Verdict::admitted;
      out.epoch = hello->epoch;
      out.ticket = *ticket;
      out.hello = std::move(*opened);
    }
  }
  crypto::wipe(psk);
  return out;
}

}  // namespace beckon::direct
