#include "protocol/xcap/usage.hpp"

#include <array>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/documents/pres_rules.hpp"
#include "protocol/documents/watch_log.hpp"
#include "protocol/xml/document.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::xcap {

namespace {

constexpr std::string_view caps_ns = "urn:ietf:params:xml:ns:xcap-caps";

constexpr std::array<Usage, 4> known = {
    Usage{"pres-rules", "pres-rules", documents::pres_rules_type, documents::ns::pres_rules},
    Usage{"org.openmobilealliance.pres-rules", "pres-rules", documents::pres_rules_type,
          documents::ns::common_policy},
    Usage{hard_state_auid, hard_state_auid, documents::pidf_type, documents::ns::pidf, /*is_made=*/false,
          /*is_single=*/true},
    Usage{watch_log_auid, watch_log_auid, documents::watch_log_type, documents::ns::watch_log,
          /*is_made=*/true}};

Problem problem_of(const ErrorCode& error) {
  const auto kind = [&] {
    if (error == xml::Errc::not_utf8) return Problem::Kind::not_utf8;
    if (error == documents::Errc::duplicate_id) return Problem::Kind::uniqueness_failure;
    if (error.category() == make_error_code(documents::Errc::bad_value).category()) {
      return Problem::Kind::schema_validation_error;
    }
    return Problem::Kind::not_well_formed;
  }();
  return {409, kind, error.message()};
}

/// As far as the schema asks for what a reader needs (RFC 3863 4.4): whose presence it is, and a status for
/// each tuple.
ErrorCode fault_of_presence(const xml::Element& root) {
  const auto size = documents::check_pidf(root);
  if (!size) return size.error();
  if (root.attribute("entity").value_or("").empty()) return documents::Errc::missing_attribute;
  for (const xml::Element& child : root.children()) {
    if (!child.is(documents::ns::pidf, "tuple")) continue;
    if (!child.attribute("id") || !child.child(documents::ns::pidf, "status"))
      return documents::Errc::bad_structure;
  }
  return {};
}

/// Why the body is no document of the usage; no error: it is one.
ErrorCode fault_of(const Usage& usage, std::string_view body) {
  if (usage.auid != hard_state_auid) {
    const auto rules = documents::parse_pres_rules(body);
    return rules ? ErrorCode() : rules.error();
  }
  const auto parsed = xml::parse(body);
  if (!parsed) return parsed.error();
  return fault_of_presence(parsed->root());
}

}  // namespace

std::span<const Usage> usages() { return known; }

const Usage* find_usage(std::string_view auid) {
  for (const Usage& usage : known) {
    if (usage.auid == auid) return &usage;
  }
  return nullptr;
}

std::optional<Problem> validate(const Usage& usage, std::string_view content_type, std::string_view body) {
  if (!iequals(trim(cut(content_type, ';').first), usage.content_type)) {
    return Problem{415, Problem::Kind::none, "expected " + std::string(usage.content_type)};
  }
  const ErrorCode fault = fault_of(usage, body);
  if (!fault) return std::nullopt;
  if (fault == xml::Errc::too_large) return Problem{413, Problem::Kind::none, fault.message()};
  return problem_of(fault);
}

std::string print_capabilities() {
  xml::Writer writer;
  writer.open("xcap-caps").declare("", caps_ns).open("auids").element("auid", caps_auid);
  for (const Usage& usage : known) writer.element("auid", usage.auid);
  writer.close().open("extensions").close().open("namespaces");
  for (const std::string_view ns : {caps_ns, documents::ns::common_policy, documents::ns::pres_rules,
                                    documents::ns::pidf, documents::ns::direct, documents::ns::watch_log}) {
    writer.element("namespace", ns);
  }
  return writer.finish();
}

}  // namespace beckon::xcap
