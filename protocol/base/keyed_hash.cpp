#include "protocol/base/keyed_hash.hpp"

#include <bit>
#include <cstring>

namespace beckon {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as they lie");

struct State {
  std::uint64_t a, b, c, d;

  void round() {
    a += b;
    c += d;
    b = std::rotl(b, 13) ^ a;
    d = std::rotl(d, 16) ^ c;
    a = std::rotl(a, 32);
    c += b;
    a += d;
    b = std::rotl(b, 17) ^ c;
    d = std::rotl(d, 21) ^ a;
    c = std::rotl(c, 32);
  }
};

template <int rounds>
State absorb(State state, std::string_view text) {
  const auto take = [&state](std::uint64_t word) {
    state.d ^= word;
    for (int i = 0; i < rounds; ++i) state.round();
    state.a ^= word;
  };
  const std::uint64_t size = text.size();
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    take(word);
  }
  std::uint64_t last = 0;
  if (!text.empty()) std::memcpy(&last, text.data(), text.size());
  take(size << 56 | last);
  return state;
}

template <int rounds>
std::uint64_t squeeze(State& state) {
  for (int i = 0; i < rounds; ++i) state.round();
  return state.a ^ state.b ^ state.c ^ state.d;
}

State start(std::uint64_t key0, std::uint64_t key1) {
  return {key0 ^ 0x736f6d6570736575U, key1 ^ 0x646f72616e646f6dU, key0 ^ 0x6c7967656e657261U,
          key1 ^ 0x7465646279746573U};
}

template <int rounds, int last_rounds>
std::uint64_t run(State state, std::string_view text) {
  state = absorb<rounds>(state, text);
  state.c ^= 0xff;
  return squeeze<last_rounds>(state);
}

template <int rounds, int last_rounds>
KeyedHash::Wide run_wide(State state, std::string_view text) {
  state.b ^= 0xee;
  state = absorb<rounds>(state, text);
  state.c ^= 0xee;
  const auto low = squeeze<last_rounds>(state);
  state.b ^= 0xdd;
  return {low, squeeze<last_rounds>(state)};
}

}  // namespace

std::uint64_t KeyedHash::operator()(std::string_view text) const {
  return run<1, 3>(start(key0_, key1_), text);
}
KeyedHash::Wide KeyedHash::wide(std::string_view text) const {
  return run_wide<1, 3>(start(key0_, key1_), text);
}

std::uint64_t KeyedHash::reference(std::string_view text) const {
  return run<2, 4>(start(key0_, key1_), text);
}
KeyedHash::Wide KeyedHash::reference_wide(std::string_view text) const {
  return run_wide<2, 4>(start(key0_, key1_), text);
}

}  // namespace beckon
