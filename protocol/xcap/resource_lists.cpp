#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <tuple>
#include <vector>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/xcap/usages.hpp"

/// Resource lists: RFC 4826 3.
namespace beckon::xcap {

namespace schema {

namespace {

constexpr std::string_view lists_ns = documents::ns::resource_lists;

constexpr Attribute name_attributes[] = {{"lang", Value::language, false, xml::xml_ns}};
constexpr Type display_name{.attributes = name_attributes, .text = Value::string};
constexpr Child item_children[] = {{'d', "display-name", &display_name}};
constexpr Attribute entry_attributes[] = {{"uri", Value::uri, true}};
constexpr Attribute ref_attributes[] = {{"ref", Value::uri, true}};
constexpr Attribute external_attributes[] = {{"anchor", Value::uri}};

constexpr Type item(std::span<const Attribute> attributes) {
  return {.ns = lists_ns,
          .children = item_children,
          .model = "d?o*",
          .attributes = attributes,
          .has_other_attributes = true};
}
constexpr Type entry = item(entry_attributes);
constexpr Type entry_ref = item(ref_attributes);
constexpr Type external = item(external_attributes);

constexpr Child list_children[] = {{'d', "display-name", &display_name},
                                   {'l', "list", &list},
                                   {'x', "external", &external},
                                   {'e', "entry", &entry},
                                   {'r', "entry-ref", &entry_ref}};
constexpr Attribute list_attributes[] = {{"name"}};
constexpr Child lists_children[] = {{'l', "list", &list}};

}  // namespace

constinit const Type list{.ns = lists_ns,
                          .children = list_children,
                          .model = "d?[lxer]*o*",
                          .attributes = list_attributes,
                          .has_other_attributes = true};
constinit const Type resource_lists{.ns = lists_ns, .children = lists_children, .model = "l*"};

}  // namespace schema

namespace {

using xml::Element;
constexpr std::string_view list_ns = documents::ns::resource_lists;

/// What tells elements of one name apart.
std::string_view key_of(std::string_view name) {
  if (name == "list") return "name";
  if (name == "entry") return "uri";
  if (name == "entry-ref") return "ref";
  return name == "external" ? "anchor" : "";
}

Problem not_unique(std::string field) {
  return {.kind = Problem::Kind::uniqueness_failure,
          .phrase = "two elements beside each other have the same value",
          .exists = {{.field = std::move(field)}}};
}
Problem against(std::string phrase) {
  return {.kind = Problem::Kind::constraint_failure, .phrase = std::move(phrase)};
}

bool has_scheme(std::string_view uri) {
  const auto end = uri.find_first_of(":/?#");
  return end != uri.npos && uri[end] == ':';
}

std::optional<Problem> check_target(std::string_view name, std::string_view value) {
  if (name == "entry-ref" && (has_scheme(value) || value.starts_with('/')))
    return against("the ref of an <entry-ref> is no relative path");
  const bool is_http = iequals(value.substr(0, 7), "http://") || iequals(value.substr(0, 8), "https://");
  if (name == "external" && !is_http) return against("the anchor of an <external> is no absolute HTTP URI");
  return std::nullopt;
}

std::string selector_of(const Position& place) {
  const Element& element = *place.element;
  if (place.above == nullptr) return std::string(element.name());
  std::size_t number = 0;
  for (const Element& sibling : place.above->element->children()) {
    number += sibling.is(element.ns(), element.name());
    if (&sibling == &element) break;
  }
  const Position* root = place.above;
  while (root->above != nullptr) root = root->above;
  const std::string_view prefix = element.ns() == root->element->ns() ? "" : "rl:";
  return fmt::format("{}/{}{}[{}]", selector_of(*place.above), prefix, element.name(), number);
}

/// The attribute that tells an element of a list apart; empty: `element` is none.
std::string_view key_in_list(const Element& element) {
  return element.ns() == list_ns ? key_of(element.name()) : std::string_view();
}

/// The first child that has name and key of one before it; null: none has. Texts are compared only where
/// their hashes are equal.
const Element* find_twin(const Element& list) {
  struct Keyed {
    std::size_t hash;
    std::string_view name, value;
    std::size_t number;
    const Element* element;
  };
  std::vector<Keyed> all;
  for (const Element& child : list.children()) {
    const auto key = key_in_list(child);
    if (const auto value = key.empty() ? std::nullopt : child.attribute(key))
      all.push_back({std::hash<std::string_view>()(*value), child.name(), *value, all.size(), &child});
  }
  std::ranges::sort(all, [](const Keyed& one, const Keyed& other) {
    if (one.hash != other.hash) return one.hash < other.hash;
    return std::tie(one.name, one.value, one.number) < std::tie(other.name, other.value, other.number);
  });
  const Keyed* first = nullptr;
  for (std::size_t i = 1; i < all.size(); ++i) {
    const Keyed &before = all[i - 1], &each = all[i];
    const bool is_twin = each.hash == before.hash && each.name == before.name && each.value == before.value;
    if (is_twin && (first == nullptr || each.number < first->number)) first = &each;
  }
  return first == nullptr ? nullptr : first->element;
}

std::optional<Problem> check_item(const Element& item) {
  const auto value = item.attribute(key_of(item.name()));
  if (!value) return std::nullopt;
  // The schema takes a URI of white space.
  if (item.name() != "external" && trim(*value).empty())
    return against("an <" + std::string(item.name()) + "> names nothing");
  return check_target(item.name(), *value);
}

}  // namespace

std::string field_of(const Position& place, std::string_view attribute) {
  const std::string selector = selector_of(place);
  return encode_selector(fmt::format("{}/@{}", selector, attribute)) +
         (selector.find("rl:") == selector.npos ? "" : "?xmlns(rl=urn:ietf:params:xml:ns:resource-lists)");
}

std::optional<Problem> check_list(const Position& list) {
  if (const Element* twin = find_twin(*list.element))
    return not_unique(field_of({twin, &list}, key_of(twin->name())));
  for (const Element& child : list.element->children()) {
    if (key_in_list(child).empty()) continue;
    const Position place{&child, &list};
    if (auto problem = child.name() == "list" ? check_list(place) : check_item(child)) return problem;
  }
  return std::nullopt;
}

std::optional<Problem> check_resource_lists(const xml::Document& document, const Setting&) {
  return check_list({&document.root()});
}

}  // namespace beckon::xcap
