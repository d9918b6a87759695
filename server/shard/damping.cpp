#include "server/shard/damping.hpp"

#include <algorithm>

namespace beckon::server {

namespace {

/// IPv6 users have a /64 each, so the lower half of an address is no bound to anybody.
std::string source_key(const IpAddress& source) {
  const auto octets = as_text(source.bytes());
  return std::string(octets.substr(0, 8));
}

std::string pair_key(const Damping::Guess& guess) {
  return source_key(guess.source) + std::string(guess.account);
}

}  // namespace

bool Failures::must_wait(const std::string& key, Time now) const {
  const auto found = entries_.find(key);
  return found != entries_.end() && now < found->second->wait_until;
}

std::optional<Duration> Failures::count(const std::string& key, Time now) {
  Entry& entry = *touch(key, now);
  entry.failures += entry.failures < UINT32_MAX ? 1 : 0;
  if (entry.failures < limits_.free) return std::nullopt;
  const Duration pause = pause_after(entry.failures);
  entry.wait_until = now + pause;
  return entry.failures == limits_.free ? std::optional(pause) : std::nullopt;
}

Duration Failures::pause_after(std::uint32_t failures) const {
  const auto doublings = std::min(failures - limits_.free, 31U);
  const auto times = std::int64_t{1} << doublings;
  return limits_.pause > limits_.pause_max / times ? limits_.pause_max : limits_.pause * times;
}

Failures::Order::iterator Failures::touch(const std::string& key, Time now) {
  while (!order_.empty() && now - order_.front().last > limits_.memory) forget_front();
  const auto found = entries_.find(key);
  if (found != entries_.end()) {
    order_.splice(order_.end(), order_, found->second);
    found->second->last = now;
    return found->second;
  }
  while (!order_.empty() && entries_.size() >= limits_.entries) forget_front();
  order_.push_back({.key = key, .last = now});
  return entries_.emplace(key, std::prev(order_.end())).first->second;
}

void Failures::forget_front() {
  entries_.erase(order_.front().key);
  order_.pop_front();
}

bool Damping::may_try(const Guess& guess, Time now) const {
  const auto pair = pair_key(guess);
  if (pairs_.must_wait(pair, now)) return false;
  if (was_right(pair, now)) return true;
  return !accounts_.must_wait(std::string(guess.account), now) &&
         (guess.trusted || !sources_.must_wait(source_key(guess.source), now));
}

std::optional<Damping::Burst> Damping::wrong(const Guess& guess, Time now) {
  const auto pair = pairs_.count(pair_key(guess), now);
  const auto account = accounts_.count(std::string(guess.account), now);
  const auto source = guess.trusted ? std::nullopt : sources_.count(source_key(guess.source), now);
  if (account) return Burst{Burst::Of::account, *account};
  if (source) return Burst{Burst::Of::source, *source};
  if (pair) return Burst{Burst::Of::pair, *pair};
  return std::nullopt;
}

void Damping::right(const Guess& guess, Time now) {
  auto pair = pair_key(guess);
  if (const auto known = good_.find(pair); known != good_.end()) {
    good_order_.erase(known->second);
    good_.erase(known);
  }
  while (!good_.empty() && good_.size() >= limits_.entries) {
    good_.erase(good_order_.begin()->second);
    good_order_.erase(good_order_.begin());
  }
  const auto place = good_order_.emplace(now, pair);
  good_.emplace(std::move(pair), place);
}

bool Damping::was_right(const std::string& pair, Time now) const {
  const auto found = good_.find(pair);
  return found != good_.end() && now - found->second->first <= good_for;
}

}  // namespace beckon::server
