#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "media/device/audio.hpp"
#include "protocol/base/bytes.hpp"

namespace beckon::device {

enum class Errc {
  cannot_open = 1,     ///< The file does not exist or may not be read or written.
  cannot_read,         ///< Reading failed.
  cannot_write,        ///< Writing failed: the disk is full, or the file was removed.
  not_wav,             ///< No RIFF/WAVE file, or its chunks do not fit its length.
  unsupported_format,  ///< Not 16 bit PCM, more than two channels, or a rate outside 4000..192000 Hz.
  too_large,           ///< More than `max_wav_seconds` of sound.
};
const char* to_string(Errc error);

/// The data chunk must begin in this part of a file; only odd metadata is longer.
inline constexpr std::size_t max_wav_header = 64 * 1024;
/// Longest sound that `read_wav` brings into memory: 10 minutes, 58 MB at 48 kHz.
inline constexpr unsigned max_wav_seconds = 600;

/// The place of the sound in a WAV file.
struct WavFormat {
  unsigned rate = 0;      ///< Hz
  unsigned channels = 0;  ///< 1 or 2
  std::size_t data_offset = 0;
  std::uint64_t data_size = 0;  ///< Octets, a whole number of samples; never more than the file holds.
};

/// Reads the chunks before the sound. `front` is the file's beginning, at most max_wav_header octets of it;
/// `file_size` its whole length. A data chunk that claims more than there is (a recorder that was killed)
/// is cut to it. Errors: Errc::not_wav, Errc::unsupported_format.
Result<WavFormat> parse_wav(ByteView front, std::uint64_t file_size);

/// A 16 bit PCM WAV file of any length as a source: mixed to mono, converted to 48 kHz, read as it is played.
/// Errors: Errc::cannot_open, Errc::cannot_read, and those of parse_wav.
Result<std::unique_ptr<AudioSource>> open_wav_source(const std::filesystem::path& path);

/// Records 48 kHz mono. The file is a valid WAV after every second of sound and after `finish`, which the
/// destructor calls if the owner did not. Sound past 4 GiB (12 h) is dropped. Errors: Errc::cannot_open,
/// later Errc::cannot_write.
Result<std::unique_ptr<AudioSink>> open_wav_sink(const std::filesystem::path& path);

/// A whole file at once, mono at its own rate.
struct Sound {
  unsigned rate = codec::sample_rate;
  std::vector<codec::Sample> samples;
};
/// Errors: as open_wav_source, and Errc::too_large.
Result<Sound> read_wav(const std::filesystem::path& path);
/// Errors: Errc::cannot_open, Errc::cannot_write.
Result<void> write_wav(const std::filesystem::path& path, const Sound& sound);

}  // namespace beckon::device

BECKON_ERROR_ENUM(beckon::device, Errc, "beckon.device")
