#include "server/proxy/ringing.hpp"

#include <string>

namespace beckon::server::proxy {

namespace {

constexpr std::size_t network_octets = 8;  ///< Of an IPv6 address: one subscriber has all of a /64.

std::string_view source_of(const IpAddress& ip) {
  const auto octets = as_text(ip.bytes());
  return ip.family == IpAddress::Family::v6 ? octets.substr(0, network_octets) : octets;
}

}  // namespace

std::uint64_t Ringing::key_of(Side side, std::string_view name) const {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15U;
  return hash_(name) + (static_cast<std::uint64_t>(side) + 1) * odd;
}

bool Ringing::add(std::uint64_t key, std::uint32_t most, Places& places) {
  const auto known = counts_.try_emplace(key, 0U).first;
  if (known->second >= most) return false;
  ++known->second;
  places.keys_[places.count_++] = key;
  return true;
}

std::optional<Ringing::Side> Ringing::take(const Request& invite, std::string_view callee,
                                           const Settings& settings, Places& places) {
  const RingingLimits& limits = settings.ringing;
  const transaction::Hop& from = invite.from;
  std::optional<Side> full;
  const auto count = [&](Side side, std::string_view name, std::uint32_t most) {
    if (!full && !add(key_of(side, name), most, places)) full = side;
  };
  if (!from.name.empty()) {
    count(Side::domain, from.name, limits.per_domain);
  } else {
    if (!settings.trusts(from.remote.ip)) count(Side::source, source_of(from.remote.ip), limits.per_address);
    count(Side::caller, invite.identity.aor, limits.per_user);
  }
  if (!callee.empty()) count(Side::callee, callee, limits.per_user);
  if (full) give_back(places);
  return full;
}

void Ringing::give_back(Places& places) {
  for (; places.count_ > 0; --places.count_) {
    const auto known = counts_.find(places.keys_[places.count_ - 1U]);
    if (--known->second == 0) counts_.erase(known);
  }
}

sip::Builder too_many_ring(const Request& invite, Ringing::Side side) {
  constexpr std::uint32_t pause = 10;  // seconds: by then some have been answered or given up
  int status = 503;
  std::string_view reason;
  if (side == Ringing::Side::callee) status = 486;
  if (side == Ringing::Side::caller) status = 480, reason = "Too Many Calls";
  auto reply = invite.reply(status, reason);
  reply.add(sip::HeaderId::retry_after, pause)
      .add(sip::HeaderId::warning, "399 beckond \"Too many calls ring\"");
  return reply;
}

}  // namespace beckon::server::proxy
