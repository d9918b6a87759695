#include "protocol/xml_patch/error.hpp"

namespace beckon::xml_patch {

const char* to_string(Errc value) {
  switch (value) {
    case Errc::invalid_attribute_value:
      return "invalid-attribute-value";
    case Errc::invalid_diff_format:
      return "invalid-diff-format";
    case Errc::invalid_namespace_prefix:
      return "invalid-namespace-prefix";
    case Errc::invalid_namespace_uri:
      return "invalid-namespace-uri";
    case Errc::invalid_node_types:
      return "invalid-node-types";
    case Errc::invalid_patch_directive:
      return "invalid-patch-directive";
    case Errc::invalid_root_element_operation:
      return "invalid-root-element-operation";
    case Errc::invalid_xml_prolog_operation:
      return "invalid-xml-prolog-operation";
    case Errc::invalid_whitespace_directive:
      return "invalid-whitespace-directive";
    case Errc::unlocated_node:
      return "unlocated-node";
    case Errc::too_costly:
      return "too much work";
  }
  return "unknown patch error";
}

}  // namespace beckon::xml_patch
