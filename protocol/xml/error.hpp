#pragma once

#include "protocol/base/result.hpp"

namespace beckon::xml {

/// Why a text was not taken as an XML document. Values are stable: they appear in logs.
enum class Errc {
  too_large = 1,        ///< More octets than Limits::size.
  too_deep,             ///< Elements nested deeper than Limits::depth.
  too_many_nodes,       ///< More nodes than Limits::nodes.
  too_many_attributes,  ///< One element with more attributes than Limits::attributes.
  too_many_bindings,    ///< More namespace bindings in scope than Limits::bindings.
  not_utf8,             ///< Octets that are not UTF-8, or a declared encoding that is not.
  bad_character,        ///< A character XML 1.0 does not allow, plain or as a reference.
  has_doctype,          ///< A document type declaration, well-formed or not: we never read one.
  bad_entity,           ///< A reference other than the five of XML and characters.
  bad_syntax,           ///< A tag, comment, attribute... that is not well-formed, or an early end.
  mismatched_tag,       ///< An end tag that does not name the open element.
  not_one_root,         ///< No root element, a second one, or text beside it.
  duplicate_attribute,  ///< Two attributes of one element with the same expanded name.
  unbound_prefix,       ///< A prefix no namespace declaration in scope binds.
  long_namespace,       ///< A namespace's name longer than Limits::namespace_name.
};
const char* to_string(Errc value);

}  // namespace beckon::xml

BECKON_ERROR_ENUM(beckon::xml, Errc, "beckon.xml")
