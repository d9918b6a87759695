#include "tools/audio/similarity.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "media/codec/resampler.hpp"

namespace beckon::audio_tool {
namespace {

constexpr unsigned fine_rate = 8000;  // what is compared
constexpr unsigned coarse_step = 4;   // the lag is searched at 2 kHz first: 16 times less work
constexpr std::size_t window = fine_rate;
constexpr double silence = 30;       // RMS of 16 bit samples: -61 dB
constexpr double filter_reach = 40;  // samples to either side that conversion to 8 kHz spreads a frame: 5 ms
constexpr std::size_t candidates = 4;  // coarse lags looked at closely

using Signal = std::vector<float>;

Result<Signal> convert(const device::Sound& sound) {
  auto resampler = codec::Resampler::make(sound.rate, fine_rate);
  if (!resampler) return resampler.error();
  std::vector<codec::Sample> out;
  resampler->process(sound.samples, out);
  return Signal(out.begin(), out.end());
}

/// The mean of every `coarse_step` samples.
Signal thin(const Signal& in) {
  Signal out(in.size() / coarse_step);
  for (std::size_t i = 0; i < out.size(); ++i) {
    for (std::size_t k = 0; k < coarse_step; ++k) out[i] += in[i * coarse_step + k] / coarse_step;
  }
  return out;
}

/// 1 where the recording counts, 0 where it is to be skipped.
Signal make_weights(std::size_t size, const Skip& skip) {
  Signal weights(size, 1.0F);
  const double scale =
      static_cast<double>(fine_rate) / skip.sample_rate * static_cast<double>(skip.frame_samples);
  const auto limit = static_cast<double>(size);
  for (const std::uint64_t frame : skip.frames) {
    const double begin = std::clamp(static_cast<double>(frame) * scale - filter_reach, 0.0, limit);
    const double end = std::clamp(static_cast<double>(frame + 1) * scale + filter_reach, 0.0, limit);
    std::fill(weights.begin() + static_cast<std::ptrdiff_t>(begin),
              weights.begin() + static_cast<std::ptrdiff_t>(end), 0.0F);
  }
  return weights;
}

struct Recording {
  Signal heard;  ///< Zero where skipped.
  Signal weights;
};

/// Sums over one window of the recording and what lies `lag` later in what was sent.
struct Sums {
  double product = 0, sent = 0, heard = 0;

  double correlation() const {
    const double scale = std::sqrt(sent * heard);
    return scale > 0 ? std::clamp(product / scale, -1.0, 1.0) : 0;
  }
};

Sums sum(const Signal& sent, const Recording& recording, std::size_t begin, std::size_t size,
         std::ptrdiff_t lag) {
  const auto first = static_cast<std::ptrdiff_t>(begin);
  const auto low = std::clamp<std::ptrdiff_t>(-lag - first, 0, static_cast<std::ptrdiff_t>(size));
  const auto high = std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(sent.size()) - lag - first, low,
                                               static_cast<std::ptrdiff_t>(size));
  const float* const y = recording.heard.data() + first;
  const float* const w = recording.weights.data() + first;
  const float* const x = low < high ? sent.data() + (first + lag + low) : nullptr;
  float product = 0, energy = 0;
  for (std::ptrdiff_t i = low; i < high; ++i) {
    product += x[i - low] * y[i];
    energy += x[i - low] * x[i - low] * w[i];
  }
  Sums sums{.product = product, .sent = energy, .heard = 0};
  for (std::size_t i = 0; i < size; ++i) sums.heard += double{y[i]} * y[i];
  return sums;
}

struct Match {
  double value = -1;
  std::ptrdiff_t lag = 0;
};

/// Lags in [-reach, reach] around `centre`, best first.
std::vector<Match> search(const Signal& sent, const Recording& recording, std::size_t begin, std::size_t size,
                          std::ptrdiff_t centre, std::ptrdiff_t reach) {
  std::vector<Match> matches;
  for (std::ptrdiff_t lag = centre - reach; lag <= centre + reach; ++lag) {
    matches.push_back({sum(sent, recording, begin, size, lag).correlation(), lag});
  }
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return a.value > b.value; });
  return matches;
}

class Comparison {
 public:
  Comparison(Signal sent, Recording recording, double max_lag)
      : sent_(std::move(sent)),
        fine_(std::move(recording)),
        coarse_sent_(thin(sent_)),
        coarse_{thin(fine_.heard), thin(fine_.weights)},
        reach_(static_cast<std::ptrdiff_t>(max_lag * fine_rate / coarse_step)) {}

  void run(Similarity& result) {
    std::vector<std::size_t> silent;
    for (std::size_t begin = 0; begin + window <= fine_.heard.size(); begin += window) {
      const double weight = total(fine_.weights, begin);
      if (weight < window / 2) {
        ++result.masked_windows;
      } else if (sum(sent_, fine_, begin, window, 0).heard < silence * silence * weight) {
        silent.push_back(begin);
      } else {
        const Match match = find(begin);
        add(result, match);
        lag_ = lag_.value_or(match.lag);
      }
    }
    for (const std::size_t begin : silent) judge_silent(begin, result);
  }

 private:
  static double total(const Signal& signal, std::size_t begin) {
    double sum = 0;
    for (std::size_t i = begin; i < begin + window; ++i) sum += signal[i];
    return sum;
  }

  static void add(Similarity& result, const Match& match) {
    result.values.push_back(match.value);
    result.lags.push_back(static_cast<double>(match.lag) / fine_rate);
  }

  Match find(std::size_t begin) const {
    Match best;
    const auto coarse = search(coarse_sent_, coarse_, begin / coarse_step, window / coarse_step, 0, reach_);
    for (std::size_t i = 0; i < std::min(candidates, coarse.size()); ++i) {
      const Match match =
          search(sent_, fine_, begin, window, coarse[i].lag * std::ptrdiff_t{coarse_step}, 2 * coarse_step)
              .front();
      if (match.value > best.value) best = match;
    }
    return best;
  }

  /// Silence is right where silence was sent, as far as the other windows tell where that is.
  void judge_silent(std::size_t begin, Similarity& result) const {
    const std::ptrdiff_t lag = lag_.value_or(0);
    if (sum(sent_, fine_, begin, window, lag).sent < silence * silence * static_cast<double>(window)) {
      ++result.silent_windows;
    } else {
      add(result, {.value = 0, .lag = lag});
    }
  }

  Signal sent_;
  Recording fine_;
  Signal coarse_sent_;
  Recording coarse_;
  std::ptrdiff_t reach_;
  std::optional<std::ptrdiff_t> lag_;
};

std::optional<Skip> parse_skip(const std::string& text) {
  boost::system::error_code error;
  const auto value = boost::json::parse(text, error);
  const auto* const object = error ? nullptr : value.if_object();
  if (object == nullptr) return std::nullopt;
  Skip skip;
  const auto* const rate = object->if_contains("sample_rate");
  const auto* const samples = object->if_contains("frame_samples");
  if (rate == nullptr || samples == nullptr || !rate->is_int64() || !samples->is_int64()) return std::nullopt;
  skip.sample_rate = static_cast<unsigned>(rate->get_int64());
  skip.frame_samples = static_cast<std::size_t>(samples->get_int64());
  if (rate->get_int64() < 1000 || samples->get_int64() < 1) return std::nullopt;
  for (const char* const name : {"lost", "concealed"}) {
    const auto* const list = object->if_contains(name);
    if (list == nullptr || !list->is_array()) return std::nullopt;
    for (const auto& frame : list->get_array()) {
      if (!frame.is_int64() || frame.get_int64() < 0) return std::nullopt;
      skip.frames.push_back(static_cast<std::uint64_t>(frame.get_int64()));
    }
  }
  std::sort(skip.frames.begin(), skip.frames.end());
  skip.frames.erase(std::unique(skip.frames.begin(), skip.frames.end()), skip.frames.end());
  return skip;
}

}  // namespace

const char* to_string(Errc error) {
  switch (error) {
    case Errc::bad_skip_file:
      return "not the JSON file of a recording";
  }
  return "unknown audio tool error";
}

Result<Skip> read_skip(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return device::Errc::cannot_open;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto skip = parse_skip(text);
  if (!skip) return Errc::bad_skip_file;
  return *std::move(skip);
}

double Similarity::median() const {
  if (values.empty()) return 0;
  auto sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

double Similarity::min() const {
  return values.empty() ? 0 : *std::min_element(values.begin(), values.end());
}

Result<Similarity> compare(const device::Sound& sent, const device::Sound& heard, const Skip& skip,
                           double max_lag) {
  auto sent_signal = convert(sent);
  if (!sent_signal) return sent_signal.error();
  auto heard_signal = convert(heard);
  if (!heard_signal) return heard_signal.error();
  Recording recording{std::move(*heard_signal), {}};
  recording.weights = make_weights(recording.heard.size(), skip);
  for (std::size_t i = 0; i < recording.heard.size(); ++i) recording.heard[i] *= recording.weights[i];
  Similarity result;
  const double frame_seconds = static_cast<double>(skip.frame_samples) / skip.sample_rate;
  const double heard_seconds = static_cast<double>(heard.samples.size()) / heard.rate;
  result.masked_frames = static_cast<std::size_t>(std::count_if(
      skip.frames.begin(), skip.frames.end(),
      [&](std::uint64_t frame) { return static_cast<double>(frame) * frame_seconds < heard_seconds; }));
  Comparison(*std::move(sent_signal), std::move(recording), max_lag).run(result);
  return result;
}

}  // namespace beckon::audio_tool
