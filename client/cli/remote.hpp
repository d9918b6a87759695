#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <functional>
#include <memory>

#include "client/control/command.hpp"
#include "protocol/net/loop.hpp"

namespace beckon::client::cli {

/// The agent in the background, as its controller sees it.
class Remote {
 public:
  struct Handlers {
    std::function<void(boost::json::object event)> on_event;
    std::function<void()> on_end;  ///< The agent has ended, or let this controller go.
  };

  Remote(net::Loop& loop, Handlers handlers);
  ~Remote();

  /// Errors: the system's.
  Result<void> connect(const std::filesystem::path& socket);
  /// Sent before the call returns.
  void execute(const control::Command& command);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace beckon::client::cli
