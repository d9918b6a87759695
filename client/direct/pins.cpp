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

/// Device keys kept per AOR: bounds the memory that a server can fill.
constexpr std::size_t devices_max = 64;

ErrorCode bad_pins() { return boost::system::errc::make_error_code(boost::system::errc::invalid_argument); }

}  // namespace

Pins::Seen Pins::see(const std::string& aor, const crypto::Key32& device_key, const crypto::Key32& ident,
                     const crypto::Key32& fingerprint, ByteView signature) {
  if (!ds1::verify_identity(ident, aor, device_key, fingerprint, signature)) return Seen::bad;
  Entry& entry = entries_[aor];
  if (entry.devices.size() >= devices_max && !entry.devices.contains(device_key)) entry.devices.clear();
  const auto [device, is_new] = entry.devices.insert_or_assign(device_key, ident);
  if (entry.pinned.contains(ident)) return Seen::verified;
  if (!entry.pinned.empty()) {
    entry.waiting = ident;
    return is_new ? Seen::fresh : Seen::waiting;
  }
  entry.pinned.insert(ident);
  return Seen::pinned;
}

bool Pins::is_verified(const std::string& aor, const crypto::Key32& device_key) const {
  const auto entry = entries_.find(aor);
  if (entry == entries_.end()) return false;
  const auto device = entry->second.devices.find(device_key);
  return device != entry->second.devices.end() && entry->second.pinned.contains(device->second);
}

bool Pins::is_pinned(const std::string& aor, const crypto::Key32& ident) const {
  const auto entry = entries_.find(aor);
  return entry != entries_.end() && entry->second.pinned.contains(ident);
}

bool Pins::accept(const std::string& aor) {
  const auto entry = entries_.find(aor);
  if (entry == entries_.end() || !entry->second.waiting) return false;
  entry->second.pinned.insert(*std::exchange(entry->second.waiting, std::nullopt));
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
