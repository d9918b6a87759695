#include "protocol/event/body_type.hpp"

#include <algorithm>

#include "protocol/sip/header_value.hpp"

namespace beckon::event {

namespace {

/// "q=0": not acceptable (RFC 3261 20.1, RFC 7231 5.3.1).
bool is_refused(std::string_view range) {
  const auto q = sip::find_parameter(range.substr(std::min(range.find(';'), range.size())), "q");
  return q && sip::parse_q(*q) == 0U;
}

}  // namespace

std::string_view choose_body_type(const sip::Message& request, std::span<const std::string_view> offered) {
  if (offered.empty()) return {};
  if (!request.has(sip::HeaderId::accept)) return offered.front();
  const auto accepted = request.values(sip::HeaderId::accept);
  for (const auto type : offered) {
    const std::string all_of_main = std::string(type.substr(0, type.find('/'))) + "/*";
    int closest = 0;
    bool is_accepted = false;
    for (const auto value : accepted) {
      const auto range = sip::media_type(value);
      const int closeness = range == type ? 3 : range == all_of_main ? 2 : range == "*/*" ? 1 : 0;
      if (closeness <= closest) continue;
      closest = closeness;
      is_accepted = !is_refused(value);
    }
    if (is_accepted) return type;
  }
  return {};
}

}  // namespace beckon::event
