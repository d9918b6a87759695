#include "media/direct/types.hpp"

namespace beckon::direct {

const char* to_string(Reason reason) {
  switch (reason) {
    case Reason::none:
      return "none";
    case Reason::busy:
      return "busy";
    case Reason::declined:
      return "declined";
    case Reason::no_answer:
      return "no answer";
    case Reason::media_not_supported:
      return "media not supported";
    case Reason::extension_not_supported:
      return "extension not supported";
    case Reason::glare_lost:
      return "glare lost";
    case Reason::answered_elsewhere:
      return "answered elsewhere";
    case Reason::mode_not_allowed:
      return "mode not allowed";
    case Reason::overload:
      return "overload";
    case Reason::normal:
      return "normal";
    case Reason::path_lost:
      return "path or consent lost";
    case Reason::revoked:
      return "revoked";
  }
  return "unknown";
}

}  // namespace beckon::direct
