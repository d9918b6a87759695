#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The line level of a message, as the `Framer` reads a head. `Message` walks over lines with `scan` instead,
/// by the same rules; folds and lines that are not plain come here from it, too.
namespace beckon::sip {

/// Without the line ends that may stand in front of a start line (RFC 3261 7.5).
std::string_view skip_line_ends(std::string_view text);

/// Walks over the lines of a message's head. A line ends with CRLF; COMPAT: LF alone ends one too (old
/// test suites, hand-written scripts).
class LineCursor {
 public:
  explicit LineCursor(std::string_view text) : rest_(text) {}

  /// The next line: `line` without, `whole` with its end. False where no line end is left.
  bool next(std::string_view& line, std::string_view& whole);
  std::string_view rest() const { return rest_; }
  /// True if the line just read goes on in the next one (RFC 3261 7.3.1).
  bool at_fold() const;

 private:
  std::string_view rest_;
};

/// The same text with blanks for the line ends inside folded lines of its head.
std::string blank_folds(std::string text);

/// Splits "name : value"; the value is trimmed. False when the name is no token or a CR stands alone.
bool split_header(std::string_view line, std::string_view& name, std::string_view& value);

/// Where the head (start line to blank line) ends: the index of the first octet of the body. Nullopt when
/// the blank line has not come. `from` is a place to start from, in front of which no blank line is.
std::optional<std::size_t> find_head_end(std::string_view text, std::size_t from = 0);

/// Gathers the Content-Length lines of one message.
class LengthReader {
 public:
  /// False when the value is no number or contradicts an earlier one.
  bool add(std::string_view value);
  std::optional<std::size_t> value() const { return length_; }

 private:
  std::optional<std::size_t> length_;
};

}  // namespace beckon::sip
