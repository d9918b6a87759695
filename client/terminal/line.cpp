#include "client/terminal/line.hpp"

#include <algorithm>
#include <utility>

#include "client/terminal/characters.hpp"

namespace beckon::client::terminal {
namespace {

using Kind = Key::Kind;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n'; }

/// The columns of a piece of text as it is shown.
std::size_t width_of(std::string_view piece) { return columns(shown(piece)); }

}  // namespace

void Line::set(std::string text) {
  text_ = std::move(text);
  cursor_ = text_.size();
}

bool Line::insert(std::string_view text) {
  if (text_.size() + text.size() > size_max_) return false;
  text_.insert(cursor_, text);
  cursor_ += text.size();
  return true;
}

bool Line::replace(std::size_t from, std::string_view text) {
  if (text_.size() - (cursor_ - from) + text.size() > size_max_) return false;
  text_.replace(from, cursor_ - from, text);
  cursor_ = from + text.size();
  return true;
}

bool Line::erase(std::size_t from, std::size_t to, bool keep) {
  if (from == to) return false;
  if (keep) erased_ = text_.substr(from, to - from);
  text_.erase(from, to - from);
  cursor_ = from;
  return true;
}

bool Line::move(std::size_t to) { return std::exchange(cursor_, to) != to; }

std::size_t Line::word_before() const {
  std::size_t at = cursor_;
  while (at > 0 && is_space(text_[at - 1])) --at;
  while (at > 0 && !is_space(text_[at - 1])) --at;
  return at;
}

std::size_t Line::word_after() const {
  std::size_t at = cursor_;
  while (at < text_.size() && is_space(text_[at])) ++at;
  while (at < text_.size() && !is_space(text_[at])) ++at;
  return at;
}

/// The two characters before the cursor change places, or, within the line, those around it.
bool Line::swap() {
  if (text_.empty() || cursor_ == 0) return false;
  const std::size_t end = cursor_ == text_.size() ? cursor_ : end_of_cluster(text_, cursor_);
  const std::size_t middle = start_of_cluster(text_, end);
  if (middle == 0) return false;
  const std::size_t begin = start_of_cluster(text_, middle);
  const auto at = [this](std::size_t i) { return text_.begin() + static_cast<std::ptrdiff_t>(i); };
  std::rotate(at(begin), at(middle), at(end));
  cursor_ = end;
  return true;
}

bool Line::edit(const Key& key) {
  const std::size_t before = cursor_ == 0 ? 0 : start_of_cluster(text_, cursor_);
  const std::size_t after = cursor_ == text_.size() ? cursor_ : end_of_cluster(text_, cursor_);
  switch (key.kind) {
    case Kind::text:
    case Kind::paste:
      return insert(key.text);
    case Kind::line_end:
      return insert("\n");
    case Kind::erase_before:
      return erase(before, cursor_, false);
    case Kind::erase_at:
    case Kind::end_of_text:
      return erase(cursor_, after, false);
    case Kind::erase_word:
      return erase(word_before(), cursor_, true);
    case Kind::erase_word_after:
      return erase(cursor_, word_after(), true);
    case Kind::erase_to_start:
      return erase(0, cursor_, true);
    case Kind::erase_to_end:
      return erase(cursor_, text_.size(), true);
    case Kind::insert_erased:
      return insert(erased_);
    case Kind::swap:
      return swap();
    case Kind::left:
      return move(before);
    case Kind::right:
      return move(after);
    case Kind::word_left:
      return move(word_before());
    case Kind::word_right:
      return move(word_after());
    case Kind::start:
      return move(0);
    case Kind::end:
      return move(text_.size());
    default:
      return false;
  }
}

Window window_of(const Line& line, std::size_t width, std::size_t& first) {
  const std::string_view text = line.text();
  width = std::max<std::size_t>(width, 16);
  const std::size_t room = width - 2;  // for the marks at both ends
  // Another line may have taken the place of the one that the window was made for.
  while (first > 0 && first < text.size() && (static_cast<unsigned char>(text[first]) & 0xc0) == 0x80)
    --first;
  // The window begins at the cursor or before it, and not so far that the cursor leaves it on the right.
  std::size_t earliest = line.cursor(), taken = 0;
  while (earliest > 0) {
    const std::size_t next = start_of_cluster(text, earliest);
    taken += width_of(text.substr(next, earliest - next));
    if (taken >= room) break;
    earliest = next;
  }
  if (text.size() < 4 * room && width_of(text) < room) {
    first = 0;
  } else if (first >= line.cursor() || first < earliest) {
    // Half of the window is kept before the cursor, so that it does not scroll at each key.
    first = line.cursor();
    for (std::size_t half = 0; first > earliest;) {
      const std::size_t next = start_of_cluster(text, first);
      half += width_of(text.substr(next, first - next));
      if (half > room / 2) break;
      first = next;
    }
  }
  Window window;
  window.shown = first > 0 ? "<" : "";
  std::size_t at = first, column = window.shown.size();
  while (at < text.size()) {
    if (at == line.cursor()) window.cursor = column;
    const std::size_t next = end_of_cluster(text, at);
    const std::string piece = shown(text.substr(at, next - at));
    const std::size_t wide = columns(piece);
    if (column + wide > width - 1) {
      window.shown += '>';
      return window;
    }
    window.shown += piece;
    column += wide;
    at = next;
  }
  if (at == line.cursor()) window.cursor = column;
  return window;
}

}  // namespace beckon::client::terminal
