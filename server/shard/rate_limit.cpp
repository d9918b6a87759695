#include "server/shard/rate_limit.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

namespace beckon::server {

namespace {

/// Finalizer of a 64-bit hash: every bit of `x` reaches every bit of the result.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

}  // namespace

RateLimit::RateLimit(Random& random, std::size_t sources)
    : places_(std::max(ways, std::bit_ceil(sources))), seed_(random.next()) {}

void RateLimit::set(std::uint32_t per_second, std::uint32_t burst) {
  set_pace(std::chrono::duration_cast<Duration>(1s) / per_second, burst);
}

void RateLimit::set_pace(Duration token, std::uint32_t burst) {
  token_ = std::max(Duration(1), token);
  depth_ = token_ * burst;
}

RateLimit::Verdict RateLimit::take(std::uint64_t key, Time now) {
  Place& place = place_of(key, now);
  if (place.full <= now) place = {.source = place.source, .full = now};
  if (place.full + token_ - now <= depth_) {
    place.full += token_;
    return Verdict::pass;
  }
  return std::exchange(place.told, true) ? Verdict::over : Verdict::first_over;
}

void RateLimit::charge(const IpAddress& source, Time now) {
  Place& place = place_of(key_of(source), now);
  place.full = std::min(std::max(place.full, now) + token_, now + 2 * depth_);
}

bool RateLimit::is_deep_over(const IpAddress& source, Time now) const {
  const auto key = key_of(source);
  const auto begin = places_.begin() + static_cast<std::ptrdiff_t>(first_place(key));
  const auto place = std::find_if(begin, begin + ways, [&](const Place& each) { return each.source == key; });
  return place != begin + ways && place->full + token_ - now > 2 * depth_;
}

std::uint64_t RateLimit::key_of(const IpAddress& source) {
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < 8; ++i) key = key << 8 | source.octets[i];  // IPv4 uses the first four
  return mix(key ^ static_cast<std::uint64_t>(source.family));
}

std::uint64_t RateLimit::key_of(std::string_view source) {
  return mix(std::hash<std::string_view>{}(source));
}

std::size_t RateLimit::first_place(std::uint64_t key) const {
  return mix(key ^ seed_) & (places_.size() - 1) & ~(ways - 1);
}

/// The source's place; else the one of whoever is calmest among those it may take.
RateLimit::Place& RateLimit::place_of(std::uint64_t key, Time now) {
  const auto begin = places_.begin() + static_cast<std::ptrdiff_t>(first_place(key));
  auto calmest = begin;
  for (auto place = begin; place != begin + ways; ++place) {
    if (place->source == key) return *place;
    if (place->full < calmest->full) calmest = place;
  }
  *calmest = {.source = key, .full = now};
  return *calmest;
}

}  // namespace beckon::server
