#pragma once

#include <memory>

#include "media/codec/codec.hpp"

namespace beckon::codec {

/// Opus, mono, 20 ms (RFC 6716, RFC 7587). Errors: Errc::bad_parameters.
Result<std::unique_ptr<AudioEncoder>> make_opus_encoder(const EncoderParameters& parameters);
/// Stereo payloads are mixed to mono.
Result<std::unique_ptr<AudioDecoder>> make_opus_decoder();

}  // namespace beckon::codec
