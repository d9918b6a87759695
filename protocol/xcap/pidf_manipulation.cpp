#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/xcap/usages.hpp"

/// Hard state: RFC 4827 on RFC 3863 4.4.
namespace beckon::xcap {

namespace schema {

namespace {

constexpr std::string_view pidf_ns = documents::ns::pidf;

constexpr Attribute note_attributes[] = {{"lang", Value::language, false, xml::xml_ns}};
constexpr Type note{.attributes = note_attributes, .text = Value::string};
constexpr Type basic{.text = Value::basic};
constexpr Child status_children[] = {{'b', "basic", &basic}};
constexpr Type status{.ns = pidf_ns, .children = status_children, .model = "b?o*"};
constexpr Attribute contact_attributes[] = {{"priority", Value::qvalue}};
constexpr Type contact{.attributes = contact_attributes, .text = Value::uri};
constexpr Type timestamp{.text = Value::date_time};
constexpr Child tuple_children[] = {{'s', "status", &status},
                                    {'c', "contact", &contact},
                                    {'n', "note", &note},
                                    {'t', "timestamp", &timestamp}};
constexpr Attribute tuple_attributes[] = {{"id", Value::id, true}};
constexpr Type tuple{
    .ns = pidf_ns, .children = tuple_children, .model = "so*c?n*t?", .attributes = tuple_attributes};
constexpr Child presence_children[] = {{'t', "tuple", &tuple}, {'n', "note", &note}};
constexpr Attribute presence_attributes[] = {{"entity", Value::uri, true}};

}  // namespace

constinit const Type presence{
    .ns = pidf_ns, .children = presence_children, .model = "t*n*o*", .attributes = presence_attributes};

}  // namespace schema

/// RFC 4827 7 adds no constraints. A document that no reader takes, for what its extensions say, would show
/// nothing.
std::optional<Problem> check_pidf(const xml::Document& document, const Setting&) {
  const auto presence = documents::parse_pidf(document.root());
  if (presence) return std::nullopt;
  return Problem{.kind = Problem::Kind::constraint_failure, .phrase = presence.error().message()};
}

}  // namespace beckon::xcap
