#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "media/stream/pump.hpp"

namespace beckon::stream {

enum class Errc {
  no_codec = 1,  ///< The call's payload type names no known codec: leave the audio out, or use INVITE.
};
const char* to_string(Errc error);

/// What an audio payload type stands for (a <codec> of a presence document).
struct AudioCodec {
  std::uint8_t payload_type = 0;
  std::string name;  ///< "opus", "PCMU"
  std::uint32_t clock_rate = 48000;
  int maxrate = 64000;  ///< Bit/s of RTP payload that the receiver takes.
};

/// Where a call's voice comes from and goes to.
struct Files {
  std::filesystem::path play;  ///< WAV to send; empty: silence. After its end silence is sent.
  std::filesystem::path
      record;  ///< WAV to write, with "<record>.json" (RecordingLog) beside it; empty: no recording.
};

/// Can what is to be played be read? Errors: those of device::open_wav_source.
Result<void> check_readable(const Files& files);

/// A pump with its codec and files. Errors: those of the files, Errc::no_codec.
Result<Pump> make_pump(const AudioCodec& codec, const Files& files, Time began);
/// A missing file does not end a call: what cannot be opened is left out of `files`. Errors: Errc::no_codec.
Result<Pump> make_pump_anyway(const AudioCodec& codec, Files& files, Time began);

using Coders = std::pair<std::unique_ptr<codec::AudioEncoder>, std::unique_ptr<codec::AudioDecoder>>;
/// Errors: Errc::no_codec.
Result<Coders> make_coders(const AudioCodec& codec);

/// Closes the recording of a pump that is not used any more, and writes its log. Failures are logged.
void close_recording(Pump& pump, const std::filesystem::path& record);

}  // namespace beckon::stream

BECKON_ERROR_ENUM(beckon::stream, Errc, "beckon.stream")
