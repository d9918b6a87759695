#include <algorithm>

#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/grammar.hpp"

namespace beckon::sip {

namespace {

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

/// Where the first value of a comma list ends: the comma, or the end of the text.
std::size_t first_value_end(std::string_view value) { return grammar::find_outside(value, ","); }

void append_without_first(std::string& out, const HeaderLine& line) {
  const auto end = first_value_end(line.value);
  if (end < line.value.size()) append_line(out, line.name, trim(line.value.substr(end + 1)));
}

void append_with_first(std::string& out, const HeaderLine& line, std::string_view value) {
  out.append(line.name).append(": ").append(value).append(line.value.substr(first_value_end(line.value)));
  out.append("\r\n");
}

}  // namespace

Splice& Splice::request_uri(std::string_view uri) {
  uri_ = uri;
  return *this;
}

Splice& Splice::edit(Edit::Kind kind, HeaderId id, std::string_view value) {
  std::erase_if(edits_, [id](const Edit& edit) { return edit.id == id; });
  edits_.push_back({kind, id, std::string(value)});
  return *this;
}

Splice& Splice::drop_first(HeaderId id) { return edit(Edit::Kind::drop_first, id, {}); }
Splice& Splice::drop(HeaderId id) { return edit(Edit::Kind::drop, id, {}); }
Splice& Splice::replace(HeaderId id, std::string_view value) { return edit(Edit::Kind::replace, id, value); }
Splice& Splice::replace_first(HeaderId id, std::string_view value) {
  return edit(Edit::Kind::replace_first, id, value);
}

Splice& Splice::prepend(HeaderId id, std::string_view value) {
  std::string line;
  append_line(line, to_string(id), value);
  front_.insert(0, line);
  return *this;
}

const Splice::Edit* Splice::find_edit(HeaderId id) const {
  const auto found =
      std::find_if(edits_.begin(), edits_.end(), [id](const Edit& edit) { return edit.id == id; });
  return found == edits_.end() ? nullptr : &*found;
}

void Splice::append_edited(std::string& out, const HeaderLine& line, const Edit& edit, bool first) const {
  switch (edit.kind) {
    case Edit::Kind::drop:
      return;
    case Edit::Kind::replace:
      if (first) append_line(out, to_string(edit.id), edit.value);
      return;
    case Edit::Kind::drop_first:
      return first ? append_without_first(out, line) : void(out.append(line.line));
    case Edit::Kind::replace_first:
      return first ? append_with_first(out, line, edit.value) : void(out.append(line.line));
  }
}

void Splice::append_start_line(std::string& out) const {
  const auto text = message_.text();
  if (message_.is_response() || uri_.empty()) {
    out.append(text.substr(0, text.find('\n') + 1));
  } else {
    out.append(message_.method_text()).append(" ").append(uri_).append(" SIP/2.0\r\n");
  }
}

std::string Splice::finish() const {
  std::string out;
  out.reserve(message_.text().size() + front_.size() + 256);
  append_start_line(out);
  out += front_;
  std::vector<bool> met(edits_.size());
  for (const auto& line : message_.headers()) {
    const Edit* edit = find_edit(line.id);
    if (!edit) {
      out += line.line;
      continue;
    }
    const auto index = static_cast<std::size_t>(edit - edits_.data());
    append_edited(out, line, *edit, !met[index]);
    met[index] = true;
  }
  for (std::size_t i = 0; i < edits_.size(); ++i) {
    if (!met[i] && edits_[i].kind == Edit::Kind::replace)
      append_line(out, to_string(edits_[i].id), edits_[i].value);
  }
  const bool sized = message_.has(HeaderId::content_length);
  if (!sized) append_line(out, to_string(HeaderId::content_length), std::to_string(message_.body().size()));
  return out.append("\r\n").append(message_.body());
}

}  // namespace beckon::sip
