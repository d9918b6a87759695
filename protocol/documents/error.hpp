#pragma once

#include "protocol/base/result.hpp"

namespace beckon::documents {

/// Why a document was not taken. Faults of the XML itself carry the category of protocol/xml instead.
enum class Errc {
  wrong_root = 1,     ///< Another document: the root element is not this format's.
  missing_attribute,  ///< A required attribute is absent or empty.
  bad_value,          ///< An attribute or element content outside its value range.
  bad_structure,      ///< A required child is missing or stands twice.
  duplicate_id,       ///< Two rules (RFC 4745) carry one id.
  rule_in_the_way,    ///< A rule without identity condition decides for everyone: it cannot except one.
};
const char* to_string(Errc value);

}  // namespace beckon::documents

BECKON_ERROR_ENUM(beckon::documents, Errc, "beckon.documents")
