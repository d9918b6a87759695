#include "protocol/xml/reference.hpp"

#include <array>
#include <utility>

#include "protocol/base/text.hpp"

namespace beckon::xml {

namespace {

/// The characters of XML 1.0 2.2, as far as a reference can name them.
bool is_xml_char(std::uint32_t code) {
  if (code < 0x20) return code == '\t' || code == '\n' || code == '\r';
  return code < 0xD800 || (code > 0xDFFF && code < 0xFFFE) || (code >= 0x10000 && code <= 0x10FFFF);
}

constexpr std::array<std::pair<std::string_view, char>, 5> entities = {
    {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};

}  // namespace

char* put_utf8(char* to, std::uint32_t code) {
  const auto put = [&to](std::uint32_t octet) { *to++ = static_cast<char>(octet); };
  if (code < 0x80) {
    put(code);
    return to;
  }
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xE0 | code >> 12);
    } else {
      put(0xF0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3F));
    }
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
  return to;
}

Fault resolve_reference(std::string_view name, std::uint32_t& code) {
  for (const auto& [known, character] : entities) {
    if (name != known) continue;
    code = static_cast<unsigned char>(character);
    return std::nullopt;
  }
  if (!name.starts_with('#')) return Errc::bad_entity;
  const bool hex = name.substr(1).starts_with('x');
  const auto number = parse_number<std::uint32_t>(name.substr(hex ? 2 : 1), hex ? 16 : 10);
  if (!number) return Errc::bad_entity;
  if (!is_xml_char(*number)) return Errc::bad_character;
  code = *number;
  return std::nullopt;
}

}  // namespace beckon::xml
