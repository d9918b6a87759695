#include "media/jitter/stretch.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace beckon::jitter {
namespace {

constexpr std::size_t thinning = 12;         // the period is searched at 4 kHz first
constexpr std::size_t least_compared = 240;  // 5 ms: less says nothing of a low voice
constexpr float alike = 0.8F;
constexpr float silence = 40.0F * 40.0F;  // mean square of 16 bit samples: -58 dB

struct Match {
  std::size_t period = 0;
  float likeness = -1;
  bool silent = false;
};

/// Two stretches of sound, `period` apart: how alike they are, from -1 to 1.
template <class T>
Match compare(const T* first, const T* second, std::size_t size, std::size_t period) {
  float product = 0, first_power = 0, second_power = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const auto a = static_cast<float>(first[i]), b = static_cast<float>(second[i]);
    product += a * b;
    first_power += a * a;
    second_power += b * b;
  }
  const float scale = std::sqrt(first_power * second_power);
  const float quiet = silence * static_cast<float>(size);
  return {period, scale > 0 ? product / scale : 0, first_power < quiet && second_power < quiet};
}

/// Where the two stretches lie that are faded into each other, for each period. The sound is played up to
/// `seam`; what is compared begins there (`forwards`), or ends there.
template <class T>
Match compare_at(std::span<const T> sound, std::size_t seam, bool forwards, std::size_t period,
                 std::size_t least) {
  const std::size_t size = std::max(period, least);
  const std::size_t begin = forwards ? seam : seam - std::min(size, seam);
  const std::size_t fits = std::min(size, sound.size() - begin - period);
  return compare(sound.data() + begin, sound.data() + begin + period, fits, period);
}

struct Search {
  std::size_t seam;
  bool forwards;
  std::size_t longest;
};

Match find_period(std::span<const std::int16_t> sound, const Search& search) {
  std::array<float, 4 * longest_period / thinning> thin;
  const std::size_t thin_size = std::min(sound.size() / thinning, thin.size());
  for (std::size_t i = 0; i < thin_size; ++i) {
    thin[i] = 0;
    for (std::size_t k = 0; k < thinning; ++k) thin[i] += sound[i * thinning + k];
    thin[i] /= thinning;
  }
  Match coarse;
  const std::span<const float> thinned(thin.data(), thin_size);
  for (std::size_t period = shortest_period / thinning; period <= search.longest / thinning; ++period) {
    const Match match =
        compare_at(thinned, search.seam / thinning, search.forwards, period, least_compared / thinning);
    if (match.likeness > coarse.likeness) coarse = match;
  }
  const std::size_t centre = coarse.period * thinning;
  Match best;
  const std::size_t low = std::max(centre - std::min(centre, thinning), shortest_period);
  for (std::size_t period = low; period <= std::min(centre + thinning, search.longest); ++period) {
    const Match match = compare_at(sound, search.seam, search.forwards, period, least_compared);
    if (match.likeness > best.likeness) best = match;
  }
  return best;
}

bool is_good(const Match& match, Care care) {
  return match.period > 0 && (care == Care::hasty || match.silent || match.likeness >= alike);
}

/// From one into the other, sample by sample.
void fade(const std::int16_t* from, const std::int16_t* to, std::int16_t* out, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    const float share = (static_cast<float>(i) + 0.5F) / static_cast<float>(size);
    const float mixed = static_cast<float>(from[i]) * (1 - share) + static_cast<float>(to[i]) * share;
    out[i] = static_cast<std::int16_t>(std::lround(mixed));
  }
}

}  // namespace

std::size_t shorten(Sound sound, Care care) {
  const std::size_t longest = std::min(longest_period, sound.size() / 2);
  if (longest < shortest_period) return 0;
  const Match match = find_period(sound.first(std::min(sound.size(), 2 * longest)),
                                  {.seam = 0, .forwards = true, .longest = longest});
  if (!is_good(match, care)) return 0;
  const std::size_t period = match.period;
  fade(sound.data(), sound.data() + period, sound.data() + period, period);
  std::copy(sound.begin() + static_cast<std::ptrdiff_t>(period), sound.end(), sound.begin());
  return period;
}

std::size_t lengthen(std::span<const std::int16_t> past, Sound room, std::size_t size, Care care) {
  const std::size_t longest = std::min(longest_period, size);
  if (longest < shortest_period || past.size() < longest_period) return 0;
  std::array<std::int16_t, 2 * longest_period> joined;
  const auto recent = past.last(longest_period);
  std::copy(recent.begin(), recent.end(), joined.begin());
  std::copy_n(room.begin(), longest, joined.begin() + longest_period);
  const Match match = find_period(std::span(joined).first(longest_period + longest),
                                  {.seam = longest_period, .forwards = false, .longest = longest});
  if (!is_good(match, care)) return 0;
  const auto period = static_cast<std::ptrdiff_t>(match.period);
  const auto end = room.begin() + static_cast<std::ptrdiff_t>(size);
  std::copy_backward(room.begin(), end, end + period);
  fade(joined.data() + longest_period, joined.data() + longest_period - period, room.data(), match.period);
  return match.period;
}

}  // namespace beckon::jitter
