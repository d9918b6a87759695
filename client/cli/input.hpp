#pragma once

#include <functional>
#include <memory>
#include <string>

#include "protocol/net/loop.hpp"

namespace beckon::client::cli {

/// Reads lines of standard input without blocking the loop: from a terminal, a pipe or a file.
class Input {
 public:
  struct Handlers {
    std::function<void(std::string line)> on_line;
    std::function<void()> on_too_long;  ///< A line over control::line_max was dropped.
    std::function<void()> on_end;
  };

  Input(net::Loop& loop, Handlers handlers);
  ~Input();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace beckon::client::cli
