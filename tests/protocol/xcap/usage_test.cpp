#include "protocol/xcap/usage.hpp"

#include <doctest/doctest.h>

#include "protocol/xml/document.hpp"

using namespace beckon;
using namespace beckon::xcap;

namespace {

constexpr std::string_view type = "application/auth-policy+xml";

std::string ruleset(const std::string& inside) {
  return "<ruleset xmlns='urn:ietf:params:xml:ns:common-policy'>" + inside + "</ruleset>";
}

}  // namespace

TEST_CASE("presence rules have two names for one document (RFC 5025 9.1)") {
  const auto* usage = find_usage("pres-rules");
  const auto* alias = find_usage("org.openmobilealliance.pres-rules");
  REQUIRE((usage != nullptr && alias != nullptr));
  CHECK(usage->canonical == alias->canonical);
  CHECK(usage->content_type == type);
  CHECK(find_usage("resource-lists") == nullptr);
}

TEST_CASE("a document is checked before it is stored; the answer names the fault (RFC 4825 8.2.5, 11)") {
  struct Row {
    std::string body;
    Problem::Kind kind;
  };
  const Usage& usage = *find_usage("pres-rules");
  CHECK_FALSE(validate(usage, type, ruleset("<rule id='a'/>")));
  CHECK_FALSE(validate(usage, "Application/Auth-Policy+XML; charset=utf-8", ruleset("")));
  for (const Row& row : {Row{"", Problem::Kind::not_well_formed},
                         Row{ruleset("<rule id='a'>"), Problem::Kind::not_well_formed},
                         Row{ruleset("\xFF"), Problem::Kind::not_utf8},
                         Row{"<ruleset/>", Problem::Kind::schema_validation_error},
                         Row{ruleset("<rule/>"), Problem::Kind::schema_validation_error},
                         Row{ruleset("<rule id='a'/><rule id='a'/>"), Problem::Kind::uniqueness_failure}}) {
    CAPTURE(row.body);
    const auto problem = validate(usage, type, row.body);
    REQUIRE(problem);
    CHECK(problem->status == 409);
    CHECK(problem->kind == row.kind);
    CHECK_FALSE(problem->phrase.empty());
  }
  CHECK(validate(usage, "text/plain", ruleset(""))->status == 415);
  CHECK(validate(usage, type, ruleset(std::string(1 << 20, ' ')))->status == 413);
}

TEST_CASE("hard state is a presence document of its schema, one for each user (RFC 4827 5, 6, 9)") {
  const Usage& usage = *find_usage("pidf-manipulation");
  CHECK(usage.is_single);
  const std::string tuple = "<tuple id='a'><status><basic>open</basic></status></tuple>";
  const auto presence = [](const std::string& children, const std::string& entity = " entity='sip:a@b'") {
    return "<presence xmlns='urn:ietf:params:xml:ns:pidf'" + entity + ">" + children + "</presence>";
  };
  CHECK_FALSE(validate(usage, "application/pidf+xml", presence(tuple)));
  CHECK_FALSE(validate(usage, "application/pidf+xml", presence("")));
  CHECK(validate(usage, "application/cpim-pidf+xml", presence(tuple))->status == 415);
  struct Row {
    std::string body;
    Problem::Kind kind;
  };
  for (const Row& row : {Row{presence(tuple, ""), Problem::Kind::schema_validation_error},
                         Row{presence("<tuple id='a'/>"), Problem::Kind::schema_validation_error},
                         Row{presence("<tuple><status/></tuple>"), Problem::Kind::schema_validation_error},
                         Row{presence(tuple + tuple), Problem::Kind::uniqueness_failure},
                         Row{presence("<tuple"), Problem::Kind::not_well_formed}}) {
    CAPTURE(row.body);
    const auto problem = validate(usage, "application/pidf+xml", row.body);
    REQUIRE(problem);
    CHECK(problem->kind == row.kind);
  }
}

TEST_CASE("the capabilities name every usage (RFC 4825 12)") {
  const auto document = xml::parse(print_capabilities());
  REQUIRE(document.has_value());
  const auto ns = document->root().ns();
  const auto* auids = document->root().child(ns, "auids");
  REQUIRE(auids != nullptr);
  std::vector<std::string> names;
  for (const auto& auid : auids->children()) names.emplace_back(auid.text());
  CHECK(names == std::vector<std::string>{"xcap-caps", "pres-rules", "org.openmobilealliance.pres-rules",
                                          "pidf-manipulation", "beckon.watch-log"});
  CHECK(document->root().child(ns, "extensions") != nullptr);
  CHECK(document->root().child(ns, "namespaces") != nullptr);
}

TEST_CASE("a document that the server makes is known as such") {
  REQUIRE(find_usage(watch_log_auid) != nullptr);
  CHECK(find_usage(watch_log_auid)->is_made);
  CHECK_FALSE(find_usage("pres-rules")->is_made);
}
