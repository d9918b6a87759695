#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "media/codec/codec.hpp"
#include "media/jitter/buffer.hpp"
#include "media/jitter/stretch.hpp"

namespace beckon::stream {

/// What a sample that is played stands for; the worse is the greater.
enum class Quality : std::uint8_t {
  decoded,
  recovered,  ///< From the redundancy in the next packet.
  stretched,  ///< Near a place where a pitch period was taken out or put in.
  concealed,  ///< Synthesized by the decoder from the frames before.
  lost,       ///< Silence, because the stream had stopped.
};

/// Packets of one source to sound, 20 ms at a time: decodes what the jitter buffer gives when it is due, and
/// plays faster or slower where the buffer says so, by whole pitch periods. Pure, and no memory is taken for
/// a packet. One thread.
class Player {
 public:
  Player(std::unique_ptr<codec::AudioDecoder> decoder, std::uint32_t ticks_per_frame);

  /// One authentic packet.
  void put(std::uint32_t timestamp, ByteView payload, Time arrival) {
    buffer_.put(timestamp, payload, arrival);
  }
  /// The next 20 ms, at its nominal time, and the worst of what is in them. Empty before the first one:
  /// `frame` is not changed.
  std::optional<Quality> play(Time now, codec::FrameSpan frame);
  /// While the first frame waits: when its turn is.
  std::optional<Time> begins() const { return buffer_.begins(); }

  const jitter::Counters& counters() const { return buffer_.counters(); }
  const jitter::Buffer& buffer() const { return buffer_; }

 private:
  static constexpr std::size_t past = jitter::longest_period;  ///< Samples kept of what was played.
  static constexpr std::size_t room = past + 4 * codec::frame_samples;

  /// Appends one frame; false: there is none.
  bool append(Time now, jitter::Playout& playout);
  Quality decode(const jitter::Playout& playout, codec::FrameSpan frame);
  void stretch(const jitter::Playout& playout, Time now);
  void append_silence(std::size_t samples);
  void take(codec::FrameSpan frame);
  codec::Sample* waiting() { return sound_.data() + past; }

  std::unique_ptr<codec::AudioDecoder> decoder_;
  jitter::Buffer buffer_;
  std::array<codec::Sample, room> sound_{};  ///< `past` samples that were played, and `size_` that wait.
  std::array<Quality, room> quality_{};      ///< Of each of them.
  std::size_t size_ = 0;
  bool begun_ = false;
};

}  // namespace beckon::stream
