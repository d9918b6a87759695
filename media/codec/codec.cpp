#include "media/codec/codec.hpp"

#include <optional>

#include "media/codec/g711.hpp"
#include "media/codec/opus.hpp"
#include "protocol/base/text.hpp"

namespace beckon::codec {
namespace {

bool is_opus(std::string_view name, std::uint32_t clock) { return iequals(name, "opus") && clock == 48000; }
std::optional<Law> law_of(std::string_view name, std::uint32_t clock) {
  if (clock != 8000) return std::nullopt;
  if (iequals(name, "PCMU")) return Law::mu;
  return iequals(name, "PCMA") ? std::optional(Law::a) : std::nullopt;
}

}  // namespace

const char* to_string(Errc error) {
  switch (error) {
    case Errc::unknown_codec:
      return "codec is not built in";
    case Errc::bad_parameters:
      return "codec refuses its parameters";
    case Errc::bad_payload:
      return "audio payload cannot be decoded";
    case Errc::bad_duration:
      return "audio payload does not last 20 ms";
    case Errc::encoder_failed:
      return "audio encoder failed";
    case Errc::unsupported_rate:
      return "sampling rate cannot be converted";
  }
  return "unknown codec error";
}

Result<std::unique_ptr<AudioEncoder>> make_encoder(std::string_view name, std::uint32_t clock,
                                                   const EncoderParameters& parameters) {
  if (is_opus(name, clock)) return make_opus_encoder(parameters);
  if (const auto law = law_of(name, clock)) return make_g711_encoder(*law);
  return Errc::unknown_codec;
}

Result<std::unique_ptr<AudioDecoder>> make_decoder(std::string_view name, std::uint32_t clock) {
  if (is_opus(name, clock)) return make_opus_decoder();
  if (const auto law = law_of(name, clock)) return make_g711_decoder(*law);
  return Errc::unknown_codec;
}

}  // namespace beckon::codec
