#include "protocol/sdp/error.hpp"

namespace beckon::sdp {

const char* to_string(Errc value) {
  switch (value) {
    case Errc::too_long:
      return "the session description is too long";
    case Errc::too_many_lines:
      return "too many lines";
    case Errc::too_many_media:
      return "too many media descriptions";
    case Errc::too_many_formats:
      return "too many formats in one media description";
    case Errc::bad_line:
      return "a line is not \"letter=text\"";
    case Errc::unknown_type:
      return "an unknown type letter";
    case Errc::misplaced_line:
      return "a line stands where it may not";
    case Errc::duplicate_line:
      return "a line stands twice that may stand once";
    case Errc::missing_origin:
      return "there is no o= line";
    case Errc::bad_version:
      return "the version is not 0";
    case Errc::bad_origin:
      return "the o= line is malformed";
    case Errc::bad_connection:
      return "a c= line is malformed";
    case Errc::bad_bandwidth:
      return "a b= line is malformed";
    case Errc::bad_time:
      return "a t=, r= or z= line is malformed";
    case Errc::bad_media:
      return "an m= line is malformed";
    case Errc::bad_attribute:
      return "the name of an attribute is no token";
    case Errc::bad_value:
      return "the value of an attribute is malformed";
    case Errc::no_common_stream:
      return "no audio stream with a codec and protection that both ends have";
    case Errc::bad_answer:
      return "the answer does not fit the offer";
  }
  return "unknown SDP error";
}

}  // namespace beckon::sdp
