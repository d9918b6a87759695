#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "media/rtp/sequence.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/time.hpp"

namespace beckon::jitter {

/// How long packets wait for their turn. Delays count from the arrival of the packets that came fastest.
struct Options {
  std::uint32_t ticks_per_frame = 960;  ///< How far the RTP timestamp moves with each frame.
  Duration frame = 20ms;                ///< How often `get` is called.
  Duration start_delay = 40ms;          ///< Before anything is known of the network: two frames.
  Duration min_delay = 20ms;            ///< One frame: covers the timers of both sides.
  Duration max_delay = 200ms;  ///< With more delay people talk over each other: concealing is better.
};

struct Counters {
  std::uint64_t late = 0;       ///< Packets that came after their turn.
  std::uint64_t duplicate = 0;  ///< Packets that had come before.
  std::uint64_t stray = 0;      ///< Packets with a timestamp too far from the play-out time to be kept.
  std::uint64_t played = 0;     ///< Frames given out.
  std::uint64_t concealed = 0;  ///< Frames asked for and not there, or put in to lengthen the delay.
  std::uint64_t skipped = 0;    ///< Frames left out to shorten the delay.
  bool operator==(const Counters&) const = default;
};

/// What to play for the next 20 ms. The views live until the next call of the buffer.
struct Playout {
  enum class Kind {
    nothing,  ///< The stream has not begun, or pauses: play silence.
    frame,    ///< Decode `payload`.
    lost,     ///< Conceal, or recover from `next` where it is not empty.
  };
  Kind kind = Kind::nothing;
  ByteView payload;
  ByteView next;  ///< Kind::lost: the payload right after the missing one, if it has come.
};

/// Puts the packets of one audio source back in order and in time. Pure: the owner brings the time. Holds at
/// most `capacity` frames. The delay follows the network: it grows by a concealed frame when packets come
/// late, and shrinks by a skipped frame when they wait longer than necessary.
class Buffer {
 public:
  static constexpr std::size_t capacity = 64;  ///< Frames, 1.28 s: far above max_delay.

  explicit Buffer(const Options& options = {});

  /// One authentic packet, with one frame in it.
  void put(std::uint32_t timestamp, ByteView payload, Time arrival);
  /// Call once for each frame. `now` is the nominal time of the tick, so that a late timer is not mistaken
  /// for network delay.
  Playout get(Time now);

  const Counters& counters() const { return counters_; }
  /// The delay aimed at.
  Duration target() const { return target_; }

 private:
  enum class State { idle, buffering, playing };
  enum class SlotState : std::uint8_t { empty, filled, played, missed };
  struct Slot {
    std::int64_t index = -1;
    SlotState state = SlotState::empty;
    Bytes payload;
  };

  Slot& slot(std::int64_t index) { return slots_[static_cast<std::size_t>(index) % capacity]; }
  Slot* find_filled(std::int64_t index);
  void begin(std::int64_t index, Time arrival);
  bool is_stray(std::int64_t index);
  void store(std::int64_t index, ByteView payload);
  void measure(std::int64_t index, Time arrival);
  bool must_grow(bool missing) const;
  bool may_shrink() const;
  Duration delay() const;
  Playout play(Slot& slot);
  Playout conceal();

  Options options_;
  Counters counters_;
  State state_ = State::idle;
  std::vector<Slot> slots_;
  rtp::TimestampUnwrapper timestamps_;
  std::int64_t next_ = 0;      ///< Index of the frame whose turn is next.
  std::int64_t highest_ = 0;   ///< Highest index stored.
  Time start_{};               ///< buffering: when playing begins.
  Time origin_{};              ///< playing: when index 0 would have been played.
  unsigned strays_ = 0;        ///< In a row.
  unsigned dry_ = 0;           ///< Frames asked for in a row while the buffer was empty.
  unsigned since_change_ = 0;  ///< Frames since the delay was last changed.
  Duration target_;
  std::vector<Duration> transits_;  ///< Arrival less nominal time, of the last packets: a ring.
  std::size_t transit_count_ = 0;
  Duration fastest_{};
};

}  // namespace beckon::jitter
