#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <iterator>
#include <string>
#include <utility>

#include "tests/simulation/sip_port.hpp"

namespace beckon::simulation {

/// What is wrong with a history; thrown where it cannot go on.
struct Wrong {
  std::string what;
};

/// Where one history is played: its world and network, its dice, and what is told of it.
class Stage {
 protected:
  Stage(std::uint64_t seed, bool trace) : world_(seed), network_(world_), sip_(network_), is_traced_(trace) {}
  ~Stage() = default;

  std::uint64_t below(std::uint64_t bound) { return world_.random().below(bound); }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  Duration within(Duration longest) {
    return Duration(static_cast<Duration::rep>(below(static_cast<std::uint64_t>(longest.count()))));
  }
  template <class All>
  auto& any(All& all) {
    return all[below(std::size(all))];
  }
  void later(Duration after, std::function<void()> work) {
    world_.timers().set(world_.now().mono + after, [work = std::move(work)](Time) { work(); });
  }
  void at_random(Duration longest, std::function<void()> work) { later(within(longest), std::move(work)); }

  void say(const std::string& what) {
    if (is_traced_)
      fmt::print("{:10.3f} {}\n", static_cast<double>(world_.now().mono.time_since_epoch().count()) / 1e6,
                 what);
  }
  void say(const Address& from, const Address& to, const sip::Message& message) {
    if (is_traced_) say(fmt::format("{} -> {}\n{}", print(from), print(to), message.text()));
  }
  template <class... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) {
    const std::string what = fmt::format(format, std::forward<Args>(args)...);
    world_.note(what);
    say("*** " + what);
  }

  World world_;
  Network network_;
  SipNetwork sip_;

 private:
  bool is_traced_;
};

}  // namespace beckon::simulation
