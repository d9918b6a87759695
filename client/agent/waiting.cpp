#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <regex>

#include "client/agent/agent.hpp"
#include "client/presence/view.hpp"

namespace beckon::client {

namespace {

/// Octets of a text that an expression is looked for in: what a peer writes must not cost for ever.
constexpr std::size_t searched_max = 4096;

std::string member(const boost::json::object& event, std::string_view name) {
  const auto* const value = event.if_contains(name);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

/// Nothing: the command has ended, as `within` is no time.
std::optional<Waits::Number> Agent::wait_for(const control::Command& command, Waits::Matches matches,
                                             Now now) {
  const std::string within = command.text("within");
  const auto limit = parse_wait(within);
  if (!within.empty() && !limit) {
    result(command, control::Cause::usage, now, 0,
           fmt::format("within: {} is not a time, as 5s, 500ms or 2m", within));
    return std::nullopt;
  }
  const auto done = [this, command, within](bool came, Now at) {
    result(command, came ? control::Cause::done : control::Cause::timeout, at, 0,
           came ? "" : "it did not come within " + within);
  };
  return waits_.add(std::move(matches), limit, done, now);
}

/// A user who is not watched yet is watched from now on.
void Agent::do_wait_presence(const control::Command& command, Now now) {
  const std::string of = command.text("of"), basic = command.text("basic");
  if (const auto* const known = subscriptions_.document_of(of)) {
    const auto view = presence::make_view(of, *known, [](const auto&, const auto&) { return false; });
    if (view.at("basic").as_string() == basic) return result(command, control::Cause::done, now);
  }
  const auto matches = [of, basic](const boost::json::object& event) {
    return member(event, "event") == "presence" && member(event, "of") == of &&
           member(event, "basic") == basic;
  };
  const auto number = wait_for(command, matches, now);
  if (!number) return;
  constexpr std::uint32_t standard_seconds = 3600;
  const auto take = [this, command, number = *number](int status, Now at) {
    if (status / 100 != 2 && waits_.drop(number)) result_of_status(command, status, "", at);
  };
  // One that is there already serves as well.
  static_cast<void>(
      subscriptions_.subscribe(of, std::string(presence::presence_package), standard_seconds, take, now));
}

/// A device that is not registered yet is from now on.
void Agent::do_wait_message(const control::Command& command, Now now) {
  const std::string from = command.text("from"), pattern = command.text("matching");
  std::regex expression;
  try {
    expression = std::regex(pattern, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error&) {
    return result(command, control::Cause::usage, now, 0,
                  fmt::format("matching: {} is not a regular expression, as yes|no", pattern));
  }
  const auto matches = [from, expression](const boost::json::object& event) {
    if (member(event, "event") != "message" || (!from.empty() && member(event, "from") != from)) return false;
    try {
      return std::regex_search(member(event, "text").substr(0, searched_max), expression);
    } catch (const std::regex_error&) {
      return false;  // it would take too long
    }
  };
  const auto number = wait_for(command, matches, now);
  if (!number || registration_.state() == account::Registration::State::registered) return;
  constexpr std::uint32_t standard_seconds = 3600;
  registration_.start(
      standard_seconds,
      [this, command, number = *number](int status, Now at) {
        if (status / 100 != 2 && waits_.drop(number)) result_of_status(command, status, "", at);
      },
      now);
}

/// A device that does not watch its own watchers yet does from now on.
void Agent::do_wait_watcher(const control::Command& command, Now now) {
  const std::string watcher = command.text("watcher"), status = command.text("status");
  const auto is_there = [watcher, status](const boost::json::array& watchers) {
    return std::ranges::any_of(watchers, [&](const boost::json::value& each) {
      const std::string has = member(each.as_object(), "status");
      const bool pends = has == "pending" || has == "waiting";
      const bool fits = status.empty()       ? pends || has == "active"
                        : status == "active" ? has == "active"
                                             : pends;
      return fits && member(each.as_object(), "aor") == watcher;
    });
  };
  if (is_there(subscriptions_.watchers().watchers_json())) return result(command, control::Cause::done, now);
  const auto matches = [is_there](const boost::json::object& event) {
    return member(event, "event") == "watchers" && is_there(event.at("watchers").as_array());
  };
  const auto number = wait_for(command, matches, now);
  if (!number) return;
  constexpr std::uint32_t standard_seconds = 3600;
  const auto take = [this, command, number = *number](int code, Now at) {
    if (code / 100 != 2 && waits_.drop(number)) result_of_status(command, code, "", at);
  };
  static_cast<void>(subscriptions_.subscribe(config_.account.aor, std::string(presence::winfo_package),
                                             standard_seconds, take, now));
}

void Agent::do_wait_audio(const control::Command& command, Now now) {
  constexpr std::int64_t lowest = 100, highest = 4000;
  const auto tone = command.number("tone", 0);
  const std::string call = command.text("call");
  if (tone < lowest || tone > highest)
    return result(command, control::Cause::usage, now, 0,
                  fmt::format("tone: {} is not a number from {} to {}", tone, lowest, highest));
  const auto matches = [tone, call](const boost::json::object& event) {
    return member(event, "event") == "tone" && event.at("hertz").as_int64() == tone &&
           (call.empty() || member(event, "call") == call);
  };
  if (wait_for(command, matches, now)) sessions_.listen_for(static_cast<int>(tone));
}

}  // namespace beckon::client
