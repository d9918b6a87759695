#include "protocol/documents/error.hpp"

namespace beckon::documents {

const char* to_string(Errc value) {
  switch (value) {
    case Errc::wrong_root:
      return "another kind of document";
    case Errc::missing_attribute:
      return "a required attribute is missing";
    case Errc::bad_value:
      return "a value is outside its range";
    case Errc::bad_structure:
      return "a required element is missing or stands twice";
    case Errc::duplicate_id:
      return "two elements have the same id";
    case Errc::rule_in_the_way:
      return "a rule for everyone outvotes the decision";
    case Errc::bad_boundary:
      return "a multipart body without a valid boundary";
    case Errc::bad_multipart:
      return "the parts of a multipart body cannot be told apart";
    case Errc::too_many_parts:
      return "too many parts in a multipart body";
    case Errc::too_deep:
      return "multipart bodies are nested too deeply";
    case Errc::unknown_encoding:
      return "an unknown transfer encoding";
  }
  return "unknown document error";
}

}  // namespace beckon::documents
