#pragma once

#include <memory>

#include "media/codec/codec.hpp"

namespace beckon::codec {

/// G.711 mu-law, 8 kHz (RFC 3551 4.5.14), 20 ms: 160 octets.
Result<std::unique_ptr<AudioEncoder>> make_pcmu_encoder();
Result<std::unique_ptr<AudioDecoder>> make_pcmu_decoder();

/// One sample to mu-law and back.
std::uint8_t encode_mulaw(Sample sample);
Sample decode_mulaw(std::uint8_t code);

}  // namespace beckon::codec
