#pragma once

#include <cstdint>
#include <string_view>

namespace beckon {

/// SipHash-1-3 (Aumasson, Bernstein 2012): a hash for tables whose keys peers choose. Without the key nobody
/// can find texts that collide, so no peer can make a table slow.
class KeyedHash {
 public:
  KeyedHash(std::uint64_t key0, std::uint64_t key1) : key0_(key0), key1_(key1) {}
  std::uint64_t operator()(std::string_view text) const;
  /// 128 bits, as SipHash-128 makes them: so many that equal hashes stand for equal texts.
  struct Wide {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const Wide&) const = default;
  };
  Wide wide(std::string_view text) const;

  /// SipHash-2-4 and SipHash-128-2-4, for the published test vectors.
  std::uint64_t reference(std::string_view text) const;
  Wide reference_wide(std::string_view text) const;

 private:
  std::uint64_t key0_, key1_;
};

}  // namespace beckon
