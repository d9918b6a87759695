#include "protocol/xml/writer.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "protocol/base/text.hpp"

namespace beckon::xml {

namespace {

constexpr std::size_t usual_size = 1024;  ///< Octets; most documents are smaller.
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

constexpr std::string_view entity(char c) {
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

/// Octets that are written as they are, whatever stands beside them.
constexpr auto plain = [] {
  std::array<bool, 256> table{};
  for (std::size_t i = 0x20; i < 0x80; ++i) table[i] = entity(static_cast<char>(i)).empty();
  table['\t'] = table['\n'] = true;
  return table;
}();

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto odd =
        std::find_if(text.begin(), text.end(), [](char c) { return !plain[static_cast<unsigned char>(c)]; });
    out.append(text.begin(), odd);
    text.remove_prefix(static_cast<std::size_t>(odd - text.begin()));
    if (text.empty()) return;
    const std::size_t size = character_size(text);
    const auto name = entity(text[0]);
    out += !name.empty() ? name : size == 0 ? replacement : text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
}

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_escaped(out, text);
  return out;
}

Writer::Writer(Start start) {
  if (start == Start::fragment) return;
  out_.reserve(usual_size);
  out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
}

void Writer::end_start_tag() {
  if (in_start_tag_) out_ += '>';
  in_start_tag_ = false;
}

Writer& Writer::open(std::string_view name) {
  end_start_tag();
  out_ += '<';
  open_.push_back({out_.size(), name.size()});
  out_ += name;
  in_start_tag_ = true;
  return *this;
}

Writer& Writer::declare(std::string_view prefix, std::string_view ns) {
  assert(in_start_tag_);
  out_ += prefix.empty() ? " xmlns" : " xmlns:";
  out_ += prefix;
  write_value(ns);
  return *this;
}

Writer& Writer::attribute(std::string_view name, std::string_view value) {
  assert(in_start_tag_);
  out_ += ' ';
  out_ += name;
  write_value(value);
  return *this;
}

void Writer::write_value(std::string_view value) {
  out_ += "=\"";
  append_escaped(out_, value);
  out_ += '"';
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
    out_.append(out_, open_.back().begin, open_.back().size);
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
