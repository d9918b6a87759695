#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "media/codec/codec.hpp"
#include "media/device/audio.hpp"
#include "media/jitter/buffer.hpp"
#include "media/rtp/packet.hpp"

namespace beckon::stream {

/// A call sends and plays a frame in each.
inline constexpr Duration tick = codec::frame_duration;
/// A process that was suspended for longer than this does not catch up: its calls continue from now.
inline constexpr Duration longest_catch_up = std::chrono::seconds(1);

/// The frames of a recording that are not what was sent; indices count the recorded frames from 0.
struct RecordingLog {
  /// Entries kept per list: half an hour of continuous loss. Later frames are only counted.
  static constexpr std::size_t max_entries = 100'000;

  std::uint64_t frames = 0;
  std::vector<std::uint64_t> concealed;  ///< Synthesized by the decoder from the frames before.
  std::vector<std::uint64_t> lost;       ///< Silence, because the stream had stopped.
  std::vector<std::uint64_t> recovered;  ///< Decoded from the redundancy in the next packet.
  Duration start_offset{};               ///< From the beginning of the call to frame 0.
};

/// Writes the log as JSON: sample_rate, frame_samples, frames, concealed, lost, recovered, start_offset_ms.
/// Errors: device::Errc::cannot_open, device::Errc::cannot_write.
Result<void> write_recording_log(const std::filesystem::path& path, const RecordingLog& log);

/// The audio of one call, both ways: source -> encoder -> packets, and packets -> jitter buffer -> decoder ->
/// sink. Pure: the owner calls it every 20 ms and carries the packets. One thread.
class Pump {
 public:
  struct Parts {
    std::unique_ptr<codec::AudioEncoder> encoder;
    std::unique_ptr<codec::AudioDecoder> decoder;
    std::unique_ptr<device::AudioSource> source;
    std::unique_ptr<device::AudioSink> sink;
  };
  /// No part is null. `began`: the beginning of the call.
  Pump(Parts parts, Time began);

  /// The packet of one tick. `payload` lives until the next call of `send`.
  struct Outgoing {
    ByteView payload;
    std::uint32_t timestamp = 0;  ///< In the codec's clock, from 0; it advances through pauses.
    bool marker = false;          ///< First packet, or first after a pause (RFC 3551 4.1).
  };
  /// Call once a tick. While not `open` the source pauses and nothing is sent.
  std::optional<Outgoing> send(bool open);

  /// One authentic packet.
  void receive(const rtp::Packet& packet, Time arrival);
  /// Call once a tick, at its nominal time. Gives the frame that was played, until the next call; null before
  /// the first one.
  const codec::Frame* play(Time now);
  /// Another codec from now on. Source, sink and the RTP timestamp continue; what waits to be played is
  /// dropped, and the counters begin anew.
  void change_codec(std::unique_ptr<codec::AudioEncoder> encoder,
                    std::unique_ptr<codec::AudioDecoder> decoder);
  /// The RTP timestamp of the next packet, in the codec's clock.
  std::uint32_t timestamp() const { return timestamp_; }
  /// Closes the sink. Do not call `play` afterwards.
  Result<void> finish();

  const jitter::Counters& counters() const { return buffer_.counters(); }
  const RecordingLog& log() const { return log_; }

 private:
  enum class Quality { decoded, recovered, concealed, lost };
  Quality render(const jitter::Playout& playout, codec::FrameSpan frame);
  void note(Quality quality);

  Parts parts_;
  Time began_;
  jitter::Buffer buffer_;
  RecordingLog log_;
  codec::Frame played_{};
  Bytes payload_;
  std::uint32_t timestamp_ = 0;
  bool paused_ = true;
};

}  // namespace beckon::stream
