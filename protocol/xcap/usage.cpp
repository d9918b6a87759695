#include "protocol/xcap/usage.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/documents/pres_rules.hpp"
#include "protocol/documents/resource_lists.hpp"
#include "protocol/documents/watch_log.hpp"
#include "protocol/xcap/node.hpp"
#include "protocol/xcap/usages.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::xcap {

namespace {

namespace ns = documents::ns;

constexpr std::string_view directory_ns = "urn:oma:xml:xdm:xcap-directory";

constexpr std::array known = {
    Usage{.auid = "pres-rules",
          .canonical = "pres-rules",
          .content_type = documents::pres_rules_type,
          .ns = ns::pres_rules,
          .root_ns = ns::common_policy,
          .root = "ruleset",
          .check = check_pres_rules},
    Usage{.auid = "org.openmobilealliance.pres-rules",
          .canonical = "pres-rules",
          .content_type = documents::pres_rules_type,
          .ns = ns::common_policy,
          .root_ns = ns::common_policy,
          .root = "ruleset",
          .check = check_pres_rules},
    Usage{.auid = "resource-lists",
          .canonical = "resource-lists",
          .content_type = documents::resource_lists_type,
          .ns = ns::resource_lists,
          .root_ns = ns::resource_lists,
          .root = "resource-lists",
          .check = check_resource_lists},
    Usage{.auid = rls_services_auid,
          .canonical = rls_services_auid,
          .content_type = documents::rls_services_type,
          .ns = ns::rls_services,
          .root_ns = ns::rls_services,
          .root = "rls-services",
          .check = check_rls_services},
    Usage{.auid = hard_state_auid,
          .canonical = hard_state_auid,
          .content_type = documents::pidf_type,
          .ns = ns::pidf,
          .is_single = true,
          .root_ns = ns::pidf,
          .root = "presence",
          .check = check_pidf},
    Usage{.auid = directory_auid,
          .canonical = directory_auid,
          .content_type = "application/vnd.oma.xcap-directory+xml",
          .ns = directory_ns,
          .is_made = true},
    Usage{.auid = watch_log_auid,
          .canonical = watch_log_auid,
          .content_type = documents::watch_log_type,
          .ns = ns::watch_log,
          .is_made = true},
};

constexpr schema::Attribute xml_attributes[] = {
    {"lang", schema::Value::language, false, xml::xml_ns},
    {"space", schema::Value::space, false, xml::xml_ns},
    {"base", schema::Value::uri, false, xml::xml_ns},
    {"id", schema::Value::id, false, xml::xml_ns},
    {"mustUnderstand", schema::Value::boolean, false, ns::pidf},
};
/// Of the capabilities, too (RFC 4825 12): what they name and our schemas do not have is refused.
constexpr std::array<std::string_view, 9> namespaces = {
    caps_ns,  ns::common_policy, ns::pres_rules, ns::resource_lists, ns::rls_services,
    ns::pidf, ns::direct,        ns::rules,      ns::watch_log};

std::vector<schema::Global> all_globals() {
  std::vector<schema::Global> globals = {{ns::resource_lists, "resource-lists", &schema::resource_lists},
                                         {ns::rls_services, "rls-services", &schema::rls_services},
                                         {ns::pidf, "presence", &schema::presence}};
  const auto rules = schema::pres_rules_globals();
  globals.insert(globals.end(), rules.begin(), rules.end());
  return globals;
}

}  // namespace

std::span<const Usage> usages() { return known; }

const Usage* find_usage(std::string_view auid) {
  const auto found = std::ranges::find(known, auid, &Usage::auid);
  return found == known.end() ? nullptr : &*found;
}

const schema::Schemas& schemas() {
  static const std::vector<schema::Global> globals = all_globals();
  static const schema::Schemas all{globals, xml_attributes, namespaces};
  return all;
}

std::optional<Problem> check_type(std::string_view content_type, std::string_view expected) {
  if (iequals(trim(cut(content_type, ';').first), expected)) return std::nullopt;
  return Problem{415, Problem::Kind::none, "expected " + std::string(expected)};
}

std::optional<Problem> validate(const Usage& usage, std::string_view text, const Setting& setting) {
  const auto document = xml::parse(text);
  if (document.has_error()) return problem_of(document.error());
  if (auto fault = schema::check(schemas(), document->root(), usage.root_ns, usage.root))
    return Problem{.kind = Problem::Kind::schema_validation_error, .phrase = std::move(*fault)};
  return usage.check == nullptr ? std::nullopt : usage.check(*document, setting);
}

std::string print_services(const std::vector<std::string>& services) {
  xml::Writer writer;
  writer.open("rls-services").declare("", ns::rls_services);
  for (const std::string& service : services) writer.raw(service);
  return writer.finish();
}

std::string print_directory(const std::vector<DirectoryEntry>& entries) {
  xml::Writer writer;
  writer.open("xcap-directory").declare("", directory_ns);
  std::set<std::string_view> seen;
  for (const Usage& usage : known) {
    if (usage.is_made || !seen.insert(usage.canonical).second) continue;
    writer.open("folder").attribute("auid", usage.canonical);
    for (const DirectoryEntry& entry : entries) {
      if (entry.auid != usage.canonical) continue;
      writer.open("entry").attribute("uri", entry.uri).attribute("etag", entry.etag);
      writer.attribute("size", std::uint64_t{entry.size}).close();
    }
    writer.close();
  }
  return writer.finish();
}

std::string print_capabilities() {
  xml::Writer writer;
  writer.open("xcap-caps").declare("", caps_ns).open("auids").element("auid", caps_auid);
  for (const Usage& usage : known) writer.element("auid", usage.auid);
  writer.close().open("extensions").close().open("namespaces");
  for (const std::string_view each : namespaces) writer.element("namespace", each);
  return writer.finish();
}

}  // namespace beckon::xcap
