#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "client/cli/state_folder.hpp"
#include "client/cli/terminal.hpp"
#include "client/control/command.hpp"
#include "client/terminal/names.hpp"
#include "client/terminal/prompt.hpp"
#include "protocol/net/loop.hpp"

namespace beckon::client::cli {

/// A person's prompt: the terminal, what is shown and typed at it, and the history in the state folder.
class Console {
 public:
  struct Handlers {
    std::function<void(const std::string& line)> on_line;
    std::function<void()> on_interrupt;
    std::function<void()> on_end;
  };

  /// `user` is who types, of the domain `home`. `folder` outlives the console; null: nothing is stored.
  Console(net::Loop& loop, std::string user, std::string home, const StateFolder* folder, Handlers handlers);
  ~Console();

  /// An event and what people read of it, which may be nothing.
  void show(const boost::json::object& event, std::string_view text);
  /// Lines that are no event: help, a line of the log.
  void show(std::string_view lines) { prompt_.show(lines); }
  void learn(const control::Command& command) { names_.learn(command); }
  void on_resize() { prompt_.resize(terminal_.columns()); }
  void on_continue();
  /// Sets the terminal back: what is shown from now on stands below what was there.
  void leave();

 private:
  void on_line(std::string line);

  const StateFolder* folder_;
  Handlers handlers_;
  terminal::Names names_;
  Terminal terminal_;
  terminal::Prompt prompt_;
};

}  // namespace beckon::client::cli
