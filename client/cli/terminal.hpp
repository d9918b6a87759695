#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/base/time.hpp"
#include "protocol/net/loop.hpp"

namespace beckon::client::cli {

/// The terminal that standard input and output are: each key comes at once and is not echoed, until the end
/// of this object, which sets the terminal back. Ctrl-Z stops the program as ever; Ctrl-C comes as a key.
class Terminal {
 public:
  struct Handlers {
    std::function<void(std::string_view octets)> on_octets;
    std::function<void()> on_end;  ///< The terminal has gone.
  };

  /// Are both a terminal that understands cursor movements (TERM is set, and not "dumb")?
  static bool is_usable();

  Terminal(net::Loop& loop, Handlers handlers);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// Waits until the terminal has taken it.
  void write(std::string_view octets);
  std::size_t columns() const;
  /// The program continues after Ctrl-Z: another one may have set the terminal otherwise.
  void resume();
  /// Sets the terminal back now.
  void leave();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// May output to this descriptor be coloured? It is a terminal, TERM is set and not "dumb", and NO_COLOR is
/// unset or empty (https://no-color.org).
bool may_colour(int descriptor);

/// "12:03:41 CET": the local time of day, and its zone; and with the date,
/// "2026-11-21 12:03:41 CET".
std::string local_time(WallTime time);
std::string local_date(WallTime time);

}  // namespace beckon::client::cli
