#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "protocol/base/timers.hpp"

namespace beckon::client {

/// What waits for an event of the contract, each until it comes or its time is over. Pure.
class Waits {
 public:
  using Matches = std::function<bool(const boost::json::object& event)>;
  /// `came`: false, the time is over.
  using Done = std::function<void(bool came, Now now)>;
  using Number = std::uint64_t;

  Waits(TimerQueue& timers, Clock& clock) : timers_(timers), clock_(clock) {}

  /// `done` is called once, unless `drop` comes before. Without `within` there is no end.
  Number add(Matches matches, std::optional<Duration> within, Done done, Now now);
  /// False: it has ended.
  bool drop(Number number) { return waits_.erase(number) > 0; }
  void on_event(const boost::json::object& event, Now now);
  bool is_empty() const { return waits_.empty(); }

 private:
  struct Wait {
    Matches matches;
    Done done;
    std::unique_ptr<Timer> timer;
  };
  void end(Number number, bool came, Now now);

  TimerQueue& timers_;
  Clock& clock_;
  std::map<Number, Wait> waits_;
  Number last_ = 0;
};

/// "5s", "500ms", "2m", "1h"; a number alone is seconds. Nothing: it is no time, or longer than a year.
std::optional<Duration> parse_wait(std::string_view text);

}  // namespace beckon::client
