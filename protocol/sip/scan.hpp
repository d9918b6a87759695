#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// Octets found many at a time: with SSE2, which every x86-64 has, else one by one.
namespace beckon::sip::scan {

#if defined(__SSE2__)

/// Bit i is set where one of `stops` stands at `at[i]`, for the 16 octets from `at` on.
template <class... Stops>
std::uint32_t mask16(const char* at, Stops... stops) {
  const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  __m128i hits = _mm_setzero_si128();
  ((hits = _mm_or_si128(hits, _mm_cmpeq_epi8(octets, _mm_set1_epi8(stops)))), ...);
  return static_cast<std::uint32_t>(_mm_movemask_epi8(hits));
}

#else

template <class... Stops>
std::uint32_t mask16(const char* at, Stops... stops) {
  std::uint32_t mask = 0;
  for (unsigned i = 0; i < 16; ++i) mask |= static_cast<std::uint32_t>(((at[i] == stops) || ...)) << i;
  return mask;
}

#endif

/// The same for 64 octets.
template <class... Stops>
std::uint64_t mask64(const char* at, Stops... stops) {
  return std::uint64_t{mask16(at, stops...)} | std::uint64_t{mask16(at + 16, stops...)} << 16 |
         std::uint64_t{mask16(at + 32, stops...)} << 32 | std::uint64_t{mask16(at + 48, stops...)} << 48;
}

/// Index of the first of `stops` from `from` on; the size of the text where there is none.
template <class... Stops>
std::size_t find_any(std::string_view text, std::size_t from, Stops... stops) {
  const std::size_t size = text.size();
  std::size_t at = from;
  for (; at + 16 <= size; at += 16) {
    if (const auto mask = mask16(text.data() + at, stops...))
      return at + static_cast<unsigned>(std::countr_zero(mask));
  }
  if (at >= size) return size;
  if (size >= 16) {  // the last 16 octets, of which some were seen
    const auto mask = mask16(text.data() + size - 16, stops...) >> (16 - (size - at));
    return mask ? at + static_cast<unsigned>(std::countr_zero(mask)) : size;
  }
  while (at < size && !((text[at] == stops) || ...)) ++at;
  return at;
}

/// Walks over the line feeds of a text after which 64 octets may be read and hold neither CR nor LF.
class LineFeeds {
 public:
  LineFeeds(const char* begin, const char* end) : block_(begin), end_(end) {
    if (begin < end) load();
  }

  /// The next LF; null where there is none left.
  const char* next() {
    while (feeds_ == 0) {
      if (end_ - block_ <= 64) return nullptr;
      block_ += 64;
      load();
    }
    const char* feed = block_ + std::countr_zero(feeds_);
    feeds_ &= feeds_ - 1;
    return feed;
  }

  /// False while no CR without a LF after it was in sight: then none is in front of the last LF given out.
  bool saw_lone_return() const { return lone_ != 0; }

 private:
  void load() {
    feeds_ = mask64(block_, '\n');
    const auto followed = feeds_ >> 1 | std::uint64_t{block_[64] == '\n'} << 63;
    lone_ |= mask64(block_, '\r') & ~followed;
  }

  const char* block_;
  const char* end_;
  std::uint64_t feeds_ = 0;
  std::uint64_t lone_ = 0;
};

}  // namespace beckon::sip::scan
