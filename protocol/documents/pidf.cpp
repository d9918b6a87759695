#include "protocol/documents/pidf.hpp"

#include <algorithm>
#include <array>
#include <boost/container/small_vector.hpp>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/rpid.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::documents {

const char* to_string(Basic basic) { return basic == Basic::open ? "open" : "closed"; }

namespace {

using xml::Element;
using xml::Writer;

Note read_note(const Element& element) {
  return {std::string(element.text()), std::string(element.attribute("lang", xml::xml_ns).value_or(""))};
}

std::string read_id(const Element& element) {
  return std::string(trim(element.attribute("id").value_or("")));
}

/// "0", "1", "0.8", "0.125", "1.000"; nullopt for anything else (RFC 3863 4.1.5).
std::optional<std::uint16_t> read_priority(std::string_view text) {
  const auto [whole, fraction] = cut(trim(text), '.');
  if ((whole != "0" && whole != "1") || fraction.size() > 3) return std::nullopt;
  std::string digits(fraction);
  digits.resize(3, '0');
  const auto part = parse_number<std::uint16_t>(digits);
  if (!part || (whole == "1" && *part != 0)) return std::nullopt;
  return static_cast<std::uint16_t>(whole == "1" ? 1000 : *part);
}

std::string print_priority(std::uint16_t thousandths) {
  const unsigned digits = thousandths % 1000U;
  std::string out{static_cast<char>('0' + thousandths / 1000U), '.', static_cast<char>('0' + digits / 100),
                  static_cast<char>('0' + digits / 10 % 10), static_cast<char>('0' + digits % 10)};
  while (out.ends_with('0')) out.pop_back();
  if (out.ends_with('.')) out.pop_back();
  return out;
}

Contact read_contact(const Element& element) {
  Contact contact{std::string(trim(element.text())), std::nullopt};
  if (const auto priority = element.attribute("priority")) contact.priority = read_priority(*priority);
  return contact;
}

void read_status(const Element& status, Tuple& tuple) {
  for (const Element& child : status.children()) {
    if (!child.is(ns::pidf, "basic")) {
      tuple.status_extensions.push_back(child.keep());
      continue;
    }
    const auto text = trim(child.text());
    if (text == "open") tuple.basic = Basic::open;
    if (text == "closed") tuple.basic = Basic::closed;
  }
}

Tuple read_tuple(const Element& element) {
  Tuple tuple;
  tuple.id = read_id(element);
  for (const Element& child : element.children()) {
    if (child.is(ns::pidf, "status")) {
      read_status(child, tuple);
    } else if (child.is(ns::pidf, "contact") && !tuple.contact) {
      tuple.contact = read_contact(child);
    } else if (child.is(ns::pidf, "note")) {
      tuple.notes.push_back(read_note(child));
    } else if (child.is(ns::pidf, "timestamp")) {
      tuple.timestamp = trim(child.text());
    } else {
      tuple.extensions.push_back(child.keep());
    }
  }
  return tuple;
}

/// COMPAT: test documents of pjsip have <person> and its <note> in the namespace of PIDF.
bool is_component(const Element& element, std::string_view name) {
  return element.is(ns::data_model, name) || element.is(ns::pidf, name);
}

Component read_component(const Element& element) {
  Component component;
  component.id = read_id(element);
  for (const Element& child : element.children()) {
    if (is_component(child, "note")) {
      component.notes.push_back(read_note(child));
    } else if (is_component(child, "timestamp")) {
      component.timestamp = trim(child.text());
    } else {
      component.extensions.push_back(child.keep());
    }
  }
  return component;
}

void write_notes(Writer& writer, std::string_view name, const std::vector<Note>& notes) {
  for (const Note& note : notes) {
    writer.open(name);
    if (!note.lang.empty()) writer.attribute("xml:lang", note.lang);
    writer.text(note.text).close();
  }
}

/// Writes tuples and notes the places of grants on the way.
class Printer {
 public:
  explicit Printer(std::vector<GrantPlace>* grants) : grants_(grants) {}

  std::string print(const Presence& presence) {
    writer_.open("presence").declare("", ns::pidf);
    if (!presence.persons.empty() || !presence.devices.empty()) writer_.declare("dm", ns::data_model);
    writer_.attribute("entity", presence.entity);
    for (const Tuple& tuple : presence.tuples) write(tuple);
    write_notes(writer_, "note", presence.notes);
    for (const Person& person : presence.persons) write("dm:person", person);
    for (const Device& device : presence.devices) write("dm:device", device);
    for (const auto& extension : presence.extensions) writer_.raw(extension.text);
    return writer_.finish();
  }

 private:
  void write(const Tuple& tuple) {
    writer_.open("tuple").attribute("id", tuple.id).open("status");
    if (tuple.basic) writer_.element("basic", to_string(*tuple.basic));
    for (const auto& extension : tuple.status_extensions) write_status_extension(tuple, extension);
    writer_.close();
    for (const auto& extension : tuple.extensions) writer_.raw(extension.text);
    if (tuple.contact) write(*tuple.contact);
    write_notes(writer_, "note", tuple.notes);
    if (!tuple.timestamp.empty()) writer_.element("timestamp", tuple.timestamp);
    writer_.close();
  }

  void write_status_extension(const Tuple& tuple, const xml::Fragment& extension) {
    writer_.raw(extension.text);
    if (grants_ == nullptr || !extension.is(ns::direct, "direct")) return;
    const auto end_tag = extension.text.rfind("</");
    if (end_tag == std::string::npos) return;
    grants_->push_back({tuple.id, writer_.size() - extension.text.size() + end_tag});
  }

  void write(const Contact& contact) {
    writer_.open("contact");
    if (contact.priority) writer_.attribute("priority", print_priority(*contact.priority));
    writer_.text(contact.uri).close();
  }

  void write(std::string_view name, const Component& component) {
    writer_.open(name).attribute("id", component.id);
    for (const auto& extension : component.extensions) writer_.raw(extension.text);
    write_notes(writer_, "dm:note", component.notes);
    if (!component.timestamp.empty()) writer_.element("dm:timestamp", component.timestamp);
    writer_.close();
  }

  Writer writer_;
  std::vector<GrantPlace>* grants_;
};

/// RFC 4480 3.2.
constexpr std::array<std::string_view, 25> known_activities = {
    "appointment",  "away",        "breakfast",         "busy",     "dinner",
    "holiday",      "in-transit",  "looking-for-work",  "meal",     "meeting",
    "on-the-phone", "performance", "permanent-absence", "playing",  "presentation",
    "shopping",     "sleeping",    "spectator",         "steering", "travel",
    "tv",           "unknown",     "vacation",          "working",  "worship"};

}  // namespace

Result<Presence> parse_pidf(const Element& root) {
  if (!root.is(ns::pidf, "presence")) return Errc::wrong_root;
  return read_presence(root);
}

Presence read_presence(const Element& root) {
  Presence presence;
  presence.entity = trim(root.attribute("entity").value_or(""));
  for (const Element& child : root.children()) {
    if (child.is(ns::pidf, "tuple")) {
      presence.tuples.push_back(read_tuple(child));
    } else if (child.is(ns::pidf, "note")) {
      presence.notes.push_back(read_note(child));
    } else if (is_component(child, "person")) {
      presence.persons.push_back(read_component(child));
    } else if (is_component(child, "device")) {
      presence.devices.push_back(read_component(child));
    } else {
      presence.extensions.push_back(child.keep());
    }
  }
  return presence;
}

Result<Presence> parse_pidf(std::string_view body, const xml::Limits& limits) {
  const auto document = xml::parse(body, limits);
  if (document.has_error()) return document.error();
  return parse_pidf(document->root());
}

Result<std::size_t> check_pidf(const Element& root) {
  if (!root.is(ns::pidf, "presence")) return Errc::wrong_root;
  std::size_t children = 0;
  boost::container::small_vector<std::string_view, 16> ids;
  for (const Element& child : root.children()) {
    ++children;
    if (!child.is(ns::pidf, "tuple") && !is_component(child, "person") && !is_component(child, "device"))
      continue;
    const auto id = trim(child.attribute("id").value_or(""));
    if (!id.empty()) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end()) return Errc::duplicate_id;
  return children;
}

std::string print(const Presence& presence) { return Printer(nullptr).print(presence); }

PrintedPresence print_with_grant_places(const Presence& presence) {
  PrintedPresence printed;
  printed.text = Printer(&printed.grants).print(presence);
  return printed;
}

std::vector<std::string> activities(const Person& person) {
  std::vector<std::string> names;
  for (const auto& extension : person.extensions) {
    if (!extension.is(ns::rpid, "activities")) continue;
    const auto document = xml::parse(extension);
    if (document.has_error()) continue;
    for (const Element& child : document->root().children()) {
      if (child.ns() != ns::rpid || child.name() == "note") continue;
      names.emplace_back(child.name() == "other" ? name_of_other(trim(child.text())) : child.name());
    }
  }
  return names;
}

xml::Fragment make_activities(const std::vector<std::string>& names) {
  Writer writer(Writer::Start::fragment);
  writer.open("rpid:activities").declare("rpid", ns::rpid);
  for (const std::string& name : names) {
    if (std::find(known_activities.begin(), known_activities.end(), name) != known_activities.end()) {
      writer.open("rpid:" + name).close();
    } else {
      writer.element("rpid:other", name);
    }
  }
  return {std::string(ns::rpid), "activities", writer.finish()};
}

}  // namespace beckon::documents
