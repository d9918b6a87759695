#pragma once

#include "protocol/base/result.hpp"

namespace beckon::documents {

/// Why a document was not taken. Faults of the XML itself carry the category of protocol/xml instead.
enum class Errc {
  wrong_root = 1,     ///< Another document: the root element is not this format's.
  missing_attribute,  ///< A required attribute is absent or empty.
  bad_value,          ///< An attribute or element content outside its value range.
  bad_structure,      ///< A required child is missing or stands twice.
  duplicate_id,       ///< Two rules (RFC 4745), or two tuples, persons or devices (RFC 3863) carry one id.
  rule_in_the_way,    ///< A rule without identity condition decides for everyone: it cannot except one.
  bad_boundary,       ///< A Content-Type without a boundary of 1 to 70 characters (RFC 2046 5.1.1).
  bad_multipart,      ///< No delimiter, no closing one, or a part's header is malformed (RFC 2046 5.1.1).
  too_many_parts,     ///< More parts or header lines than MultipartLimits.
  too_deep,           ///< Multiparts in multiparts past MultipartLimits::depth.
  unknown_encoding,   ///< A Content-Transfer-Encoding we do not read.
};
const char* to_string(Errc value);

}  // namespace beckon::documents

BECKON_ERROR_ENUM(beckon::documents, Errc, "beckon.documents")
