#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "media/codec/frame.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

namespace beckon::codec {

enum class Errc {
  unknown_codec = 1,  ///< No codec of that name and clock rate is built in.
  bad_parameters,     ///< The codec refuses its parameters.
  bad_payload,        ///< A peer's payload cannot be decoded: conceal the frame.
  bad_duration,       ///< A peer's payload does not last 20 ms: conceal the frame.
  encoder_failed,     ///< The codec library failed: skip the frame.
  unsupported_rate,   ///< A sampling rate that cannot be converted.
};
const char* to_string(Errc error);

/// What the two sides agreed on, as far as an encoder can follow it.
struct EncoderParameters {
  int bitrate = 64000;    ///< Bit/s; the peer's `maxrate` caps it. PCMU is always 64000.
  int complexity = 7;     ///< Opus, 0..10: CPU against quality.
  bool dtx = false;       ///< Opus silence suppression.
  int expected_loss = 0;  ///< Per cent, as `expect_loss`.
};

/// Turns frames into RTP payloads of one 20 ms frame each. Not thread-safe.
class AudioEncoder {
 public:
  virtual ~AudioEncoder() = default;
  /// Replaces `payload`, whose memory is used again. Errors: Errc::encoder_failed.
  virtual Result<void> encode(FrameView frame, Bytes& payload) = 0;
  /// How far the RTP timestamp moves with each frame.
  virtual std::uint32_t ticks_per_frame() const = 0;
  /// "opus", "PCMU" or "PCMA".
  virtual std::string_view name() const = 0;
  /// So many per cent of the packets do not arrive. Opus then repeats each frame in the next packet (in-band
  /// FEC, RFC 7587 3.3), which costs quality where nothing is lost: 0 switches that off.
  virtual void expect_loss(int /*percent*/) {}
};

/// Turns RTP payloads into frames. Call one of the three functions for each 20 ms, in order: the decoder
/// continues from its last frame. Not thread-safe.
class AudioDecoder {
 public:
  virtual ~AudioDecoder() = default;
  /// Errors: Errc::bad_payload, Errc::bad_duration; then `frame` was concealed.
  virtual Result<void> decode(ByteView payload, FrameSpan frame) = 0;
  /// Replaces a lost frame by the copy that the next payload carries (Opus in-band FEC), or conceals it if
  /// there is no copy. True if speech was recovered.
  virtual bool recover(ByteView next_payload, FrameSpan frame) = 0;
  /// Replaces a lost frame by an estimate from the frames before it.
  virtual void conceal(FrameSpan frame) = 0;
};

/// `name` as in SDP rtpmap, case-insensitive: "opus" (clock 48000, RFC 7587), "PCMU" and "PCMA" (8000,
/// RFC 3551).
/// Errors: Errc::unknown_codec, Errc::bad_parameters.
Result<std::unique_ptr<AudioEncoder>> make_encoder(std::string_view name, std::uint32_t clock,
                                                   const EncoderParameters& parameters = {});
Result<std::unique_ptr<AudioDecoder>> make_decoder(std::string_view name, std::uint32_t clock);

}  // namespace beckon::codec

BECKON_ERROR_ENUM(beckon::codec, Errc, "beckon.codec")
