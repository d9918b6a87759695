#pragma once

#include <cstdint>
#include <string_view>

namespace beckon::sip {

/// Methods the project knows. Names are case-sensitive (RFC 3261 7.1).
enum class Method : std::uint8_t {
  other,
  ack,
  bye,
  cancel,
  info,
  invite,
  message,
  notify,
  options,
  prack,
  publish,
  refer,
  register_,
  subscribe,
  update,
};
Method parse_method(std::string_view name);
std::string_view to_string(Method method);  ///< "REGISTER", ...; "OTHER" for `other`.

}  // namespace beckon::sip
