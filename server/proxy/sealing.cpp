#include "server/proxy/sealing.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "protocol/base/keyed_hash.hpp"
#include "protocol/crypto/crypto.hpp"
#include "server/shard/user_part.hpp"

namespace beckon::server::proxy {

namespace {

constexpr std::size_t proof_octets = 10;
using Proof = std::array<std::uint8_t, proof_octets>;

/// The half of the node's key that nothing else uses.
KeyedHash hash_of(ByteView key) {
  std::array<std::uint64_t, 2> words{};
  std::memcpy(words.data(), key.subspan(16).data(), sizeof words);
  return {words[0], words[1]};
}

std::array<std::uint8_t, 16> octets_of(const KeyedHash::Wide& wide) {
  std::array<std::uint8_t, 16> octets;
  std::memcpy(octets.data(), &wide.low, 8);
  std::memcpy(octets.data() + 8, &wide.high, 8);
  return octets;
}

/// What is hashed for it begins with another letter than what is hashed for the stream.
Proof proof_of(std::string_view plain, const KeyedHash& hash, std::string_view context) {
  std::string text;
  text.reserve(3 + plain.size() + context.size());
  text += 'p';
  text += static_cast<char>(plain.size() >> 8 & 255);
  text += static_cast<char>(plain.size() & 255);
  text.append(plain).append(context);
  Proof proof;
  std::copy_n(octets_of(hash.reference_wide(text)).begin(), proof_octets, proof.begin());
  return proof;
}

/// Hides and shows.
void mask(std::span<std::uint8_t> octets, const Proof& proof, const KeyedHash& hash) {
  std::array<std::uint8_t, 1 + proof_octets + 2> block{'s'};
  std::copy(proof.begin(), proof.end(), block.begin() + 1);
  unsigned number = 0;
  for (std::size_t at = 0; at < octets.size(); ++number) {
    block[1 + proof_octets] = static_cast<std::uint8_t>(number >> 8 & 255);
    block[2 + proof_octets] = static_cast<std::uint8_t>(number & 255);
    for (const std::uint8_t stream : octets_of(hash.reference_wide(as_text(block)))) {
      if (at == octets.size()) break;
      octets[at++] ^= stream;
    }
  }
}

}  // namespace

std::string seal_text(std::string_view plain, ByteView key, std::string_view context) {
  const KeyedHash hash = hash_of(key);
  const Proof proof = proof_of(plain, hash, context);
  Bytes octets(proof.begin(), proof.end());
  append(octets, plain);
  mask(std::span(octets).subspan(proof_octets), proof, hash);
  return to_user_part(octets);
}

std::optional<std::string> open_text(std::string_view sealed, ByteView key, std::string_view context) {
  auto octets = from_user_part(sealed);
  if (!octets || octets->size() < proof_octets) return std::nullopt;
  const KeyedHash hash = hash_of(key);
  Proof proof;
  std::copy_n(octets->begin(), proof_octets, proof.begin());
  const auto hidden = std::span(*octets).subspan(proof_octets);
  mask(hidden, proof, hash);
  const std::string_view plain = as_text(hidden);
  if (!crypto::equal_constant_time(proof_of(plain, hash, context), proof)) return std::nullopt;
  return std::string(plain);
}

}  // namespace beckon::server::proxy
