#include "client/direct/pins.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/ds1/ticket.hpp"

namespace beckon::client::direct {
namespace {

/// Claims kept per AOR: bounds the memory that a server can fill.
constexpr std::size_t claims_max = 64;

ErrorCode bad_pins() { return boost::system::errc::make_error_code(boost::system::errc::invalid_argument); }

}  // namespace

Pins::Seen Pins::see(const std::string& aor, const crypto::Key32& device_key, const crypto::Key32& ident,
                     const crypto::Key32& fingerprint, ByteView signature) {
  if (!ds1::verify_identity(ident, aor, device_key, fingerprint, signature)) return Seen::bad;
  Entry& entry = entries_[aor];
  const Entry::Claim claim{device_key, ident};
  const bool is_new = !entry.claims.contains(claim);
  if (is_new) {
    if (entry.claims.size() >= claims_max) entry.make_room();
    entry.claims.insert(claim);
  }
  if (entry.pinned.contains(ident)) return Seen::verified;
  if (!entry.pinned.empty()) {
    entry.waiting = ident;
    return is_new ? Seen::fresh : Seen::waiting;
  }
  entry.pinned.insert(ident);
  return Seen::pinned;
}

/// Claims of pinned identities outlive the others, so a flood of new identities unverifies no device.
void Pins::Entry::make_room() {
  std::erase_if(claims, [this](const Claim& claim) { return !pinned.contains(claim.second); });
  if (claims.size() >= claims_max) claims.clear();
}

bool Pins::is_verified(const std::string& aor, const crypto::Key32& device_key) const {
  const auto entry = entries_.find(aor);
  if (entry == entries_.end()) return false;
  const auto& pinned = entry->second.pinned;
  return std::any_of(pinned.begin(), pinned.end(), [&](const crypto::Key32& ident) {
    return entry->second.claims.contains({device_key, ident});
  });
}

bool Pins::is_pinned(const std::string& aor, const crypto::Key32& ident) const {
  const auto entry = entries_.find(aor);
  return entry != entries_.end() && entry->second.pinned.contains(ident);
}

bool Pins::accept(const std::string& aor, const std::optional<crypto::Key32>& ident) {
  const auto found = entries_.find(aor);
  if (found == entries_.end()) return false;
  Entry& entry = found->second;
  const auto chosen = ident ? ident : entry.waiting;
  const auto is_shown = [&](const Entry::Claim& claim) { return claim.second == *chosen; };
  if (!chosen || std::none_of(entry.claims.begin(), entry.claims.end(), is_shown)) return false;
  if (!entry.pinned.insert(*chosen).second) return false;
  if (entry.waiting == chosen) entry.waiting.reset();
  return true;
}

const crypto::Key32* Pins::ident_of(const std::string& aor) const {
  const auto entry = entries_.find(aor);
  if (entry == entries_.end() || entry->second.pinned.empty()) return nullptr;
  return &*entry->second.pinned.begin();
}

std::string Pins::print() const {
  boost::json::object out;
  for (const auto& [aor, entry] : entries_) {
    boost::json::array idents;
    for (const auto& ident : entry.pinned) idents.emplace_back(to_base64(ident));
    out[aor] = std::move(idents);
  }
  return boost::json::serialize(out);
}

Result<Pins> Pins::parse(std::string_view text) {
  ErrorCode error;
  const auto value = boost::json::parse(text, error);
  if (error || !value.is_object()) return bad_pins();
  Pins pins;
  for (const auto& [aor, idents] : value.as_object()) {
    if (!idents.is_array()) return bad_pins();
    for (const auto& each : idents.as_array()) {
      const auto bytes = each.is_string() ? from_base64(each.as_string()) : std::nullopt;
      if (!bytes || bytes->size() != crypto::Key32{}.size()) return bad_pins();
      crypto::Key32 ident{};
      std::copy(bytes->begin(), bytes->end(), ident.begin());
      pins.entries_[aor].pinned.insert(ident);
    }
  }
  return pins;
}

}  // namespace beckon::client::direct
