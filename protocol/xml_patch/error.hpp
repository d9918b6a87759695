#pragma once

#include "protocol/base/result.hpp"

namespace beckon::xml_patch {

/// Why a patch could not be applied: the conditions of RFC 5261 5.1. `to_string` gives the names of its error
/// elements.
enum class Errc {
  invalid_attribute_value = 1,     ///< 'sel', 'type', 'ws' or 'pos' is no such value, or 'sel' is missing.
  invalid_diff_format,             ///< Content where an operation has none.
  invalid_namespace_prefix,        ///< A prefix that is not declared, is in use, or declared already.
  invalid_namespace_uri,           ///< The target does not have this namespace where it is needed.
  invalid_node_types,              ///< The content is not of the kind that the operation needs.
  invalid_patch_directive,         ///< No operation that we know; an attribute to be added that is there.
  invalid_root_element_operation,  ///< The root element would go, or get a sibling.
  invalid_xml_prolog_operation,    ///< Something beside the root element that cannot stand there.
  invalid_whitespace_directive,    ///< The white space that 'ws' wants to go is not there.
  unlocated_node,                  ///< 'sel' names no node, or several.
  too_costly,                      ///< Not of the RFC: past Limits.
};
const char* to_string(Errc value);

}  // namespace beckon::xml_patch

BECKON_ERROR_ENUM(beckon::xml_patch, Errc, "beckon.xml_patch")
