#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "media/device/wav.hpp"

namespace beckon::audio_tool {

enum class Errc {
  bad_skip_file = 1,  ///< The file of frames to skip is not the JSON that a recording leaves beside it.
};
const char* to_string(Errc error);

/// Parts of a recording that do not stand for what was sent.
struct Skip {
  unsigned sample_rate = codec::sample_rate;
  std::size_t frame_samples = codec::frame_samples;
  std::vector<std::uint64_t> frames;  ///< Indices, rising, each once.
};
/// Reads `lost` and `concealed` of the JSON file written beside a recording. Errors:
/// device::Errc::cannot_open, Errc::bad_skip_file.
Result<Skip> read_skip(const std::filesystem::path& path);

/// How like a recording is to what was sent.
struct Similarity {
  std::vector<double> values;  ///< One for each window measured, -1..1, 1 for the same shape.
  std::vector<double> lags;    ///< Where the window lies in what was sent, less where it was heard; seconds.
  std::size_t silent_windows = 0;  ///< Left out: silent on both sides.
  std::size_t masked_windows = 0;  ///< Left out: more than half of it skipped.
  std::size_t masked_frames = 0;   ///< Skipped frames inside the recording.

  double median() const;  ///< 0 without values.
  double min() const;
};

/// Normalised cross-correlation in windows of 1 s of the recording, each at its best lag within `max_lag`
/// seconds either way, over what telephony carries (below 4 kHz). A window that is silent while its
/// counterpart speaks counts as 0. Errors: codec::Errc::unsupported_rate.
Result<Similarity> compare(const device::Sound& sent, const device::Sound& heard, const Skip& skip,
                           double max_lag = 2);

}  // namespace beckon::audio_tool

BECKON_ERROR_ENUM(beckon::audio_tool, Errc, "beckon.audio_tool")
