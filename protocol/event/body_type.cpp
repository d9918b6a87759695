#include "protocol/event/body_type.hpp"

#include "protocol/base/text.hpp"

namespace beckon::event {

std::string_view choose_body_type(const sip::Message& request, std::span<const std::string_view> offered) {
  if (offered.empty()) return {};
  if (!request.has(sip::HeaderId::accept)) return offered.front();
  const auto accepted = request.values(sip::HeaderId::accept);
  for (const auto type : offered) {
    const auto main_type = std::string(type.substr(0, type.find('/')));
    for (const auto value : accepted) {
      const auto range = sip::media_type(value);
      if (range == type || range == "*/*" || range == main_type + "/*") return type;
    }
  }
  return {};
}

}  // namespace beckon::event
