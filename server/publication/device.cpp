#include "server/publication/device.hpp"

namespace beckon::server::publication {

namespace {

constexpr std::uint64_t offset_basis = 0xcbf29ce484222325, prime = 0x100000001b3;  // FNV-1a

std::uint64_t add(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * prime;
  return hash;
}

Device device(std::uint64_t hash) { return hash == 0 ? 1 : hash; }

}  // namespace

std::string print_short(std::uint64_t number) {
  std::string digits(16, '0');
  for (auto digit = digits.rbegin(); number != 0; ++digit, number >>= 4)
    *digit = "0123456789abcdef"[number & 15];
  return digits;
}

Device shorten(std::string_view name) { return device(add(offset_basis, name)); }

Device device_of(const registrar::Binding& binding) {
  if (!binding.instance().empty()) return shorten(binding.instance());
  return device(add(add(offset_basis, "contact:"), binding.contact()));
}

std::uint64_t source_of(const transaction::Hop& from) {
  if (from.flow != 0) return shorten("flow " + std::to_string(from.flow));
  return shorten(std::string(transaction::via_name(from.protocol)) + ' ' + print(from.remote));
}

}  // namespace beckon::server::publication
