#include "protocol/auth/nonce.hpp"

#include <algorithm>
#include <array>

#include "protocol/base/text.hpp"

namespace beckon::auth {

namespace {

// Digits after the prefix: microseconds, random octets, and the truncated check.
constexpr std::size_t time_digits = 16;
constexpr std::size_t random_octets = 8;
constexpr std::size_t mac_digits = 32;
constexpr std::size_t tail = time_digits + 2 * random_octets + mac_digits;

std::string print_time(Time time) {
  const auto count = static_cast<std::uint64_t>(time.time_since_epoch().count());
  std::array<std::uint8_t, 8> octets{};
  for (std::size_t i = 0; i < octets.size(); ++i)
    octets[i] = static_cast<std::uint8_t>(count >> (56 - 8 * i));
  return to_hex(octets);
}

std::optional<Time> read_time(std::string_view digits) {
  const auto count = parse_number<std::uint64_t>(digits, 16);
  if (!count) return std::nullopt;
  return Time(Duration(static_cast<Duration::rep>(*count)));
}

}  // namespace

NonceFactory::~NonceFactory() { crypto::wipe(key_); }

std::string NonceFactory::make(std::string_view prefix, std::string_view realm, Time now,
                               Random& random) const {
  std::string out(prefix);
  out += print_time(now) + random.token(random_octets);
  return out + mac(out, realm);
}

NonceFactory::Check NonceFactory::check(std::string_view nonce, std::string_view realm, Time now) const {
  if (nonce.size() < tail) return {Verdict::forged};
  const auto signed_part = nonce.substr(0, nonce.size() - mac_digits);
  const auto given = nonce.substr(nonce.size() - mac_digits);
  if (!crypto::equal_constant_time(as_bytes(given), as_bytes(mac(signed_part, realm))))
    return {Verdict::forged};
  const auto minted = read_time(nonce.substr(nonce.size() - tail, time_digits));
  if (!minted) return {Verdict::forged};
  return {now - *minted > lifetime_ ? Verdict::stale : Verdict::fresh, *minted};
}

std::string NonceFactory::mac(std::string_view text, std::string_view realm) const {
  std::string input(text);
  input.append(":").append(realm);
  return to_hex(crypto::hmac(crypto::Hash::sha256, key_, as_bytes(input))).substr(0, mac_digits);
}

NonceWindow::Verdict NonceWindow::use(std::string_view nonce, Time minted, std::uint32_t count, Time now,
                                      std::size_t owner, std::string_view cnonce) {
  expire(now);
  const std::pair key{minted, std::string(nonce)};
  auto found = seen_.find(key);
  if (found == seen_.end()) {
    if (forgotten_ && minted <= *forgotten_) return Verdict::stale;
    if (count == 0) return Verdict::replayed;
    if (seen_.size() >= capacity_) {
      forgotten_ = seen_.begin()->first.first;
      seen_.erase(seen_.begin());
      if (minted <= *forgotten_) return Verdict::stale;
    }
    found = seen_.emplace(key, Counts{.owner = owner}).first;
  }
  Counts& counts = found->second;
  if (counts.owner != owner) return Verdict::stale;
  if (!take(counts, count)) return Verdict::replayed;
  if (!counts.cnonce && !cnonce.empty())
    counts.cnonce = cnonce.size() <= session_cnonce_max ? cnonce : std::string_view{};
  return Verdict::fresh;
}

std::string_view NonceWindow::session_cnonce(std::string_view nonce, Time minted) const {
  const auto found = seen_.find({minted, std::string(nonce)});
  if (found == seen_.end() || !found->second.cnonce) return {};
  return *found->second.cnonce;
}

bool NonceWindow::is_of(std::size_t owner, std::string_view nonce, Time minted) const {
  const auto found = seen_.find({minted, std::string(nonce)});
  return found != seen_.end() && owner != 0 && found->second.owner == owner && found->second.is_trusted;
}

void NonceWindow::distrust(std::string_view nonce, Time minted) {
  const auto found = seen_.find({minted, std::string(nonce)});
  if (found != seen_.end()) found->second.is_trusted = false;
}

bool NonceWindow::take(Counts& counts, std::uint32_t count) {
  if (count == 0) return false;
  if (count > counts.highest) {
    const auto step = count - counts.highest;
    if (step > leap_max && counts.highest != 0) return false;
    counts.below = step >= 64 ? 1 : counts.below << step | 1;
    counts.highest = count;
    return true;
  }
  const auto back = counts.highest - count;
  if (back >= 64 || (counts.below >> back & 1) != 0) return false;
  counts.below |= std::uint64_t{1} << back;
  return true;
}

void NonceWindow::expire(Time now) {
  while (!seen_.empty() && now - seen_.begin()->first.first > lifetime_) seen_.erase(seen_.begin());
}

}  // namespace beckon::auth
