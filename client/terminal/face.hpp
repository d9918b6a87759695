#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "protocol/base/time.hpp"

namespace beckon::client::terminal {

/// Tells a person what happens: short names, local times, a line for each piece of news, and what to type
/// where something is asked. It remembers what it has shown, so that of a list that arrives whole each time
/// it shows only what is new, and so that `who` can show everything.
class Face {
 public:
  struct Options {
    std::string home;  ///< The domain whose users need no domain.
    /// "2026-11-20 05:00:00 CET"; empty: in UTC.
    std::function<std::string(WallTime)> local{};
    bool colour = false;
  };
  explicit Face(Options options) : options_(std::move(options)) {}

  /// Whole lines; empty if there is nothing to tell. Nothing in them that could harm a terminal.
  std::string tell(const boost::json::object& event);
  /// Whom the user watches and what they show, who watches the user, which calls there are.
  std::string who() const;

 private:
  struct Buddy {
    std::string state;  ///< "open", "closed", "asked", "refused"
    std::string says;   ///< "busy: back at ten"
    std::string direct;
  };
  struct Watcher {
    std::string status, permit;
    bool operator==(const Watcher&) const = default;
  };
  enum class Tint { bold, good, faint, urgent, bad };

  /// The event with short names, local times and harmless texts.
  boost::json::object localise(const boost::json::object& event) const;
  std::string localise(std::string_view key, std::string_view text) const;
  std::string paint(Tint tint, std::string_view text) const;

  std::string tell_presence(const boost::json::object& event);
  std::string tell_watchers(const boost::json::object& event);
  std::string tell_watcher(const std::string& name, const Watcher& watcher) const;
  std::string tell_subscription(const boost::json::object& event);
  std::string tell_call(const boost::json::object& event);
  std::string tell_message(const boost::json::object& event, const boost::json::object& original) const;
  std::string tell_registration(const boost::json::object& event) const;
  std::string tell_publication(const boost::json::object& event) const;
  std::string tell_trust(const boost::json::object& event) const;
  std::string tell_result(const boost::json::object& event) const;

  Options options_;
  bool is_down_ = false;                  ///< The connection to the server.
  std::map<std::string, Buddy> buddies_;  ///< By name, as the further ones.
  std::map<std::string, Watcher> watchers_;
  std::map<std::string, std::string> calls_;  ///< The line shown for each.
};

}  // namespace beckon::client::terminal
