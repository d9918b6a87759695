#include "server/presence/filter.hpp"

#include <algorithm>
#include <string>

#include "protocol/base/text.hpp"
#include "protocol/documents/direct.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/xml/document.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::server::presence {

namespace ns = documents::ns;
using documents::Component;
using documents::Presence;
using documents::ProvideSet;
using documents::Transformations;
using documents::Tuple;

namespace {

using Selectors = std::set<std::pair<std::string, std::string>>;

/// Text of the first extension with that name; empty where there is none.
std::string text_of(const std::vector<xml::Fragment>& extensions, std::string_view space,
                    std::string_view name) {
  const auto found = std::find_if(extensions.begin(), extensions.end(),
                                  [&](const xml::Fragment& fragment) { return fragment.is(space, name); });
  if (found == extensions.end()) return {};
  const auto document = xml::parse(*found);
  return document ? std::string(trim(document->root().text())) : std::string();
}

Selectors names_of(const Tuple& tuple) {
  const std::string uri = tuple.contact ? tuple.contact->uri : std::string();
  return {{"class", text_of(tuple.extensions, ns::rpid, "class")},
          {"occurrence-id", tuple.id},
          {"service-uri", uri},
          {"service-uri-scheme", uri.find(':') == std::string::npos ? "" : std::string(cut(uri, ':').first)}};
}

Selectors names_of(const Component& component) {
  return {{"class", text_of(component.extensions, ns::rpid, "class")},
          {"occurrence-id", component.id},
          {"deviceID", text_of(component.extensions, ns::data_model, "deviceID")}};
}

/// Looks at the names, which cost a parse, only where the set selects by name.
template <class T>
bool is_selected(const ProvideSet& set, const T& one) {
  if (set.all || set.selectors.empty()) return set.all;
  const Selectors names = names_of(one);
  return std::any_of(names.begin(), names.end(), [&](const auto& name) {
    return !name.second.empty() && set.selectors.count(name) != 0;
  });
}

/// <user-input> as far as `level` shows it (RFC 5025 3.3.2.12); absent where it is not shown.
std::optional<xml::Fragment> show_user_input(const xml::Fragment& element, const std::string& level) {
  if (level == "full") return element;
  if (level != "bare" && level != "thresholds") return std::nullopt;
  const auto document = xml::parse(element);
  if (!document) return std::nullopt;
  xml::Writer writer(xml::Writer::Start::fragment);
  writer.open("r:user-input").declare("r", ns::rpid);
  const auto threshold = document->root().attribute("idle-threshold");
  if (level == "thresholds" && threshold) writer.attribute("idle-threshold", *threshold);
  writer.text(document->root().text());
  return xml::Fragment{element.ns, element.name, writer.finish()};
}

enum class Of : std::uint8_t { device, other };

bool is_shown(const xml::Fragment& element, const Transformations& what, Of of) {
  if (documents::is_direct(element)) return true;
  // Of a device it is always included (RFC 5025 3.3.2.3).
  if (of == Of::device && element.is(ns::data_model, "deviceID")) return true;
  const bool standard = element.ns == ns::rpid || element.is(ns::data_model, "deviceID");
  if (standard && what.attributes.count(element.name)) return true;
  return what.unknown_attributes.count({element.ns, element.name}) != 0;
}

void filter_extensions(std::vector<xml::Fragment>& extensions, const Transformations& what,
                       Of of = Of::other) {
  if (what.all_attributes) return;
  std::vector<xml::Fragment> kept;
  for (xml::Fragment& element : extensions) {
    if (element.is(ns::rpid, "user-input")) {
      if (auto shown = show_user_input(element, what.user_input)) kept.push_back(std::move(*shown));
    } else if (is_shown(element, what, of)) {
      kept.push_back(std::move(element));
    }
  }
  extensions = std::move(kept);
}

void filter_components(std::vector<Component>& components, const Transformations& what, Of of) {
  for (Component& component : components) {
    filter_extensions(component.extensions, what, of);
    if (!what.all_attributes && !what.attributes.count("note")) component.notes.clear();
  }
}

}  // namespace

void select_components(Presence& presence, const Transformations& what) {
  std::erase_if(presence.persons, [&](const Component& one) { return !is_selected(what.persons, one); });
  std::erase_if(presence.devices, [&](const Component& one) { return !is_selected(what.devices, one); });
}

void filter(Presence& presence, const Transformations& what) {
  const bool notes = what.all_attributes || what.attributes.count("note");
  std::erase_if(presence.tuples, [&](const Tuple& tuple) { return !is_selected(what.services, tuple); });
  for (Tuple& tuple : presence.tuples) {
    filter_extensions(tuple.status_extensions, what);
    filter_extensions(tuple.extensions, what);
    if (!notes) tuple.notes.clear();
  }
  filter_components(presence.persons, what, Of::other);
  filter_components(presence.devices, what, Of::device);
  filter_extensions(presence.extensions, what);
  if (!notes) presence.notes.clear();
}

}  // namespace beckon::server::presence
