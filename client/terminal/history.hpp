#pragma once

#include <deque>
#include <string>
#include <string_view>

namespace beckon::client::terminal {

/// The lines typed before, and the place among them where the up and down keys have led. What it holds is
/// bounded: lines of 4096 octets, 1000 of them. Passwords are never typed at the prompt; a line that begins
/// with a blank is not kept.
class History {
 public:
  static constexpr std::size_t line_max = 4096, lines_max = 1000;

  /// Reads what `print` wrote; lines that do not fit are left out.
  static History parse(std::string_view text);
  /// One line each, the oldest first; a line end in it is "\n", a backslash "\\".
  std::string print() const;

  const std::deque<std::string>& lines() const { return lines_; }
  /// False: the line is not kept, or stands last already. The place is again behind all lines.
  bool add(std::string_view line);
  /// The line before the place, or after it; null at either end. `typed` is what stands in the line now: it
  /// is kept while the place is behind all lines, and comes back there.
  const std::string* previous(std::string_view typed);
  const std::string* next();
  /// The newest line before `from` (from the newest: lines().size()) that has `text` in it: its number, or
  /// lines().size().
  std::size_t find(std::string_view text, std::size_t from) const;

 private:
  std::deque<std::string> lines_;
  std::size_t place_ = 0;
  std::string typed_;
};

}  // namespace beckon::client::terminal
