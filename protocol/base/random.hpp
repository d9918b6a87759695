#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "protocol/base/bytes.hpp"

namespace beckon {

/// The source of random octets. Rooms get one passed in; only programs make the real one
/// (`crypto::SystemRandom`), so that the simulation repeats from a seed.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;

  std::uint64_t next();
  /// Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1).
  double unit();
  Bytes bytes(std::size_t size);
  /// `octets` random octets as lower-case hex: tags, branches, Call-IDs, entity-tags.
  std::string token(std::size_t octets);
};

/// A reproducible sequence for tests and the simulation. Never for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::uint64_t state_;
};

}  // namespace beckon
