#pragma once

#include <string>
#include <string_view>

#include "client/terminal/keys.hpp"

namespace beckon::client::terminal {

/// The line being typed and the place in it where the next character goes. It may have line ends in it, from
/// a paste or Alt and Enter.
class Line {
 public:
  explicit Line(std::size_t size_max) : size_max_(size_max) {}

  const std::string& text() const { return text_; }
  std::size_t cursor() const { return cursor_; }
  bool empty() const { return text_.empty(); }
  std::string_view before_cursor() const { return std::string_view(text_).substr(0, cursor_); }

  /// A new text, with the cursor behind it.
  void set(std::string text);
  /// False: it would become longer than `size_max`, and stays as it is.
  bool insert(std::string_view text);
  /// Replaces what stands between `from` and the cursor.
  bool replace(std::size_t from, std::string_view text);
  /// Does what the key says to the text; false for a key that is nothing to a line, or has nothing to do.
  bool edit(const Key& key);

 private:
  bool erase(std::size_t from, std::size_t to, bool keep);
  bool move(std::size_t to);
  bool swap();
  std::size_t word_before() const;
  std::size_t word_after() const;

  std::size_t size_max_;
  std::string text_;
  std::size_t cursor_ = 0;
  std::string erased_;  ///< For Ctrl-Y.
};

/// A part of a line as it stands on the screen: one row.
struct Window {
  std::string shown;
  std::size_t cursor = 0;  ///< Column.
};

/// What fits into `width` columns, at least 16, around the cursor: the line scrolls sideways, so what stands
/// above never moves. '<' and '>' mark what is hidden. `first` is where the window begins in the text, kept
/// from one call to the next.
Window window_of(const Line& line, std::size_t width, std::size_t& first);

}  // namespace beckon::client::terminal
