#include "server/presence/names.hpp"

#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"
#include "protocol/documents/schema_types.hpp"

namespace beckon::server::presence {

std::string short_hash(std::string_view text) {
  return to_hex(crypto::hash(crypto::Hash::sha256, as_bytes(text))).substr(0, 8);
}

bool Names::take(const std::string& name) {
  ++work_;
  return taken_.insert(name).second;
}

std::string Names::claim(std::string wanted, std::string_view owner) {
  if (documents::is_xs_id(wanted) && take(wanted)) return wanted;
  ++work_;
  wanted.append(" ") += owner;
  std::string name = "t" + short_hash(wanted);
  if (take(name)) return name;
  // Somebody took the made name on purpose, or several ids are empty.
  for (;;) {
    std::string next = name + '.' + std::to_string(++serial_);
    if (take(next)) return next;
  }
}

}  // namespace beckon::server::presence
