#include "client/agent/waits.hpp"

#include <utility>
#include <vector>

#include "protocol/base/text.hpp"

namespace beckon::client {

Waits::Number Waits::add(Matches matches, std::optional<Duration> within, Done done, Now now) {
  const Number number = ++last_;
  Wait& wait = waits_[number];
  wait.matches = std::move(matches);
  wait.done = std::move(done);
  if (!within) return number;
  wait.timer = std::make_unique<Timer>(timers_);
  wait.timer->set(now.mono + *within,
                  [this, number](Time at) { end(number, false, {at, clock_.now().wall}); });
  return number;
}

/// What one end leads to may be the event that another one waits for.
void Waits::on_event(const boost::json::object& event, Now now) {
  std::vector<Number> matching;
  for (const auto& [number, wait] : waits_)
    if (wait.matches(event)) matching.push_back(number);
  for (const Number number : matching) end(number, true, now);
}

void Waits::end(Number number, bool came, Now now) {
  auto wait = waits_.extract(number);
  if (wait) wait.mapped().done(came, now);
}

std::optional<Duration> parse_wait(std::string_view text) {
  constexpr std::int64_t longest_seconds = 366LL * 24 * 3600;
  const auto end = text.find_first_not_of("0123456789");
  const auto number = parse_number<std::int64_t>(text.substr(0, end));
  const std::string_view unit = end == std::string_view::npos ? "s" : text.substr(end);
  if (!number || *number > longest_seconds * 1000) return std::nullopt;
  const Duration one = unit == "ms"  ? Duration(std::chrono::milliseconds(1))
                       : unit == "s" ? Duration(std::chrono::seconds(1))
                       : unit == "m" ? Duration(std::chrono::minutes(1))
                       : unit == "h" ? Duration(std::chrono::hours(1))
                                     : Duration::zero();
  const Duration longest = std::chrono::seconds(longest_seconds);
  if (one == Duration::zero() || *number > longest / one) return std::nullopt;
  return one * *number;
}

}  // namespace beckon::client
