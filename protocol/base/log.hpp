#pragma once

#include <fmt/format.h>

#include <string_view>

namespace beckon::log {

enum class Level { trace, debug, info, warn, error, off };

/// Sets where lines go (standard error unless set) and from which level on (info unless set). Call before
/// threads start. The simulation and unit tests leave the level at `off`... `warn`.
void set_level(Level level);
Level level();
/// Reads "trace", "debug", "info", "warn", "error" or "off".
bool set_level(std::string_view name);

/// Writes one finished line: time, level, room, text. Thread-safe. Control characters in the text are
/// escaped, so a peer cannot forge lines.
void write(Level level, std::string_view room, std::string_view text);

/// One line per event: room, then peer, key (Call-ID or branch), and what happened; never a password,
/// nonce answer or key.
template <class... Args>
void line(Level at, std::string_view room, fmt::format_string<Args...> format, Args&&... args) {
  if (at >= level()) write(at, room, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void debug(std::string_view room, fmt::format_string<Args...> format, Args&&... args) {
  line(Level::debug, room, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(std::string_view room, fmt::format_string<Args...> format, Args&&... args) {
  line(Level::info, room, format, std::forward<Args>(args)...);
}
template <class... Args>
void warn(std::string_view room, fmt::format_string<Args...> format, Args&&... args) {
  line(Level::warn, room, format, std::forward<Args>(args)...);
}
template <class... Args>
void error(std::string_view room, fmt::format_string<Args...> format, Args&&... args) {
  line(Level::error, room, format, std::forward<Args>(args)...);
}

}  // namespace beckon::log
