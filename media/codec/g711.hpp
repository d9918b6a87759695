#pragma once

#include <memory>

#include "media/codec/codec.hpp"

namespace beckon::codec {

/// G.711, 8 kHz, 20 ms: 160 octets; mu-law is PCMU, A-law PCMA (RFC 3551 4.5.14).
enum class Law { mu, a };
Result<std::unique_ptr<AudioEncoder>> make_g711_encoder(Law law);
Result<std::unique_ptr<AudioDecoder>> make_g711_decoder(Law law);

/// One sample to its code and back.
std::uint8_t encode_mulaw(Sample sample);
Sample decode_mulaw(std::uint8_t code);
std::uint8_t encode_alaw(Sample sample);
Sample decode_alaw(std::uint8_t code);

}  // namespace beckon::codec
