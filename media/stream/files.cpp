#include "media/stream/files.hpp"

#include <algorithm>

#include "media/device/synthetic.hpp"
#include "media/device/wav.hpp"
#include "protocol/base/log.hpp"

namespace beckon::stream {
namespace {

Result<std::unique_ptr<device::AudioSource>> open_source(const std::filesystem::path& path) {
  if (path.empty()) return std::unique_ptr<device::AudioSource>(std::make_unique<device::SilenceSource>());
  return device::open_wav_source(path);
}

Result<std::unique_ptr<device::AudioSink>> open_sink(const std::filesystem::path& path) {
  if (path.empty()) return std::unique_ptr<device::AudioSink>(std::make_unique<device::NullSink>());
  return device::open_wav_sink(path);
}

}  // namespace

Result<void> check_readable(const Files& files) {
  const auto source = open_source(files.play);
  if (!source) return source.error();
  return {};
}

const char* to_string(Errc error) {
  switch (error) {
    case Errc::no_codec:
      return "no codec for the payload type";
  }
  return "unknown stream error";
}

Result<Coders> make_coders(const AudioCodec& codec) {
  // Opus meets its rate on average only; a sixteenth less keeps its swings below what the peer takes.
  const int bitrate = std::clamp(codec.maxrate - codec.maxrate / 16, 8000, 128000);
  auto encoder = codec::make_encoder(codec.name, codec.clock_rate, {.bitrate = bitrate});
  auto decoder = codec::make_decoder(codec.name, codec.clock_rate);
  if (!encoder || !decoder) return Errc::no_codec;
  return Coders{std::move(*encoder), std::move(*decoder)};
}

Result<Pump> make_pump(const AudioCodec& codec, const Files& files, Time began) {
  auto coders = make_coders(codec);
  if (!coders) return coders.error();
  auto source = open_source(files.play);
  if (!source) return source.error();
  auto sink = open_sink(files.record);
  if (!sink) return sink.error();
  return Pump({std::move(coders->first), std::move(coders->second), std::move(*source), std::move(*sink)},
              began);
}

Result<Pump> make_pump_anyway(const AudioCodec& codec, Files& files, Time began) {
  for (std::filesystem::path* const path : {&files.play, &files.record}) {
    auto pump = make_pump(codec, files, began);
    if (pump || pump.error() == make_error_code(Errc::no_codec)) return pump;
    log::warn("stream", "{}: {}; the call continues without it", path->string(), pump.error().message());
    path->clear();
  }
  return make_pump(codec, files, began);
}

void close_recording(Pump& pump, const std::filesystem::path& record) {
  auto closed = pump.finish();
  if (closed && !record.empty()) closed = write_recording_log(record.string() + ".json", pump.log());
  if (!closed) log::warn("stream", "{}: {}", record.string(), closed.error().message());
}

}  // namespace beckon::stream
