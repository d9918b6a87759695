#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "media/jitter/delay.hpp"
#include "media/rtp/sequence.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/time.hpp"

namespace beckon::jitter {

/// How long packets wait for their turn. Delays count from the arrival of the packets that came fastest.
struct Options {
  std::uint32_t ticks_per_frame = 960;  ///< How far the RTP timestamp moves with each frame.
  Duration frame = 20ms;                ///< How long a frame lasts.
  Duration start_delay = 20ms;          ///< Before anything is known of the network.
  Duration min_delay = 20ms;            ///< One frame: covers the timers of both sides.
  Duration max_delay = 200ms;  ///< With more delay people talk over each other: concealing is better.
};

struct Counters {
  std::uint64_t late = 0;       ///< Packets that came after their turn.
  std::uint64_t duplicate = 0;  ///< Packets that had come before.
  std::uint64_t stray = 0;      ///< Packets with a timestamp too far from the play-out time to be kept.
  std::uint64_t played = 0;     ///< Frames given out.
  std::uint64_t concealed = 0;  ///< Frames asked for and not there.
  Duration shortened{};         ///< Sound left out by playing faster.
  Duration lengthened{};        ///< Sound added by playing slower.
  Duration waited{};            ///< From arrival to their turn, of all frames played.
  bool operator==(const Counters&) const = default;
};

/// What to play next. The views live until the next call of the buffer.
struct Playout {
  enum class Kind {
    nothing,  ///< The stream has not begun, or pauses: play silence.
    frame,    ///< Decode `payload`.
    lost,     ///< Conceal, or recover from `next` where it is not empty.
  };
  /// How the delay is to change, if the sound lets it.
  enum class Pace { even, faster, slower };
  Kind kind = Kind::nothing;
  ByteView payload;
  ByteView next;  ///< Kind::lost: the payload right after the missing one, if it has come.
  Pace pace = Pace::even;
  bool urgent = false;  ///< The delay is far from what it should be.
};

/// Puts the packets of one audio source back in order and in time. Pure: the owner brings the time. Holds at
/// most `capacity` frames. The delay follows the network: the owner plays faster or slower when the buffer
/// says so. When nothing has come it waits: frames are concealed, and the delay grows if the next packet was
/// only late. Memory is taken for payloads larger than any before only.
class Buffer {
 public:
  static constexpr std::size_t capacity = 64;  ///< Frames, 1.28 s: far above max_delay.

  explicit Buffer(const Options& options = {});

  /// One authentic packet, with one frame in it.
  void put(std::uint32_t timestamp, ByteView payload, Time arrival);
  /// The next frame. `now` is the nominal time of the tick, so that a late timer is not mistaken for network
  /// delay; `queued`, how much sound is played before this frame.
  Playout get(Time now, Duration queued = Duration(0));
  /// Is the next frame there?
  bool has_next() { return state_ == State::playing && find_filled(next_) != nullptr; }
  /// So much sound was added, or left out if negative.
  void on_stretched(Duration change);

  const Counters& counters() const { return counters_; }
  /// The delay aimed at.
  Duration target() const { return estimate_.target(); }
  /// How long the fastest packets wait until they are asked for, as of the last frame.
  Duration delay() const { return delay_; }
  /// While the first frame waits: when its turn is.
  std::optional<Time> begins() const {
    return state_ == State::buffering ? std::optional(start_) : std::nullopt;
  }

 private:
  enum class State { idle, buffering, playing };
  enum class SlotState : std::uint8_t { empty, filled, played, missed };
  struct Slot {
    std::int64_t index = -1;
    SlotState state = SlotState::empty;
    Time arrival{};
    Bytes payload;
  };

  Slot& slot(std::int64_t index) { return slots_[static_cast<std::size_t>(index) % capacity]; }
  Slot* find_filled(std::int64_t index);
  void begin(std::int64_t index, Time arrival);
  bool is_stray(std::int64_t index) const;
  void store(std::int64_t index, ByteView payload, Time arrival);
  void pass_concealed();
  void set_pace(Playout& playout);
  bool is_complete(std::int64_t frames);
  Playout play(Slot& due, Time now, Duration queued);
  Playout conceal();
  Playout wait();
  void miss();

  Options options_;
  Counters counters_;
  State state_ = State::idle;
  std::vector<Slot> slots_;
  rtp::TimestampUnwrapper timestamps_;
  DelayEstimate estimate_;
  std::int64_t next_ = 0;     ///< Index of the frame whose turn is next.
  std::int64_t highest_ = 0;  ///< Highest index stored.
  Time start_{};              ///< buffering: when playing begins.
  Duration delay_{};
  unsigned strays_ = 0;         ///< In a row.
  unsigned waited_frames_ = 0;  ///< Concealed in a row while the buffer was empty; `next_` stood still.
  unsigned calm_frames_ = 0;    ///< Played since the delay was last changed.
  unsigned hold_frames_ = 0;    ///< To be played before the delay may shrink.
};

}  // namespace beckon::jitter
