#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "media/codec/codec.hpp"
#include "media/device/audio.hpp"
#include "media/rtp/packet.hpp"
#include "media/session/rtp_session.hpp"
#include "media/stream/player.hpp"

namespace beckon::stream {

/// A call sends and plays a frame in each.
inline constexpr Duration tick = codec::frame_duration;
/// A process that was suspended for longer than this does not catch up: its calls continue from now.
inline constexpr Duration longest_catch_up = std::chrono::seconds(1);

/// Something that is done every 20 ms. It does not drift: each turn is 20 ms after the nominal time of the
/// last.
struct Beat {
  Time next{};  ///< Nominal time of the next turn.

  /// The nominal time of a turn that is due.
  std::optional<Time> take(Time now) {
    if (next > now) return std::nullopt;
    if (next + longest_catch_up < now) next = now;
    return std::exchange(next, next + tick);
  }
};

/// The frames of a recording that are not what was sent; indices count the recorded frames from 0.
struct RecordingLog {
  /// Entries kept per list: half an hour of continuous loss. Later frames are only counted.
  static constexpr std::size_t max_entries = 100'000;

  std::uint64_t frames = 0;
  std::vector<std::uint64_t> concealed;  ///< Synthesized by the decoder from the frames before.
  std::vector<std::uint64_t> lost;       ///< Silence, because the stream had stopped.
  std::vector<std::uint64_t> recovered;  ///< Decoded from the redundancy in the next packet.
  std::vector<std::uint64_t> stretched;  ///< Longer or shorter than what was sent, by a pitch period.
  Duration start_offset{};               ///< From the beginning of the call to frame 0.
};

/// Writes the log as JSON: sample_rate, frame_samples, frames, concealed, lost, recovered,
/// stretched, start_offset_ms.
/// Errors: device::Errc::cannot_open, device::Errc::cannot_write.
Result<void> write_recording_log(const std::filesystem::path& path, const RecordingLog& log);

/// The audio of one call, both ways: source -> encoder -> packets, and packets -> jitter buffer -> decoder ->
/// sink. Pure: the owner calls it every 20 ms and carries the packets; it may send and play at different
/// times. One thread.
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
  /// Nothing was played yet and a packet waits: when its turn is. Playing in a beat with that adds no delay.
  std::optional<Time> begins() const { return log_.frames == 0 ? player_.begins() : std::nullopt; }
  /// Call once a tick, at its nominal time. Gives the frame that was played, until the next call; null before
  /// the first one.
  const codec::Frame* play(Time now);
  /// Another codec from now on. Source, sink and the RTP timestamp continue; what waits to be played is
  /// dropped, and the counters begin anew.
  void change_codec(std::unique_ptr<codec::AudioEncoder> encoder,
                    std::unique_ptr<codec::AudioDecoder> decoder);
  /// Follows what the peer reports: while packets are lost, what is sent carries more redundancy.
  void adapt(const session::Statistics& statistics);
  /// As in rtpmap.
  std::string_view codec() const { return parts_.encoder->name(); }
  /// The RTP timestamp of the next packet, in the codec's clock.
  std::uint32_t timestamp() const { return timestamp_; }
  /// Closes the sink. Do not call `play` afterwards.
  Result<void> finish();

  const jitter::Counters& counters() const { return player_.counters(); }
  const jitter::Buffer& buffer() const { return player_.buffer(); }
  const RecordingLog& log() const { return log_; }

 private:
  void note(Quality quality);

  Parts parts_;  ///< The player has the decoder.
  Time began_;
  Player player_;
  RecordingLog log_;
  codec::Frame played_{};
  Bytes payload_;
  std::uint32_t timestamp_ = 0;
  std::uint64_t reports_ = 0;  ///< Of the peer, that have been followed.
  double loss_ = 0;            ///< The share expected.
  bool paused_ = true;
};

}  // namespace beckon::stream
