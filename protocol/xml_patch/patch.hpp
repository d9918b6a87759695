#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/xml/selector.hpp"
#include "protocol/xml/tree.hpp"
#include "protocol/xml_patch/error.hpp"

namespace beckon::xml_patch {

/// What a patch may cost.
struct Limits {
  std::size_t work = 2'000'000;  ///< Visits of nodes: some ten milliseconds.
  std::size_t depth = xml::Limits{}.depth;
  std::size_t attributes = xml::Limits{}.attributes;  ///< Of one element, declarations included.
};

/// Applies the operations <add>, <replace>, <remove> of `ns` that are the children of `diff`, one after the
/// other (RFC 5261 4). Prefixes in them are those of the diff document. After an error some have been applied
/// and `target` is of no use any more. Errors: all of Errc.
///
/// A prefix that a new declaration gives another namespace, or a text with too many octets, is not looked
/// for: whoever reads the result parses it.
Result<void> apply(xml::Tree& target, const xml::Node& diff, std::string_view ns,
                   const xml::Vocabulary& vocabulary = {}, const Limits& limits = {});

}  // namespace beckon::xml_patch
