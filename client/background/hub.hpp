#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "client/control/command.hpp"
#include "protocol/base/time.hpp"

namespace beckon::client::background {

/// Joins several controllers to one agent: a controller writes the lines of the contract and reads them, as
/// if the agent were its own (client/control). The result of a command goes to the controller that gave it,
/// with the id that it gave; what an answer is likewise (`is_answer`); every other event to all. What a
/// controller has not read yet waits in a queue of its own, and one that does not read is let go, as the
/// others must not wait for it. No sockets: the owner writes what `take` gives. One thread.
class Hub {
 public:
  using Number = std::uint64_t;  ///< Of a controller, never used again.

  struct Limits {
    std::size_t controllers = 64;
    std::size_t running = 256;                  ///< Commands of one controller without a result.
    std::size_t queue = std::size_t{4} << 20U;  ///< Octets that one controller has not read.
  };
  /// What the agent does with a line; each ends with one event "result" that carries the id.
  struct Agent {
    std::function<void(const control::Command& command)> execute;
    std::function<void(const control::Rejected& rejected)> refuse;
  };

  /// `home` is the domain of users that are named without one.
  Hub(Agent agent, std::string home, Limits limits);

  /// Nothing: there are too many. The first line for a controller is "ready", as the agent said it.
  std::optional<Number> attach();
  void detach(Number controller) { controllers_.erase(controller); }
  /// One line of a controller, without its end; empty lines mean nothing.
  void on_line(Number controller, std::string_view line);
  /// An event of the agent.
  void on_event(const boost::json::object& event);

  /// What waits for that controller: it is written now, and waits no longer.
  std::string take(Number controller);
  /// The controllers for which something waits, or that are to be let go.
  std::vector<Number> waiting() const;
  /// It did not read what was for it: close it and detach it. `take` gives nothing any more.
  bool is_lost(Number controller) const;
  std::size_t controllers() const { return controllers_.size(); }

 private:
  struct Controller {
    std::string queue{};
    std::size_t running = 0;
    bool lost = false;
  };
  struct Asked {
    Number controller;
    std::string id;       ///< As the controller wrote it.
    std::string command;  ///< Its name.
  };

  std::string remember(Number controller, std::string id, std::string_view command);
  void on_result(boost::json::object result);
  void tell(Controller& controller, const std::string& line);
  bool has_asked(Number controller, std::string_view event) const;

  Agent agent_;
  std::string home_;
  Limits limits_;
  std::map<Number, Controller> controllers_;
  std::map<std::string, Asked, std::less<>> asked_;  ///< By the id that the agent knows.
  std::string ready_;                                ///< The line.
  Number last_controller_ = 0;
  std::uint64_t last_command_ = 0;
};

}  // namespace beckon::client::background
