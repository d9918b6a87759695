#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/text.hpp"
#include "protocol/xml/document.hpp"

/// What several readers of documents share.
namespace beckon::documents {

/// The enumerator whose name `text` is; `names` are in the enumeration's order.
template <class E, std::size_t N>
std::optional<E> find_name(const std::array<const char*, N>& names, std::string_view text) {
  for (std::size_t i = 0; i < N; ++i)
    if (text == names[i]) return static_cast<E>(i);
  return std::nullopt;
}

/// The attribute's value; empty where there is none.
inline std::string text_of(const xml::Element& element, std::string_view name) {
  return std::string(element.attribute(name).value_or(""));
}

/// A number attribute; nullopt where there is none or it is none.
inline std::optional<std::uint64_t> number_of(const xml::Element& element, std::string_view name) {
  const auto text = element.attribute(name);
  return text ? parse_number<std::uint64_t>(trim(*text)) : std::nullopt;
}

/// What an xs:boolean says; nullopt where it is none.
inline std::optional<bool> read_bool(std::string_view text) {
  text = trim(text);
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return std::nullopt;
}

}  // namespace beckon::documents
