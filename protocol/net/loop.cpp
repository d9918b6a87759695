#include "protocol/net/loop.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/base/log.hpp"
#include "protocol/base/result.hpp"

namespace beckon::net {
namespace {

// Handlers run before timers and gathered sends get their turn again: bounds how long a busy socket can
// delay them.
constexpr int handlers_per_turn = 256;
// Timers run this long before handlers get their turn: many may be due together.
constexpr Duration timers_per_turn = 5ms;
// The loop looks at the clock at least this often, so that a wait never overflows.
constexpr Duration longest_wait = 1h;

// The machine's clocks. While the loop runs a handler they are looked at once for it, when it first asks, and
// not for each message it handles.
class TurnClock final : public Clock {
 public:
  void begin_handler() {
    in_handler_ = true;
    known_ = false;
  }
  void end_turn() { in_handler_ = false; }
  Now now() override {
    if (!in_handler_) return system_.now();
    if (!std::exchange(known_, true)) now_ = system_.now();
    return now_;
  }
  Time measure() override { return system_.measure(); }

 private:
  SystemClock system_;
  Now now_{};
  bool in_handler_ = false;
  bool known_ = false;
};

}  // namespace

struct Loop::Impl {
  explicit Impl(std::uint8_t loop_number) : number(loop_number) {}

  void wait_signal() {
    signals->async_wait([this](const ErrorCode& error, int signal) {
      if (error) return;
      on_signal(signal);
      wait_signal();
    });
  }

  void end_turn() {
    // What the work itself adds waits for the next turn, which then does not wait.
    std::vector<std::function<void()>> due;
    due.swap(turn_end);
    for (auto& each : due) each();
  }

  Duration wait_time(Time deadline) {
    if (!turn_end.empty()) return Duration::zero();
    const Time now = clock.now().mono;
    Time until = std::min(deadline, now + longest_wait);
    if (const auto next = timers.next()) until = std::min(until, *next);
    return std::max(until - now, Duration::zero());
  }

  void run_timers() {
    clock.begin_handler();
    const Time now = clock.now().mono, end = clock.measure() + timers_per_turn;
    while (timers.step(now) && clock.measure() < end) {
    }
  }

  // Waits first, so that the caller sees what came of one turn before the next turn waits.
  void turn(Time deadline) {
    const Duration wait = wait_time(deadline);
    clock.begin_handler();
    if (wait > Duration::zero()) context.run_one_for(wait);
    run_timers();
    clock.begin_handler();
    for (int i = 0; i < handlers_per_turn && context.poll_one() > 0; ++i) clock.begin_handler();
    end_turn();
    clock.end_turn();
  }

  std::uint8_t number;
  TimerQueue timers;
  Unfinished unfinished;
  TurnClock clock;
  std::atomic<bool> stopped{false};
  std::vector<std::function<void()>> turn_end;
  std::function<void(int)> on_signal;
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{context.get_executor()};
  std::optional<boost::asio::signal_set> signals;
};

Loop::Loop(std::uint8_t number) : impl_(std::make_unique<Impl>(number)) {}

Loop::~Loop() {
  // What timers and gathered sends hold may own sockets, which must not outlive the context; handlers that go
  // with the context may still cancel timers.
  std::vector<std::function<void()>> turn_end;
  turn_end.swap(impl_->turn_end);
  impl_->timers.clear();
}

std::uint8_t Loop::number() const { return impl_->number; }
TimerQueue& Loop::timers() { return impl_->timers; }
Unfinished& Loop::unfinished() { return impl_->unfinished; }
Clock& Loop::clock() { return impl_->clock; }
Now Loop::now() { return impl_->clock.now(); }
boost::asio::io_context& Loop::context() { return impl_->context; }

void Loop::run() {
  while (!impl_->stopped) impl_->turn(Time::max());
}

bool Loop::run_until(const std::function<bool()>& done, Duration limit) {
  const Time deadline = impl_->clock.now().mono + limit;
  while (!done()) {
    if (impl_->stopped || impl_->clock.now().mono >= deadline) return false;
    impl_->turn(deadline);
  }
  return true;
}

void Loop::stop() {
  impl_->stopped = true;
  boost::asio::post(impl_->context, [] {});  // wakes a waiting loop
}

void Loop::post(Callback<void(), 64> work) { boost::asio::post(impl_->context, std::move(work)); }

void Loop::on_signal(std::initializer_list<int> signals, std::function<void(int)> handler) {
  impl_->on_signal = std::move(handler);
  impl_->signals.emplace(impl_->context);
  for (const int signal : signals) {
    ErrorCode error;
    impl_->signals->add(signal, error);
    if (error) log::error("net", "cannot watch signal {}: {}", signal, error.message());
  }
  impl_->wait_signal();
}

void Loop::at_turn_end(std::function<void()> work) { impl_->turn_end.push_back(std::move(work)); }

}  // namespace beckon::net
