#include "protocol/sip/method.hpp"

#include <array>
#include <cstddef>

namespace beckon::sip {

namespace {

constexpr std::array<std::string_view, 15> method_names{
    "OTHER",   "ACK",   "BYE",     "CANCEL", "INFO",     "INVITE",    "MESSAGE", "NOTIFY",
    "OPTIONS", "PRACK", "PUBLISH", "REFER",  "REGISTER", "SUBSCRIBE", "UPDATE"};

}  // namespace

Method parse_method(std::string_view name) {
  for (std::size_t i = 1; i < method_names.size(); ++i) {
    if (name == method_names[i]) return static_cast<Method>(i);
  }
  return Method::other;
}

std::string_view to_string(Method method) { return method_names[static_cast<std::size_t>(method)]; }

}  // namespace beckon::sip
