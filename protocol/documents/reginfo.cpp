#include "protocol/documents/reginfo.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/reading.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::documents {

namespace {

using xml::Element;

constexpr std::array registration_names = {"init", "active", "terminated"};
constexpr std::array contact_names = {"active", "terminated"};
constexpr std::array event_names = {"registered",  "created",   "refreshed",    "shortened", "expired",
                                    "deactivated", "probation", "unregistered", "rejected"};

std::optional<RegisteredContact> read_registered_contact(const Element& element) {
  RegisteredContact contact;
  const auto state = find_name<ContactState>(contact_names, trim(text_of(element, "state")));
  const auto event = find_name<ContactEvent>(event_names, trim(text_of(element, "event")));
  contact.id = text_of(element, "id");
  if (!state || !event || contact.id.empty()) return std::nullopt;
  contact.state = *state;
  contact.event = *event;
  contact.expires_seconds = number_of(element, "expires");
  contact.retry_after_seconds = number_of(element, "retry-after");
  contact.registered_seconds = number_of(element, "duration-registered");
  contact.q = text_of(element, "q");
  contact.call_id = text_of(element, "callid");
  contact.cseq = number_of(element, "cseq");
  for (const Element& child : element.children()) {
    if (child.is(ns::reginfo, "uri"))
      contact.uri = trim(child.text());
    else if (child.is(ns::reginfo, "display-name"))
      contact.display_name = trim(child.text());
    else if (child.is(ns::reginfo, "unknown-param"))
      contact.unknown_parameters.emplace_back(text_of(child, "name"), trim(child.text()));
    else if (child.is(ns::gruuinfo, "pub-gruu"))
      contact.public_gruu = trim(text_of(child, "uri"));
    else if (child.is(ns::gruuinfo, "temp-gruu"))
      contact.temporary_gruu = {std::string(trim(text_of(child, "uri"))), number_of(child, "first-cseq")};
    else
      contact.extensions.push_back(child.keep());
  }
  return contact;
}

std::optional<Registration> read_registration(const Element& element) {
  Registration registration{.aor = text_of(element, "aor"), .id = text_of(element, "id")};
  const auto state = find_name<RegistrationState>(registration_names, trim(text_of(element, "state")));
  if (!state || registration.id.empty()) return std::nullopt;
  registration.state = *state;
  for (const Element& child : element.children()) {
    if (!child.is(ns::reginfo, "contact"))
      registration.extensions.push_back(child.keep());
    else if (auto contact = read_registered_contact(child))
      registration.contacts.push_back(std::move(*contact));
  }
  return registration;
}

bool has_gruu(const RegistrationInfo& info) {
  return std::ranges::any_of(info.registrations, [](const Registration& registration) {
    return std::ranges::any_of(registration.contacts, [](const RegisteredContact& contact) {
      return !contact.public_gruu.empty() || !contact.temporary_gruu.uri.empty();
    });
  });
}

void write(xml::Writer& writer, const RegisteredContact& contact) {
  writer.open("contact").attribute("id", contact.id);
  writer.attribute("state", to_string(contact.state)).attribute("event", to_string(contact.event));
  if (contact.registered_seconds) writer.attribute("duration-registered", *contact.registered_seconds);
  if (contact.expires_seconds) writer.attribute("expires", *contact.expires_seconds);
  if (contact.retry_after_seconds) writer.attribute("retry-after", *contact.retry_after_seconds);
  if (!contact.q.empty()) writer.attribute("q", contact.q);
  if (!contact.call_id.empty()) writer.attribute("callid", contact.call_id);
  if (contact.cseq) writer.attribute("cseq", *contact.cseq);
  writer.element("uri", contact.uri);
  if (!contact.display_name.empty()) writer.element("display-name", contact.display_name);
  for (const auto& [name, value] : contact.unknown_parameters)
    writer.open("unknown-param").attribute("name", name).text(value).close();
  if (!contact.public_gruu.empty()) {
    writer.open("gr:pub-gruu").attribute("uri", contact.public_gruu).close();
  }
  if (!contact.temporary_gruu.uri.empty()) {
    writer.open("gr:temp-gruu").attribute("uri", contact.temporary_gruu.uri);
    if (contact.temporary_gruu.first_cseq) writer.attribute("first-cseq", *contact.temporary_gruu.first_cseq);
    writer.close();
  }
  for (const auto& extension : contact.extensions) writer.raw(extension.text);
  writer.close();
}

void write(xml::Writer& writer, const Registration& registration) {
  writer.open("registration").attribute("aor", registration.aor).attribute("id", registration.id);
  writer.attribute("state", to_string(registration.state));
  for (const RegisteredContact& contact : registration.contacts) write(writer, contact);
  for (const auto& extension : registration.extensions) writer.raw(extension.text);
  writer.close();
}

}  // namespace

const char* to_string(RegistrationState state) { return registration_names[static_cast<std::size_t>(state)]; }
const char* to_string(ContactState state) { return contact_names[static_cast<std::size_t>(state)]; }
const char* to_string(ContactEvent event) { return event_names[static_cast<std::size_t>(event)]; }

Result<RegistrationInfo> parse_reginfo(std::string_view body, const xml::Limits& limits) {
  const auto document = xml::parse(body, limits);
  if (document.has_error()) return document.error();
  const Element& root = document->root();
  if (!root.is(ns::reginfo, "reginfo")) return Errc::wrong_root;
  const auto version = root.attribute("version");
  const auto state = root.attribute("state");
  if (!version || !state) return Errc::missing_attribute;
  const auto number = parse_number<std::uint32_t>(trim(*version));
  if (!number || (*state != "full" && *state != "partial")) return Errc::bad_value;
  RegistrationInfo info;
  info.version = *number;
  info.state = *state == "full" ? RegistrationInfo::State::full : RegistrationInfo::State::partial;
  for (const Element& child : root.children()) {
    if (!child.is(ns::reginfo, "registration"))
      info.extensions.push_back(child.keep());
    else if (auto registration = read_registration(child))
      info.registrations.push_back(std::move(*registration));
  }
  return info;
}

std::string print(const RegistrationInfo& info) {
  xml::Writer writer;
  writer.open("reginfo").declare("", ns::reginfo);
  if (has_gruu(info)) writer.declare("gr", ns::gruuinfo);
  writer.attribute("version", info.version);
  writer.attribute("state", info.state == RegistrationInfo::State::full ? "full" : "partial");
  for (const Registration& registration : info.registrations) write(writer, registration);
  for (const auto& extension : info.extensions) writer.raw(extension.text);
  return writer.finish();
}

bool merge(RegistrationInfo& known, const RegistrationInfo& news) {
  if (news.state == RegistrationInfo::State::full) {
    known = news;
    return true;
  }
  if (news.version <= known.version) return true;
  if (news.version != known.version + 1) return false;
  known.version = news.version;
  for (Registration& registration : known.registrations)
    std::erase_if(registration.contacts,
                  [](const RegisteredContact& each) { return each.state == ContactState::terminated; });
  for (const Registration& changed : news.registrations) {
    const auto registration = std::ranges::find(known.registrations, changed.id, &Registration::id);
    if (registration == known.registrations.end()) {
      known.registrations.push_back(changed);
      continue;
    }
    std::vector<RegisteredContact> contacts = std::exchange(registration->contacts, {});
    for (const RegisteredContact& contact : changed.contacts) {
      const auto before = std::ranges::find(contacts, contact.id, &RegisteredContact::id);
      if (before == contacts.end())
        contacts.push_back(contact);
      else
        *before = contact;
    }
    *registration = changed;
    registration->contacts = std::move(contacts);
  }
  return true;
}

}  // namespace beckon::documents
