#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/xml/tree.hpp"

namespace beckon::xml_patch {

/// The operations of RFC 5261 that make `to` of `from`, which they do on the way: `apply` to the same
/// document gives what is `xml::equal` to `to`. They are written with `prefix`, and with the prefixes that
/// the root elements declare: the diff document declares those.
///
/// Elements below the root that declare a namespace are replaced as a whole. `from` refers to `to`
/// afterwards. Nullopt: the roots or what stands beside them differ, the operations would have more than
/// `size_max` octets, or it takes too long to find them; then `from` is of no use any more.
std::optional<std::string> difference(xml::Tree& from, const xml::Tree& to, std::string_view prefix,
                                      std::size_t size_max);

}  // namespace beckon::xml_patch
