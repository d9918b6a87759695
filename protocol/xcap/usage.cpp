#include "protocol/xcap/usage.hpp"

#include <array>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/pres_rules.hpp"
#include "protocol/documents/watch_log.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::xcap {

namespace {

constexpr std::string_view caps_ns = "urn:ietf:params:xml:ns:xcap-caps";

constexpr std::array<Usage, 3> known = {
    Usage{"pres-rules", "pres-rules", documents::pres_rules_type, documents::ns::pres_rules},
    Usage{"org.openmobilealliance.pres-rules", "pres-rules", documents::pres_rules_type,
          documents::ns::common_policy},
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
  const auto rules = documents::parse_pres_rules(body);
  if (rules.has_error()) {
    if (rules.error() == xml::Errc::too_large)
      return Problem{413, Problem::Kind::none, rules.error().message()};
    return problem_of(rules.error());
  }
  return std::nullopt;
}

std::string print_capabilities() {
  xml::Writer writer;
  writer.open("xcap-caps").declare("", caps_ns).open("auids").element("auid", caps_auid);
  for (const Usage& usage : known) writer.element("auid", usage.auid);
  writer.close().open("extensions").close().open("namespaces");
  for (const std::string_view ns : {caps_ns, documents::ns::common_policy, documents::ns::pres_rules,
                                    documents::ns::direct, documents::ns::watch_log}) {
    writer.element("namespace", ns);
  }
  return writer.finish();
}

}  // namespace beckon::xcap
