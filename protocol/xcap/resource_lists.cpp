#include "protocol/documents/resource_lists.hpp"

#include <set>

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

/// Elements beside each other, below `path`.
std::optional<Problem> check_siblings(const Element& parent, const std::string& path, std::string_view prefix,
                                      std::string_view query) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  Places places(path, prefix);
  for (const Element& child : parent.children()) {
    const auto key = child.ns() == list_ns ? key_of(child.name()) : std::string_view();
    if (key.empty()) continue;
    const std::string place = places.next(child);
    if (const auto value = child.attribute(key)) {
      if (!seen.emplace(child.name(), *value).second)
        return not_unique(encode_selector(place + "/@" + std::string(key)) + std::string(query));
      if (auto problem = check_target(child.name(), *value)) return problem;
    }
    if (child.name() != "list") continue;
    if (auto problem = check_siblings(child, place, prefix, query)) return problem;
  }
  return std::nullopt;
}

}  // namespace

std::string Places::next(const Element& child) {
  const std::size_t place = ++counts_[child.name()];
  return parent_ + '/' + std::string(prefix_) + std::string(child.name()) + '[' + std::to_string(place) + ']';
}

std::optional<Problem> check_list(const Element& list, const std::string& path, std::string_view prefix,
                                  std::string_view query) {
  return check_siblings(list, path, prefix, query);
}

std::optional<Problem> check_resource_lists(const xml::Document& document, std::string_view text,
                                            const Setting&) {
  if (auto problem = check_siblings(document.root(), "resource-lists", "", "")) return problem;
  // An entry without URI, which the schema takes, stands for nothing.
  const auto lists = documents::parse_resource_lists(text);
  return lists ? std::nullopt : std::optional(against(lists.error().message()));
}

}  // namespace beckon::xcap
