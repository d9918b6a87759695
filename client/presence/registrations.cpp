#include "client/presence/registrations.hpp"

#include <boost/json/array.hpp>

#include "protocol/base/text.hpp"

namespace beckon::client::presence {

namespace {

std::string device_of(const documents::RegisteredContact& contact) {
  std::string instance, reg_id;
  for (const auto& [name, value] : contact.unknown_parameters) {
    if (iequals(name, "+sip.instance")) instance = value;
    if (iequals(name, "reg-id")) reg_id = value;
  }
  return instance.empty() ? contact.id : instance + ' ' + reg_id;
}

}  // namespace

Registrations::News Registrations::take(const documents::RegistrationInfo& info) {
  const bool is_full = info.state == documents::RegistrationInfo::State::full;
  News news;
  // A partial document that comes late says nothing new (RFC 3680 5.1); a full one may restart the versions.
  if (!is_full && has_begun_ && info.version <= version_) return news;
  news.is_gap = !is_full && (!has_begun_ || info.version > version_ + 1);
  version_ = info.version;
  if (!is_full && !has_begun_) return news;
  std::set<std::string> active, ended;
  for (const auto& registration : info.registrations) {
    for (const auto& contact : registration.contacts) {
      const std::string device = device_of(contact);
      if (contact.state == documents::ContactState::terminated) {
        ended.insert(device);
      } else if ((is_full ? 0 : known_.size()) + active.size() < devices_max &&
                 active.insert(device).second && has_begun_ && !known_.contains(device)) {
        news.fresh.push_back(contact.uri);
      }
    }
  }
  if (is_full) known_.clear();
  for (const std::string& device : ended) known_.erase(device);
  known_.merge(active);
  has_begun_ = true;
  return news;
}

std::vector<std::pair<std::string, std::string>> newly_registered(const documents::RegistrationInfo& info) {
  using documents::ContactEvent;
  std::vector<std::pair<std::string, std::string>> fresh;
  for (const auto& registration : info.registrations)
    for (const auto& contact : registration.contacts)
      if (contact.state == documents::ContactState::active &&
          (contact.event == ContactEvent::registered || contact.event == ContactEvent::created))
        fresh.emplace_back(registration.aor, contact.uri);
  return fresh;
}

boost::json::object make_registrations_view(const documents::Registration& registration) {
  boost::json::array contacts;
  for (const auto& contact : registration.contacts) {
    boost::json::object out{{"contact", contact.uri},
                            {"state", documents::to_string(contact.state)},
                            {"event", documents::to_string(contact.event)}};
    if (contact.expires_seconds) out["expires"] = *contact.expires_seconds;
    contacts.push_back(std::move(out));
  }
  return {{"of", registration.aor},
          {"state", documents::to_string(registration.state)},
          {"contacts", std::move(contacts)}};
}

}  // namespace beckon::client::presence
