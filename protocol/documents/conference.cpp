#include "protocol/documents/conference.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/reading.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::documents {

namespace {

using xml::Element;

constexpr std::array part_names = {"full", "partial", "deleted"};
constexpr std::array endpoint_status_names = {"pending",         "dialing-out",   "dialing-in",
                                              "alerting",        "on-hold",       "connected",
                                              "muted-via-focus", "disconnecting", "disconnected"};

/// Nothing: it is none that we know.
std::optional<ConferencePart> part_of(const Element& element) {
  const auto text = element.attribute("state");
  return text ? find_name<ConferencePart>(part_names, trim(*text)) : ConferencePart::full;
}

bool is(const Element& element, std::string_view name) { return element.is(ns::conference, name); }

std::string trimmed(const Element& element) { return std::string(trim(element.text())); }

std::optional<ConferenceEndpoint> read_endpoint(const Element& element) {
  const auto part = part_of(element);
  ConferenceEndpoint endpoint{.entity = text_of(element, "entity")};
  if (!part || endpoint.entity.empty()) return std::nullopt;
  endpoint.part = *part;
  for (const Element& child : element.children()) {
    if (is(child, "display-text"))
      endpoint.display_text = trimmed(child);
    else if (is(child, "status"))
      endpoint.status = find_name<EndpointStatus>(endpoint_status_names, trimmed(child));
    else
      endpoint.extensions.push_back(child.keep());
  }
  return endpoint;
}

std::optional<ConferenceUser> read_user(const Element& element) {
  const auto part = part_of(element);
  ConferenceUser user{.entity = text_of(element, "entity")};
  if (!part || user.entity.empty()) return std::nullopt;
  user.part = *part;
  for (const Element& child : element.children()) {
    if (is(child, "display-text")) {
      user.display_text = trimmed(child);
    } else if (is(child, "roles")) {
      for (const Element& entry : child.children())
        if (is(entry, "entry")) user.roles.push_back(trimmed(entry));
    } else if (is(child, "endpoint")) {
      if (auto endpoint = read_endpoint(child)) user.endpoints.push_back(std::move(*endpoint));
    } else {
      user.extensions.push_back(child.keep());
    }
  }
  return user;
}

ConferenceDescription read_description(const Element& element) {
  ConferenceDescription description;
  for (const Element& child : element.children()) {
    if (is(child, "display-text"))
      description.display_text = trimmed(child);
    else if (is(child, "subject"))
      description.subject = trimmed(child);
    else if (is(child, "free-text"))
      description.free_text = trimmed(child);
    else if (is(child, "maximum-user-count"))
      description.maximum_user_count = parse_number<std::uint64_t>(trimmed(child));
    else
      description.extensions.push_back(child.keep());
  }
  return description;
}

ConferenceState read_state(const Element& element) {
  ConferenceState state;
  for (const Element& child : element.children()) {
    if (is(child, "user-count"))
      state.user_count = parse_number<std::uint64_t>(trimmed(child));
    else if (is(child, "active"))
      state.active = read_bool(child.text());
    else if (is(child, "locked"))
      state.locked = read_bool(child.text());
    else
      state.extensions.push_back(child.keep());
  }
  return state;
}

std::optional<ConferenceUsers> read_users(const Element& element) {
  const auto part = part_of(element);
  if (!part) return std::nullopt;
  ConferenceUsers users{.part = *part};
  for (const Element& child : element.children()) {
    if (!is(child, "user"))
      users.extensions.push_back(child.keep());
    else if (auto user = read_user(child))
      users.users.push_back(std::move(*user));
  }
  return users;
}

void write_part(xml::Writer& writer, ConferencePart part) {
  if (part != ConferencePart::full) writer.attribute("state", to_string(part));
}

void write_text(xml::Writer& writer, std::string_view name, std::string_view text) {
  if (!text.empty()) writer.element(name, text);
}

void write_extensions(xml::Writer& writer, const std::vector<xml::Fragment>& extensions) {
  for (const auto& extension : extensions) writer.raw(extension.text);
}

void write(xml::Writer& writer, const ConferenceEndpoint& endpoint) {
  writer.open("endpoint").attribute("entity", endpoint.entity);
  write_part(writer, endpoint.part);
  write_text(writer, "display-text", endpoint.display_text);
  if (endpoint.status) writer.element("status", to_string(*endpoint.status));
  write_extensions(writer, endpoint.extensions);
  writer.close();
}

void write(xml::Writer& writer, const ConferenceUser& user) {
  writer.open("user").attribute("entity", user.entity);
  write_part(writer, user.part);
  write_text(writer, "display-text", user.display_text);
  if (!user.roles.empty()) {
    writer.open("roles");
    for (const std::string& role : user.roles) writer.element("entry", role);
    writer.close();
  }
  for (const ConferenceEndpoint& endpoint : user.endpoints) write(writer, endpoint);
  write_extensions(writer, user.extensions);
  writer.close();
}

void write(xml::Writer& writer, const ConferenceDescription& description) {
  writer.open("conference-description");
  write_text(writer, "display-text", description.display_text);
  write_text(writer, "subject", description.subject);
  write_text(writer, "free-text", description.free_text);
  if (description.maximum_user_count)
    writer.element("maximum-user-count", std::to_string(*description.maximum_user_count));
  write_extensions(writer, description.extensions);
  writer.close();
}

void write(xml::Writer& writer, const ConferenceState& state) {
  writer.open("conference-state");
  if (state.user_count) writer.element("user-count", std::to_string(*state.user_count));
  if (state.active) writer.element("active", *state.active ? "true" : "false");
  if (state.locked) writer.element("locked", *state.locked ? "true" : "false");
  write_extensions(writer, state.extensions);
  writer.close();
}

/// Elements of a list, by entity.
template <class T, class Merge>
void merge_list(std::vector<T>& known, const std::vector<T>& news, Merge merge_one) {
  for (const T& each : news) {
    const auto same = std::ranges::find(known, each.entity, &T::entity);
    if (each.part == ConferencePart::deleted) {
      if (same != known.end()) known.erase(same);
    } else if (same == known.end()) {
      known.push_back(each);
      known.back().part = ConferencePart::full;
    } else if (each.part == ConferencePart::full) {
      *same = each;
    } else {
      merge_one(*same, each);
    }
  }
}

void merge_endpoint(ConferenceEndpoint& known, const ConferenceEndpoint& news) {
  if (!news.display_text.empty()) known.display_text = news.display_text;
  if (news.status) known.status = news.status;
}

void merge_user(ConferenceUser& known, const ConferenceUser& news) {
  if (!news.display_text.empty()) known.display_text = news.display_text;
  if (!news.roles.empty()) known.roles = news.roles;
  merge_list(known.endpoints, news.endpoints, merge_endpoint);
}

}  // namespace

const char* to_string(ConferencePart value) { return part_names[static_cast<std::size_t>(value)]; }
const char* to_string(EndpointStatus value) { return endpoint_status_names[static_cast<std::size_t>(value)]; }

Result<ConferenceInfo> parse_conference(std::string_view body, const xml::Limits& limits) {
  const auto document = xml::parse(body, limits);
  if (document.has_error()) return document.error();
  const Element& root = document->root();
  if (!is(root, "conference-info")) return Errc::wrong_root;
  ConferenceInfo info{.entity = text_of(root, "entity")};
  if (info.entity.empty()) return Errc::missing_attribute;
  const auto part = part_of(root);
  if (!part) return Errc::bad_value;
  info.part = *part;
  if (const auto version = root.attribute("version")) {
    info.version = parse_number<std::uint32_t>(trim(*version));
    if (!info.version) return Errc::bad_value;
  }
  for (const Element& child : root.children()) {
    if (is(child, "conference-description"))
      info.description = read_description(child);
    else if (is(child, "conference-state"))
      info.state = read_state(child);
    else if (is(child, "users"))
      info.users = read_users(child);
    else
      info.extensions.push_back(child.keep());
  }
  return info;
}

std::string print(const ConferenceInfo& info) {
  xml::Writer writer;
  writer.open("conference-info").declare("", ns::conference).attribute("entity", info.entity);
  writer.attribute("state", to_string(info.part));
  if (info.version) writer.attribute("version", *info.version);
  if (info.description) write(writer, *info.description);
  if (info.state) write(writer, *info.state);
  if (info.users) {
    writer.open("users");
    write_part(writer, info.users->part);
    for (const ConferenceUser& user : info.users->users) write(writer, user);
    write_extensions(writer, info.users->extensions);
    writer.close();
  }
  write_extensions(writer, info.extensions);
  return writer.finish();
}

bool merge(ConferenceInfo& known, const ConferenceInfo& news) {
  if (news.part == ConferencePart::full) {
    known = news;
    return true;
  }
  const std::uint32_t had = known.version.value_or(0), has = news.version.value_or(0);
  if (has <= had) return true;  // it came late (RFC 4575 4.6)
  if (has != had + 1) return false;
  known.version = has;
  if (news.part == ConferencePart::deleted) {
    known.part = ConferencePart::deleted;
    known.users = ConferenceUsers{};
    return true;
  }
  if (news.description) known.description = news.description;
  if (news.state) known.state = news.state;
  if (!news.users) return true;
  if (news.users->part == ConferencePart::full || !known.users) {
    known.users = news.users;
    known.users->part = ConferencePart::full;
  } else {
    merge_list(known.users->users, news.users->users, merge_user);
  }
  return true;
}

}  // namespace beckon::documents
