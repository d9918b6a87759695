#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "protocol/base/callback.hpp"
#include "protocol/base/time.hpp"

namespace beckon {

class Timer;

/// The timers of one shard or one user agent. Pure: the owner of the clock calls `advance` or `step`.
/// Callbacks run inside these calls, in order of their time, equal times in order of setting, and never
/// before their time; they may set, cancel and destroy timers. One thread.
///
/// A hierarchical timing wheel (Varghese, Lauck 1987): setting and cancelling cost the same however many
/// timers there are, and allocate nothing. Each level has 64 slots; a slot of the lowest lasts a microsecond,
/// one of the next 64 times as long, and so on. A timer stands at the level of the highest digit (base 64) in
/// which its time differs from the wheel's, and moves down when the wheel reaches its slot. A slot may hold
/// any number of timers, so they move in parts: `step` is short, however many there are.
class TimerQueue {
 public:
  /// 24 octets of captures fit inside: an object, a number, one more.
  using Callback = beckon::Callback<void(Time now)>;

  TimerQueue();
  ~TimerQueue() { clear(); }
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  /// Calls back once, whatever becomes of the caller. What must go with its owner is a `Timer`.
  void set(Time when, Callback callback);

  /// When `advance` has something to do next. Never later than the first timer; earlier only between two
  /// steps or when a timer was cancelled that came before it, and then `advance` makes the next answer
  /// better.
  std::optional<Time> next() const;
  /// Runs what is due at `now`. The time never goes back.
  void advance(Time now) {
    while (step(now)) {
    }
  }
  /// A part of `advance`: runs one timer, or moves at most `moves_per_step` of them down. False: nothing is
  /// due. The owner of a thread does something else between two steps when many timers are due together;
  /// those that come after them are late by what that takes.
  bool step(Time now);
  static constexpr unsigned moves_per_step = 256;
  /// Cancels all.
  void clear();
  std::size_t size() const { return size_; }

 private:
  friend Timer;

  struct Link {
    Link* previous = nullptr;
    Link* next = nullptr;  ///< Null while it is in no list.
  };
  struct Node : Link {
    explicit Node(TimerQueue* its_queue) : queue(its_queue) {}
    Time when{};
    TimerQueue* queue;  ///< Of a Timer; null for a node of `set`, which is the queue's.
    Callback callback;
  };
  /// The head of a ring of nodes.
  struct Slot : Link {
    Time earliest{};  ///< No node is earlier.
    bool is_empty() const { return next == this; }
  };

  static constexpr unsigned digit_bits = 6;
  static constexpr std::size_t slots_per_level = std::size_t{1} << digit_bits;
  static constexpr std::size_t levels = 11;  ///< 66 bits of microseconds: all of `Time`.

  static void append(Slot& slot, Node& node);
  void link(Node& node);
  void unlink(Node& node);
  void place(Node& node);
  void place_ready(Node& node);
  bool is_moving(std::uint64_t time) const;
  bool turn(std::uint64_t now);
  void move_part();
  void fire(Node& node, Time now);
  Callback drop(Node& node);

  std::array<Slot, levels * slots_per_level> slots_;
  std::array<std::uint64_t, levels> occupied_{};  ///< A bit for each slot that is not empty.
  Slot ready_;                                    ///< Up to `position_`, in order.
  Slot* moving_ = nullptr;      ///< The slot that `position_` has reached, while its timers move down.
  std::uint64_t position_ = 0;  ///< Microseconds. No timer of `slots_` is earlier.
  std::size_t size_ = 0;
};

/// A timer that goes with its owner: a node of the queue itself. The queue outlives it or was destroyed
/// before it.
class Timer {
 public:
  explicit Timer(TimerQueue& queue) : node_(&queue) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }

  /// Cancels it if it is pending, then sets it anew. The callback may destroy the timer.
  void set(Time when, TimerQueue::Callback callback);
  void cancel();
  bool is_set() const { return node_.next != nullptr; }

 private:
  TimerQueue::Node node_;
};

}  // namespace beckon
