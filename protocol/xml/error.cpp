#include "protocol/xml/error.hpp"

namespace beckon::xml {

const char* to_string(Errc value) {
  switch (value) {
    case Errc::too_large:
      return "the XML document is too large";
    case Errc::too_deep:
      return "the XML document nests too deep";
    case Errc::too_many_nodes:
      return "the XML document has too many nodes";
    case Errc::too_many_attributes:
      return "an XML element has too many attributes";
    case Errc::too_many_bindings:
      return "the XML document has too many namespace declarations";
    case Errc::not_utf8:
      return "the XML document is not UTF-8";
    case Errc::bad_character:
      return "the XML document has a character XML does not allow";
    case Errc::has_doctype:
      return "the XML document has a document type declaration";
    case Errc::bad_entity:
      return "the XML document has an unknown or broken reference";
    case Errc::bad_syntax:
      return "the XML document is not well-formed";
    case Errc::mismatched_tag:
      return "the XML document has an end tag that does not match";
    case Errc::not_one_root:
      return "the XML document has not exactly one root element";
    case Errc::duplicate_attribute:
      return "an XML element has an attribute twice";
    case Errc::unbound_prefix:
      return "the XML document uses an undeclared namespace prefix";
    case Errc::long_namespace:
      return "the XML document declares a namespace with too long a name";
  }
  return "unknown XML error";
}

}  // namespace beckon::xml
