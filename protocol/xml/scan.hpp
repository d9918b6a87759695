#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/xml/error.hpp"

namespace beckon::xml {

/// What a document may cost. Each limit is the largest value still taken.
struct Limits {
  std::size_t size = 1 << 20;   ///< Octets. The largest SIP message on a stream.
  std::size_t depth = 64;       ///< The root is 1. RapidXML recurses: 57 000 levels crash a stack of 8 MB.
  std::size_t nodes = 50'000;   ///< Elements, texts, CDATA sections, comments, processing instructions.
  std::size_t attributes = 64;  ///< Of one element, namespace declarations included.
  std::size_t bindings = 64;    ///< Namespace declarations in scope at once; bounds the cost of look-ups.
};

/// Where the elements of a scanned text lie, in the order of their start tags.
struct Outline {
  struct Span {
    std::size_t begin = 0;  ///< Offset of '<' of the start tag.
    std::size_t end = 0;    ///< Offset past '>' of the end tag (or of the empty-element tag).
  };
  std::size_t start = 0;  ///< Offset after a byte order mark.
  std::vector<Span> elements;
  std::size_t attributes = 0;  ///< Of all elements together.
};

/// Proves, without recursion and before any parser sees it, that a text is a well-formed XML 1.0 document
/// in UTF-8 within the limits, without document type declaration. Prefixes are not looked up here.
Result<Outline> scan(std::string_view text, const Limits& limits = {});

}  // namespace beckon::xml
