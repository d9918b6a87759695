#include "client/terminal/history.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::client::terminal {
namespace {

std::string unescape(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool escaped = line[i] == '\\' && i + 1 < line.size();
    if (escaped) ++i;
    out.push_back(escaped && line[i] == 'n' ? '\n' : line[i]);
  }
  return out;
}

}  // namespace

History History::parse(std::string_view text) {
  History history;
  while (!text.empty()) {
    const auto [line, rest] = cut(text, '\n');
    if (is_utf8(line)) history.add(unescape(line));
    text = rest;
  }
  return history;
}

std::string History::print() const {
  std::string out;
  for (const std::string& line : lines_) {
    for (const char c : line) {
      if (c == '\\')
        out += "\\\\";
      else if (c == '\n')
        out += "\\n";
      else
        out += c;
    }
    out += '\n';
  }
  return out;
}

bool History::add(std::string_view line) {
  const bool keeps = !trim(line).empty() && !is_blank(line[0]) && line.size() <= line_max &&
                     (lines_.empty() || lines_.back() != line);
  if (keeps) lines_.emplace_back(line);
  if (lines_.size() > lines_max) lines_.pop_front();
  place_ = lines_.size();
  typed_.clear();
  return keeps;
}

const std::string* History::previous(std::string_view typed) {
  if (place_ == 0) return nullptr;
  if (place_ == lines_.size()) typed_ = typed;
  return &lines_[--place_];
}

const std::string* History::next() {
  if (place_ == lines_.size()) return nullptr;
  return ++place_ == lines_.size() ? &typed_ : &lines_[place_];
}

std::size_t History::find(std::string_view text, std::size_t from) const {
  for (std::size_t i = std::min(from, lines_.size()); i-- > 0;)
    if (lines_[i].find(text) != std::string::npos) return i;
  return lines_.size();
}

}  // namespace beckon::client::terminal
