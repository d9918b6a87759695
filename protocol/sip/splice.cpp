#include <algorithm>
#include <bitset>
#include <charconv>
#include <cstring>

#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/grammar.hpp"

namespace beckon::sip {

namespace {

/// Octets of one line we write beside its value: the longest name, ": ", CRLF.
constexpr std::size_t line_overhead = 64;
constexpr std::size_t usual_edits = 8;

char* put(char* out, std::string_view text) {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* put_line(char* out, std::string_view name, std::string_view value) {
  return put(put(put(put(out, name), ": "), value), "\r\n");
}

/// As it stands, but for an end that is a LF alone.
char* put_whole_line(char* out, std::string_view line) {
  if (line.ends_with("\r\n")) return put(out, line);
  line.remove_suffix(1);
  return put(put(out, line), "\r\n");
}

/// Where the first value of a comma list ends: the comma, or the end of the text.
std::size_t first_value_end(std::string_view value) { return grammar::find_outside(value, ","); }

char* put_without_first(char* out, const HeaderLine& line) {
  const auto end = first_value_end(line.value);
  return end < line.value.size() ? put_line(out, line.name, trim(line.value.substr(end + 1))) : out;
}

char* put_with_first(char* out, const HeaderLine& line, std::string_view value) {
  out = put(put(put(out, line.name), ": "), value);
  return put(put(out, line.value.substr(first_value_end(line.value))), "\r\n");
}

}  // namespace

std::string_view Splice::keep(std::string_view value) {
  added_ += value.size();
  if (value.empty()) return {};
  auto* copy = static_cast<char*>(memory_.allocate(value.size(), 1));
  std::memcpy(copy, value.data(), value.size());
  return {copy, value.size()};
}

Splice& Splice::request_uri(std::string_view uri) {
  uri_ = keep(uri);
  return *this;
}

Splice& Splice::edit(Edit::Kind kind, HeaderId id, std::string_view value) {
  std::erase_if(edits_, [id](const Edit& edit) { return edit.id == id; });
  if (edits_.empty()) edits_.reserve(usual_edits);
  edits_.push_back({kind, id, keep(value)});
  return *this;
}

Splice& Splice::drop_first(HeaderId id) { return edit(Edit::Kind::drop_first, id, {}); }
Splice& Splice::drop(HeaderId id) { return edit(Edit::Kind::drop, id, {}); }
Splice& Splice::replace(HeaderId id, std::string_view value) { return edit(Edit::Kind::replace, id, value); }
Splice& Splice::replace(HeaderId id, std::uint32_t value) {
  std::array<char, 10> digits;
  const auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return replace(id, std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}
Splice& Splice::replace_first(HeaderId id, std::string_view value) {
  return edit(Edit::Kind::replace_first, id, value);
}

Splice& Splice::prepend(HeaderId id, std::string_view value) {
  if (front_.empty()) front_.reserve(usual_edits);
  front_.push_back({id, keep(value)});
  return *this;
}

const Splice::Edit* Splice::find_edit(HeaderId id) const {
  const auto found =
      std::find_if(edits_.begin(), edits_.end(), [id](const Edit& edit) { return edit.id == id; });
  return found == edits_.end() ? nullptr : &*found;
}

char* Splice::write_edited(char* out, const HeaderLine& line, const Edit& edit, bool first) const {
  switch (edit.kind) {
    case Edit::Kind::drop:
      return out;
    case Edit::Kind::replace:
      return first ? put_line(out, to_string(edit.id), edit.value) : out;
    case Edit::Kind::drop_first:
      return first ? put_without_first(out, line) : put_whole_line(out, line.line);
    case Edit::Kind::replace_first:
      return first ? put_with_first(out, line, edit.value) : put_whole_line(out, line.line);
  }
  return out;
}

char* Splice::write_start_line(char* out) const {
  const auto text = message_.text();
  if (message_.is_response() || uri_.empty()) return put_whole_line(out, text.substr(0, text.find('\n') + 1));
  return put(put(put(put(out, message_.method_text()), " "), uri_), " SIP/2.0\r\n");
}

/// Octets the message takes at most: what it has, what was added, and the lines a LF alone ended.
std::size_t Splice::bound() const {
  const auto written = front_.size() + edits_.size() + 2;  // and a start line, a Content-Length
  return message_.text().size() + message_.headers().size() + added_ + written * line_overhead;
}

char* Splice::write(char* out) const {
  out = write_start_line(out);
  for (auto line = front_.rbegin(); line != front_.rend(); ++line) {
    out = put_line(out, to_string(line->id), line->value);
  }
  std::string_view run;  // untouched lines that lie side by side
  std::bitset<256> met;  // by id
  for (const auto line : message_.headers()) {
    const Edit* edit = find_edit(line.id);
    if (!edit && line.line.ends_with("\r\n")) {
      const bool adjoins = run.data() + run.size() == line.line.data();
      if (!adjoins) out = put(out, run);
      run = adjoins ? std::string_view(run.data(), run.size() + line.line.size()) : line.line;
      continue;
    }
    out = put(out, run);
    run = {};
    if (!edit) {
      out = put_whole_line(out, line.line);
      continue;
    }
    const auto id = static_cast<std::size_t>(line.id);
    out = write_edited(out, line, *edit, !met[id]);
    met.set(id);
  }
  out = put(out, run);
  for (const auto& edit : edits_) {
    if (edit.kind == Edit::Kind::replace && !met[static_cast<std::size_t>(edit.id)])
      out = put_line(out, to_string(edit.id), edit.value);
  }
  const auto body = message_.body();
  if (!message_.has(HeaderId::content_length))
    out = put_line(out, to_string(HeaderId::content_length), std::to_string(body.size()));
  return put(put(out, "\r\n"), body);
}

std::string Splice::finish() const { return std::string(*finish_shared()); }

SharedText Splice::finish_shared() const {
  return SharedText::make(bound(), [this](char* out) { return static_cast<std::size_t>(write(out) - out); });
}

}  // namespace beckon::sip
