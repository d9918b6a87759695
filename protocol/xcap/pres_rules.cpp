#include "protocol/documents/pres_rules.hpp"

#include "protocol/documents/namespaces.hpp"
#include "protocol/xcap/usages.hpp"

/// Presence rules: RFC 5025 9 on RFC 4745 13, and what is our own.
namespace beckon::xcap {

namespace schema {

namespace {

namespace ns = documents::ns;

constexpr Type nothing{.ns = ns::pres_rules};
constexpr Type nothing_of_ours{.ns = ns::rules};
constexpr Type any_string{.text = Value::string};
constexpr Type any_uri{.text = Value::uri};
constexpr Type a_time{.text = Value::date_time};
constexpr Type permission{.text = Value::boolean};

// RFC 4745 13

constexpr Attribute one_attributes[] = {{"id", Value::uri, true}};
constexpr Type one{.ns = ns::common_policy, .model = "o?", .attributes = one_attributes};
constexpr Attribute except_attributes[] = {{"domain"}, {"id", Value::uri}};
constexpr Type except{.ns = ns::common_policy, .attributes = except_attributes};
constexpr Child many_children[] = {{'x', "except", &except}};
constexpr Attribute many_attributes[] = {{"domain"}};
constexpr Type many{
    .ns = ns::common_policy, .children = many_children, .model = "[xo]*", .attributes = many_attributes};
constexpr Child identity_children[] = {{'1', "one", &one}, {'m', "many", &many}};
constexpr Type identity{.ns = ns::common_policy, .children = identity_children, .model = "[1mo]+"};
constexpr Attribute sphere_attributes[] = {{"value", Value::string, true}};
constexpr Type sphere{.ns = ns::common_policy, .attributes = sphere_attributes};
constexpr Child validity_children[] = {{'f', "from", &a_time}, {'u', "until", &a_time}};
constexpr Type validity{.ns = ns::common_policy, .children = validity_children, .model = "(fu)+"};
constexpr Child condition_children[] = {
    {'i', "identity", &identity}, {'s', "sphere", &sphere}, {'v', "validity", &validity}};
constexpr Type conditions{.ns = ns::common_policy, .children = condition_children, .model = "[isvo]*"};
constexpr Type extensible{.ns = ns::common_policy, .model = "o*"};
constexpr Child rule_children[] = {
    {'c', "conditions", &conditions}, {'a', "actions", &extensible}, {'t', "transformations", &extensible}};
constexpr Attribute rule_attributes[] = {{"id", Value::id, true}};
constexpr Type rule{
    .ns = ns::common_policy, .children = rule_children, .model = "c?a?t?", .attributes = rule_attributes};
constexpr Child ruleset_children[] = {{'r', "rule", &rule}};

// RFC 5025 7

constexpr Child service_children[] = {{'a', "all-services", &nothing},
                                      {'u', "service-uri", &any_uri},
                                      {'s', "service-uri-scheme", &any_string},
                                      {'i', "occurrence-id", &any_string},
                                      {'c', "class", &any_string}};
constexpr Type provide_services{
    .ns = ns::pres_rules, .children = service_children, .model = "[usico]*", .or_model = "a"};
constexpr Child device_children[] = {{'a', "all-devices", &nothing},
                                     {'d', "deviceID", &any_uri},
                                     {'i', "occurrence-id", &any_string},
                                     {'c', "class", &any_string}};
constexpr Type provide_devices{
    .ns = ns::pres_rules, .children = device_children, .model = "[dico]*", .or_model = "a"};
constexpr Child person_children[] = {
    {'a', "all-persons", &nothing}, {'i', "occurrence-id", &any_string}, {'c', "class", &any_string}};
constexpr Type provide_persons{
    .ns = ns::pres_rules, .children = person_children, .model = "[ico]*", .or_model = "a"};
constexpr Type user_input{.text = Value::user_input};
constexpr Type sub_handling{.text = Value::sub_handling};
constexpr Attribute unknown_attributes[] = {{"name", Value::string, true}, {"ns", Value::string, true}};
constexpr Type provide_unknown{.attributes = unknown_attributes, .text = Value::boolean};
constexpr Type direct{.text = Value::provide_direct};

constexpr Global globals_of_rules[] = {
    {ns::common_policy, "ruleset", &ruleset},
    {ns::pres_rules, "service-uri-scheme", &any_string},
    {ns::pres_rules, "class", &any_string},
    {ns::pres_rules, "occurrence-id", &any_string},
    {ns::pres_rules, "service-uri", &any_uri},
    {ns::pres_rules, "provide-services", &provide_services},
    {ns::pres_rules, "deviceID", &any_uri},
    {ns::pres_rules, "provide-devices", &provide_devices},
    {ns::pres_rules, "provide-persons", &provide_persons},
    {ns::pres_rules, "provide-activities", &permission},
    {ns::pres_rules, "provide-class", &permission},
    {ns::pres_rules, "provide-deviceID", &permission},
    {ns::pres_rules, "provide-mood", &permission},
    {ns::pres_rules, "provide-place-is", &permission},
    {ns::pres_rules, "provide-place-type", &permission},
    {ns::pres_rules, "provide-privacy", &permission},
    {ns::pres_rules, "provide-relationship", &permission},
    {ns::pres_rules, "provide-status-icon", &permission},
    {ns::pres_rules, "provide-sphere", &permission},
    {ns::pres_rules, "provide-time-offset", &permission},
    {ns::pres_rules, "provide-user-input", &user_input},
    {ns::pres_rules, "provide-note", &permission},
    {ns::pres_rules, "sub-handling", &sub_handling},
    {ns::pres_rules, "provide-unknown-attribute", &provide_unknown},
    {ns::pres_rules, "provide-all-attributes", &nothing},
    {ns::direct, "provide-direct", &direct},
    {ns::rules, "reciprocal", &nothing_of_ours},
};

}  // namespace

constinit const Type ruleset{.ns = documents::ns::common_policy, .children = ruleset_children, .model = "r*"};

std::span<const Global> pres_rules_globals() { return globals_of_rules; }

}  // namespace schema

/// RFC 5025 9.5 adds no constraints. What the schema takes and the reader does not (a time without zone, RFC
/// 4745 7.4) would be a rule that acts otherwise than it says.
std::optional<Problem> check_pres_rules(const xml::Document& document, const Setting&) {
  const auto rules = documents::read_pres_rules(document.root());
  if (rules) return std::nullopt;
  return Problem{.kind = Problem::Kind::constraint_failure, .phrase = rules.error().message()};
}

}  // namespace beckon::xcap
