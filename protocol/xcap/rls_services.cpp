#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/resource_lists.hpp"
#include "protocol/xcap/usages.hpp"

/// Services of resource lists: RFC 4826 4.
namespace beckon::xcap {

namespace schema {

namespace {

constexpr std::string_view services_ns = documents::ns::rls_services;

constexpr Type reference{.text = Value::uri};
constexpr Type package{.text = Value::string};
constexpr Child package_children[] = {{'p', "package", &package}};
constexpr Type packages{.ns = services_ns, .children = package_children, .model = "(po*)*"};
constexpr Child rls_children[] = {
    {'r', "resource-list", &reference}, {'l', "list", &list}, {'p', "packages", &packages}};
constexpr Attribute rls_attributes[] = {{"uri", Value::uri, true}};
constexpr Type service{.ns = services_ns,
                       .children = rls_children,
                       .model = "[rl]p?o*",
                       .attributes = rls_attributes,
                       .has_other_attributes = true};
constexpr Child services_children[] = {{'s', "service", &service}};

}  // namespace

constinit const Type rls_services{.ns = services_ns, .children = services_children, .model = "s*"};

}  // namespace schema

namespace {

constexpr std::string_view rls_ns = documents::ns::rls_services;

Problem refusal(std::string phrase) {
  return {.kind = Problem::Kind::constraint_failure, .phrase = std::move(phrase)};
}

/// An absolute URI whose path has resource lists of the owner (RFC 4826 4.4.5). The path of an XCAP root may
/// have any segments, so those of the selector are looked for.
std::optional<Problem> check_reference(std::string_view uri, const Setting& setting) {
  const auto scheme = uri.find("://");
  const bool is_http = iequals(uri.substr(0, scheme), "http") || iequals(uri.substr(0, scheme), "https");
  if (scheme == uri.npos || !is_http) return refusal("<resource-list> is no absolute HTTP URI");
  const std::string_view path = uri.substr(std::min(uri.find('/', scheme + 3), uri.size()));
  const auto segments = split(path.substr(0, path.find("/~~")), '/');
  for (std::size_t i = 0; i + 2 < segments.size(); ++i) {
    if (segments[i] != "resource-lists" || segments[i + 1] != "users") continue;
    const auto target = parse_target("/resource-lists/users/" + std::string(segments[i + 2]) + "/_", "");
    if (target && setting.canonical && setting.canonical(target->user) == setting.owner) return std::nullopt;
  }
  return refusal("<resource-list> names no resource list of this user");
}

std::optional<Problem> check_service(const Position& place, const Setting& setting) {
  const xml::Element& service = *place.element;
  const auto uri = trim(service.attribute("uri").value_or(""));
  const std::string aor = setting.canonical ? setting.canonical(uri) : std::string();
  if (aor.empty() || !setting.serves || !setting.serves(domain_of_aor(aor)))
    return refusal("the uri of a <service> is no SIP URI of a domain of this server");
  if (const auto* reference = service.child(rls_ns, "resource-list"))
    return check_reference(trim(reference->text()), setting);
  const auto* list = service.child(rls_ns, "list");
  return list == nullptr ? std::nullopt : check_list({list, &place});
}

}  // namespace

std::vector<ServiceUri> service_uris(const xml::Document& document, const Setting& setting) {
  std::vector<ServiceUri> found;
  if (!document.root().is(rls_ns, "rls-services") || !setting.canonical) return found;
  for (const xml::Element& child : document.root().children()) {
    if (!child.is(rls_ns, "service")) continue;
    const std::size_t number = found.size() + 1;
    found.push_back({setting.canonical(trim(child.attribute("uri").value_or(""))),
                     encode_selector(fmt::format("rls-services/service[{}]/@uri", number)),
                     child.keep().text});
  }
  return found;
}

std::optional<Problem> check_rls_services(const xml::Document& document, const Setting& setting) {
  const Position root{&document.root()};
  std::set<std::string> seen;
  for (const xml::Element& child : document.root().children()) {
    const Position place{&child, &root};
    if (auto problem = check_service(place, setting)) return problem;
    if (seen.insert(setting.canonical(trim(child.attribute("uri").value_or("")))).second) continue;
    return Problem{.kind = Problem::Kind::uniqueness_failure,
                   .phrase = "two services have the same URI",
                   .exists = {{.field = field_of(place, "uri")}}};
  }
  const auto services = documents::read_rls_services(document.root());
  return services ? std::nullopt : std::optional(refusal(services.error().message()));
}

}  // namespace beckon::xcap
