#include "protocol/xml/writer.hpp"

#include <cassert>

#include "protocol/base/text.hpp"

namespace beckon::xml {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// Octets of the UTF-8 character at the front that XML can carry; 0 if there is none.
std::size_t character_size(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  const auto character = text.substr(0, size);
  if (!is_utf8(character) || character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF") return 0;
  return character.size();
}

std::string_view entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\r':
      return "&#13;";
    default:
      return {};
  }
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    const auto name = entity(text[0]);
    if (!name.empty()) {
      out += name;
    } else if (size == 0) {
      out += replacement;
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
}

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_escaped(out, text);
  return out;
}

Writer::Writer(Start start) {
  if (start == Start::declaration) out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
}

void Writer::end_start_tag() {
  if (in_start_tag_) out_ += '>';
  in_start_tag_ = false;
}

Writer& Writer::open(std::string_view name) {
  end_start_tag();
  out_ += '<';
  out_ += name;
  open_.emplace_back(name);
  in_start_tag_ = true;
  return *this;
}

Writer& Writer::declare(std::string_view prefix, std::string_view ns) {
  std::string name = "xmlns";
  if (!prefix.empty()) name.append(":").append(prefix);
  return attribute(name, ns);
}

Writer& Writer::attribute(std::string_view name, std::string_view value) {
  assert(in_start_tag_);
  out_ += ' ';
  out_ += name;
  out_ += "=\"";
  append_escaped(out_, value);
  out_ += '"';
  return *this;
}

Writer& Writer::attribute(std::string_view name, std::uint64_t value) {
  return attribute(name, std::string_view(std::to_string(value)));
}

Writer& Writer::text(std::string_view text) {
  end_start_tag();
  append_escaped(out_, text);
  return *this;
}

Writer& Writer::raw(std::string_view xml) {
  end_start_tag();
  out_ += xml;
  return *this;
}

Writer& Writer::close() {
  assert(!open_.empty());
  if (in_start_tag_) {
    out_ += "/>";
    in_start_tag_ = false;
  } else {
    out_ += "</";
    out_ += open_.back();
    out_ += '>';
  }
  open_.pop_back();
  return *this;
}

Writer& Writer::element(std::string_view name, std::string_view text) {
  open(name);
  if (!text.empty()) this->text(text);
  return close();
}

std::string Writer::finish() {
  while (!open_.empty()) close();
  return std::move(out_);
}

}  // namespace beckon::xml
