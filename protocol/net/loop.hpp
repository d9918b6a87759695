#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>

#include "protocol/base/callback.hpp"
#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "protocol/net/unfinished.hpp"

namespace boost::asio {
class io_context;
}

namespace beckon::net {

/// One thread's event loop: an io_context, the TimerQueue of everything that lives on it, the clock, and the
/// bound on unfinished messages. Everything but `post` and `stop` belongs to the thread that runs it (or,
/// before `run`, to the one that sets it up).
class Loop {
 public:
  /// `number` tells the loops of a process apart; it is the top octet of the FlowIds made here.
  explicit Loop(std::uint8_t number = 0);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  std::uint8_t number() const;
  TimerQueue& timers();
  /// What the loop's connections hold of messages that have not ended.
  Unfinished& unfinished();
  /// In a handler the time is that of its first look at the clock.
  Clock& clock();
  Now now();
  /// For rooms that own sockets.
  boost::asio::io_context& context();

  /// Runs until `stop`.
  void run();
  /// Runs until `done()` holds (true) or `limit` has passed or `stop` was called (false). For tests and
  /// commands that wait for one thing.
  bool run_until(const std::function<bool()>& done, Duration limit);

  /// Thread-safe. Work posted but not yet run when the loop ends is dropped with it.
  void stop();
  void post(Callback<void(), 64> work);

  /// Calls `handler(signal)` on the loop whenever one of `signals` arrives. One call per loop; only one loop
  /// of a process should do it.
  void on_signal(std::initializer_list<int> signals, std::function<void(int)> handler);

  /// Runs `work` once, after what is ready now was handled and before the loop waits: where sends that
  /// were gathered leave together.
  void at_turn_end(std::function<void()> work);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace beckon::net
