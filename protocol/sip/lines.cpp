#include "protocol/sip/lines.hpp"

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"

namespace beckon::sip {

std::string_view skip_line_ends(std::string_view text) {
  while (!text.empty()) {
    if (text.front() == '\n') {
      text.remove_prefix(1);
    } else if (text.starts_with("\r\n")) {
      text.remove_prefix(2);
    } else {
      break;
    }
  }
  return text;
}

bool LineCursor::next(std::string_view& line, std::string_view& whole) {
  const auto end = rest_.find('\n');
  if (end == std::string_view::npos) return false;
  whole = rest_.substr(0, end + 1);
  line = rest_.substr(0, end > 0 && rest_[end - 1] == '\r' ? end - 1 : end);
  rest_.remove_prefix(end + 1);
  return true;
}

bool LineCursor::at_fold() const { return !rest_.empty() && is_blank(rest_.front()); }

std::string blank_folds(std::string text) {
  LineCursor cursor(skip_line_ends(text));
  for (std::string_view line, whole; cursor.next(line, whole) && !line.empty();) {
    if (!cursor.at_fold()) continue;
    const auto end = static_cast<std::size_t>(whole.data() - text.data()) + whole.size();
    for (std::size_t i = end - (whole.size() - line.size()); i < end; ++i) text[i] = ' ';
  }
  return text;
}

bool split_header(std::string_view line, std::string_view& name, std::string_view& value) {
  std::size_t end = 0;
  while (end < line.size() && grammar::is(line[end], grammar::token)) ++end;
  name = line.substr(0, end);
  while (end < line.size() && is_blank(line[end])) ++end;
  if (name.empty() || end == line.size() || line[end] != ':') return false;
  value = trim(line.substr(end + 1));
  return line.find('\r') == std::string_view::npos;
}

std::optional<std::size_t> find_head_end(std::string_view text, std::size_t from) {
  for (auto end = text.find('\n', from); end != std::string_view::npos; end = text.find('\n', end + 1)) {
    if (text.substr(end + 1).starts_with('\n')) return end + 2;
    if (text.substr(end + 1).starts_with("\r\n")) return end + 3;
  }
  return std::nullopt;
}

bool LengthReader::add(std::string_view value) {
  const auto length = parse_number<std::uint64_t>(value);
  if (!length || (length_ && *length_ != *length)) return false;
  length_ = *length;
  return true;
}

}  // namespace beckon::sip
