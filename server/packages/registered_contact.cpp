#include "server/packages/registered_contact.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"

namespace beckon::server::packages {

using documents::ContactEvent;
using documents::RegisteredContact;
using registrar::Binding;
using registrar::BindingEvent;

namespace {

ContactEvent event_of(BindingEvent event) {
  switch (event) {
    case BindingEvent::registered:
      return ContactEvent::registered;
    case BindingEvent::created:
      return ContactEvent::created;
    case BindingEvent::refreshed:
      return ContactEvent::refreshed;
    case BindingEvent::shortened:
      return ContactEvent::shortened;
    case BindingEvent::expired:
      return ContactEvent::expired;
    case BindingEvent::deactivated:
      return ContactEvent::deactivated;
    case BindingEvent::unregistered:
      return ContactEvent::unregistered;
    case BindingEvent::rejected:
      return ContactEvent::rejected;
  }
  return ContactEvent::registered;
}

/// "0.8"; empty for the default, which says nothing.
std::string print_q(float q) {
  if (q == 1.0F) return {};
  std::array<char, 16> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), q).ptr};
}

/// Parameters that RFC 3261 does not define for a Contact.
std::vector<std::pair<std::string, std::string>> unknown_parameters(std::string_view parameters) {
  std::vector<std::pair<std::string, std::string>> unknown;
  sip::grammar::each_parameter(parameters, [&](std::string_view name, std::string_view value) {
    if (iequals(name, "q") || iequals(name, "expires")) return;
    unknown.emplace_back(name, value.starts_with('"') ? sip::grammar::unquote(value) : std::string(value));
  });
  return unknown;
}

std::uint64_t seconds(Duration duration) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::round<std::chrono::seconds>(duration).count()));
}

/// Contacts with different URIs have different ids, and so have two flows to one contact (RFC 3680 5.1).
std::string id_of(const Binding& binding) {
  std::string id(binding.contact());
  if (binding.reg_id != 0) id += ";reg-id=" + std::to_string(binding.reg_id);
  return id;
}

}  // namespace

RegisteredContact contact_of(const Binding& binding, BindingEvent event, Now now) {
  RegisteredContact contact{.id = id_of(binding), .uri = std::string(binding.contact())};
  contact.event = event_of(event);
  contact.registered_seconds = seconds(now.mono - binding.registered);
  if (registrar::is_end(event))
    contact.state = documents::ContactState::terminated;
  else
    contact.expires_seconds = seconds(binding.expires - now.mono);
  contact.q = print_q(binding.q);
  contact.call_id = binding.call_id();
  contact.cseq = binding.cseq;
  contact.unknown_parameters = unknown_parameters(binding.parameters());
  return contact;
}

}  // namespace beckon::server::packages
