#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "protocol/base/text.hpp"

/// Pieces of text that lines and attributes share.
namespace beckon::sdp {

/// Words between runs of blanks. COMPAT: RFC 8866 has one blank between two and none after the last;
/// equipment that pads lines is old and many.
inline std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; (at = text.find_first_not_of(" \t", at)) != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

inline bool is_number(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); }

/// RFC 8866 9: token.
inline bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("\"(),/:;<=>?@[\\]").find(c) == std::string_view::npos;
  });
}

}  // namespace beckon::sdp
