#include "protocol/xcap/usage.hpp"

#include <doctest/doctest.h>

#include "protocol/base/text.hpp"
#include "protocol/xml/document.hpp"

using namespace beckon;
using namespace beckon::xcap;

namespace {

using Kind = Problem::Kind;

/// Of alice, at a server of example.org.
Setting setting() {
  return {.owner = "sip:alice@example.org",
          .canonical =
              [](std::string_view uri) {
                if (!uri.starts_with("sip:")) return std::string();
                return to_lower(uri.substr(0, uri.find(';')));
              },
          .serves = [](std::string_view domain) { return domain == "example.org"; }};
}

std::optional<Problem> check(std::string_view auid, const std::string& text) {
  return validate(*find_usage(auid), text, setting());
}
/// "" where the document is taken, else what is wrong; with the field of what is not unique.
std::string fault(std::string_view auid, const std::string& text) {
  const auto problem = check(auid, text);
  if (!problem) return "";
  if (problem->kind == Kind::schema_validation_error) return "schema";
  if (problem->kind == Kind::constraint_failure) return "constraint";
  if (problem->kind == Kind::uniqueness_failure) return problem->exists.at(0).field;
  return std::to_string(problem->status);
}

std::string ruleset(const std::string& inside) {
  return "<ruleset xmlns='urn:ietf:params:xml:ns:common-policy' "
         "xmlns:pr='urn:ietf:params:xml:ns:pres-rules'>" +
         inside + "</ruleset>";
}
std::string lists(const std::string& inside) {
  return "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'>" + inside + "</resource-lists>";
}
std::string services(const std::string& inside) {
  return "<rls-services xmlns='urn:ietf:params:xml:ns:rls-services' "
         "xmlns:rl='urn:ietf:params:xml:ns:resource-lists'>" +
         inside + "</rls-services>";
}
std::string presence(const std::string& inside) {
  return "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:alice@example.org'>" + inside +
         "</presence>";
}

}  // namespace

TEST_CASE("presence rules have two names for one document (RFC 5025 9.1)") {
  const auto* usage = find_usage("pres-rules");
  const auto* alias = find_usage("org.openmobilealliance.pres-rules");
  REQUIRE((usage != nullptr && alias != nullptr));
  CHECK(usage->canonical == alias->canonical);
  CHECK(usage->content_type == "application/auth-policy+xml");
  CHECK(find_usage("unheard-of") == nullptr);
}

TEST_CASE("a document is checked before it is stored; the answer names the fault (RFC 4825 8.2.5, 11)") {
  struct Row {
    std::string body;
    Kind kind;
  };
  CHECK_FALSE(check("pres-rules", ruleset("<rule id='a'/>")));
  for (const Row& row : {Row{"", Kind::not_well_formed}, Row{ruleset("<rule id='a'>"), Kind::not_well_formed},
                         Row{ruleset("\xFF"), Kind::not_utf8},
                         Row{"<!DOCTYPE ruleset>" + ruleset(""), Kind::constraint_failure},
                         Row{"<ruleset/>", Kind::schema_validation_error},
                         Row{ruleset("<rule/>"), Kind::schema_validation_error},
                         Row{ruleset("<rule id='a'/><rule id='a'/>"), Kind::schema_validation_error}}) {
    CAPTURE(row.body);
    const auto problem = check("pres-rules", row.body);
    REQUIRE(problem);
    CHECK(problem->status == 409);
    CHECK(problem->kind == row.kind);
    CHECK_FALSE(problem->phrase.empty());
  }
  CHECK(check("pres-rules", ruleset(std::string(1 << 20, ' ')))->status == 413);
}

TEST_CASE("the type of a body is the one of its usage, whatever its parameters and its case") {
  CHECK_FALSE(check_type("Application/Auth-Policy+XML; charset=utf-8", "application/auth-policy+xml"));
  CHECK(check_type("text/plain", "application/auth-policy+xml")->status == 415);
  CHECK(check_type("", "application/auth-policy+xml")->status == 415);
}

TEST_CASE("presence rules are what the schemas of RFC 4745 and RFC 5025 let them be") {
  const auto rule = [](const std::string& inside) { return ruleset("<rule id='a'>" + inside + "</rule>"); };
  const auto condition = [&](const std::string& inside) {
    return rule("<conditions>" + inside + "</conditions>");
  };
  const auto transform = [&](const std::string& inside) {
    return rule("<transformations>" + inside + "</transformations>");
  };
  struct Row {
    std::string text;
    const char* fault;
  };
  const std::string until = "<until>2026-01-02T00:00:00Z</until>", from = "<from>2026-01-01T00:00:00Z</from>";
  for (const Row& row : {
           Row{rule(""), ""},
           Row{rule("text"), "schema"},
           Row{rule("<actions/><conditions/>"), "schema"},
           Row{rule("<actions/><actions/>"), "schema"},
           Row{ruleset("<rule id='1a'/>"), "schema"},
           Row{ruleset("<rule id='a' other='b'/>"), "schema"},
           Row{ruleset("<x:rule xmlns:x='urn:x'/>"), "schema"},
           Row{condition(
                   "<identity><one id='sip:b@example.org'/><many><except domain='x'/></many></identity>"),
               ""},
           Row{condition("<identity/>"), "schema"},
           Row{condition("<identity><one/></identity>"), "schema"},
           Row{condition("<identity><one id='http://['/></identity>"), "schema"},
           Row{condition("<sphere value='work'/>"), ""},
           Row{condition("<sphere/>"), "schema"},
           Row{condition("<sphere value='work'>x</sphere>"), "schema"},
           Row{condition("<validity>" + from + until + from + until + "</validity>"), ""},
           Row{condition("<validity>" + from + "</validity>"), "schema"},
           Row{condition("<validity>" + from + until + until + "</validity>"), "schema"},
           Row{condition("<validity><from>today</from>" + until + "</validity>"), "schema"},
           Row{condition("<validity><from>2026-01-01T00:00:00</from>" + until + "</validity>"), "constraint"},
           Row{condition("<x:moon xmlns:x='urn:x' full='yes'>1</x:moon>"), ""},
           Row{condition("<moon xmlns=''/>"), "schema"},
           Row{rule("<actions><pr:sub-handling> allow </pr:sub-handling></actions>"), ""},
           Row{rule("<actions><pr:sub-handling>maybe</pr:sub-handling></actions>"), "schema"},
           Row{transform("<pr:provide-services><pr:all-services/></pr:provide-services>"), ""},
           Row{transform(
                   "<pr:provide-services><pr:all-services/><pr:class>x</pr:class></pr:provide-services>"),
               "schema"},
           Row{transform("<pr:provide-persons><pr:service-uri>sip:a</pr:service-uri></pr:provide-persons>"),
               "schema"},
           Row{transform("<pr:provide-mood> 1 </pr:provide-mood>"), ""},
           Row{transform("<pr:provide-mood>yes</pr:provide-mood>"), "schema"},
           Row{transform("<pr:provide-user-input>full</pr:provide-user-input>"), ""},
           Row{transform("<pr:provide-user-input>most</pr:provide-user-input>"), "schema"},
           Row{transform("<pr:provide-all-attributes/>"), ""},
           Row{transform("<pr:provide-all-attributes x='y'/>"), "schema"},
           Row{transform(
                   "<pr:provide-unknown-attribute name='a' ns='urn:b'>true</pr:provide-unknown-attribute>"),
               ""},
           Row{transform("<pr:provide-unknown-attribute name='a'>true</pr:provide-unknown-attribute>"),
               "schema"},
           // RFC 4825 8.2.5: a namespace that we know has nothing but what its schema has.
           Row{transform("<pr:provide-everything/>"), "schema"},
           Row{transform("<x:y xmlns:x='urn:x'><pr:provide-mood>no</pr:provide-mood></x:y>"), "schema"},
       }) {
    CAPTURE(row.text);
    CHECK(fault("pres-rules", row.text) == row.fault);
  }
}

TEST_CASE(
    "what stands beside each other in resource lists is unique and of the right kind (RFC 4826 3.4.5)") {
  struct Row {
    std::string text;
    const char* fault;
  };
  for (const Row& row : {
           Row{lists(""), ""},
           Row{lists("<list name='a'><display-name xml:lang='en'>A</display-name><entry uri='sip:b'/>"
                     "<list name='a'><entry uri='sip:b'/></list></list><list name='b'/><list/><list/>"),
               ""},
           Row{lists("<list name='a'/><list name='b'/><list name='a'/>"), "resource-lists/list%5B3%5D/@name"},
           Row{lists("<list/><list><entry uri='a'/><list><entry uri='b'/><entry uri='c'/><entry "
                     "uri='b'/></list></list>"),
               "resource-lists/list%5B2%5D/list%5B1%5D/entry%5B3%5D/@uri"},
           Row{lists("<list><entry-ref ref='a'/><entry-ref ref='a'/></list>"),
               "resource-lists/list%5B1%5D/entry-ref%5B2%5D/@ref"},
           Row{lists("<list><external anchor='http://a/'/><external anchor='http://a/'/></list>"),
               "resource-lists/list%5B1%5D/external%5B2%5D/@anchor"},
           Row{lists("<list><entry uri='a'/><entry uri='A'/></list>"), ""},
           Row{lists("<list><entry-ref ref='http://example.org/a'/></list>"), "constraint"},
           Row{lists("<list><entry-ref ref='/a'/></list>"), "constraint"},
           Row{lists("<list><external anchor='a'/></list>"), "constraint"},
           Row{lists("<list><external anchor='sip:a'/></list>"), "constraint"},
           Row{lists("<list><external anchor='HTTPS://example.org/a'/></list>"), ""},
           Row{lists("<list><external/></list>"), ""},
           Row{lists("<list><entry/></list>"), "schema"},
           Row{lists("<list><entry uri='a'/><display-name/></list>"), "schema"},
           Row{lists("<list other='a'/>"), "schema"},
           Row{lists("<list x:other='a' xmlns:x='urn:x'><x:e/></list>"), ""},
           Row{lists("<list><x:e xmlns:x='urn:x'/><entry uri='a'/></list>"), "schema"},
           Row{lists("<list><display-name xml:lang='not a language'>A</display-name></list>"), "schema"},
           Row{"<resource-lists/>", "schema"},
       }) {
    CAPTURE(row.text);
    CHECK(fault("resource-lists", row.text) == row.fault);
  }
}

TEST_CASE("a service has a URI of its own in our domain, and lists of its user (RFC 4826 4.4.5)") {
  const auto service = [](const std::string& uri, const std::string& inside = "<list/>") {
    return "<service uri='" + uri + "'>" + inside + "</service>";
  };
  const auto reference = [&](const std::string& uri) {
    return services(service("sip:friends@example.org", "<resource-list>" + uri + "</resource-list>"));
  };
  struct Row {
    std::string text;
    const char* fault;
  };
  for (const Row& row : {
           Row{services(""), ""},
           Row{services(service("sip:friends@example.org") +
                        service("sip:foes@example.org",
                                "<list name='x'><rl:entry uri='sip:b'/></list>"
                                "<packages><package>presence</package></packages>")),
               ""},
           Row{services(service("sip:friends@example.org") + service("sip:Friends@Example.org;x=y")),
               "rls-services/service%5B2%5D/@uri"},
           Row{services(service("sip:friends@example.com")), "constraint"},
           Row{services(service("tel:+1")), "constraint"},
           Row{services(service(
                   "sip:friends@example.org",
                   "<list><rl:list/><rl:list><rl:entry uri='a'/><rl:entry uri='a'/></rl:list></list>")),
               "rls-services/service%5B1%5D/list%5B1%5D/rl:list%5B2%5D/rl:entry%5B2%5D/"
               "@uri?xmlns(rl=urn:ietf:params:xml:ns:resource-lists)"},
           Row{reference("https://x.example.org/xcap/resource-lists/users/sip:alice@example.org/index/~~/"
                         "resource-lists/"
                         "list%5b@name=%22l1%22%5d"),
               ""},
           Row{reference("http://x.example.org/resource-lists/users/sip%3Aalice%40example.org/index"), ""},
           Row{reference(
                   "http://x.example.org/resource-lists/resource-lists/users/sip:alice@example.org/index"),
               ""},
           Row{reference("http://x.example.org/resource-lists/users/sip:bob@example.org/index"),
               "constraint"},
           Row{reference("http://x.example.org/pres-rules/users/sip:alice@example.org/index"), "constraint"},
           Row{reference("http://x.example.org/a/~~/resource-lists/users/sip:alice@example.org/index"),
               "constraint"},
           Row{reference("/resource-lists/users/sip:alice@example.org/index"), "constraint"},
           Row{services("<service uri='sip:friends@example.org'/>"), "schema"},
           Row{services("<service><list/></service>"), "schema"},
           Row{services(service("sip:friends@example.org", "<list/><list/>")), "schema"},
           Row{services(service("sip:friends@example.org", "<rl:list/>")), "schema"},
           Row{services(service("sip:friends@example.org", "<packages/><list/>")), "schema"},
           Row{services(service("sip:friends@example.org", "<list><entry uri='a'/></list>")), "schema"},
       }) {
    CAPTURE(row.text);
    CHECK(fault("rls-services", row.text) == row.fault);
  }
  const auto document = xml::parse(services(service("sip:Friends@example.org")));
  const auto found = service_uris(*document, setting());
  REQUIRE(found.size() == 1);
  CHECK(found[0].uri == "sip:friends@example.org");
  CHECK(xml::parse(print_services({found[0].text, found[0].text})).has_value());
}

TEST_CASE("hard state is a presence document of RFC 3863 (RFC 4827)") {
  const std::string open = "<status><basic>open</basic></status>";
  struct Row {
    std::string text;
    const char* fault;
  };
  for (const Row& row : {
           Row{presence(""), ""},
           Row{presence("<tuple id='a'>" + open +
                        "<contact priority='0.8'>sip:a@example.org</contact></tuple>"),
               ""},
           Row{presence("<tuple id='a'>" + open + "</tuple><tuple id='a'>" + open + "</tuple>"), "schema"},
           Row{presence("<tuple>" + open + "</tuple>"), "schema"},
           Row{presence("<tuple id='a'/>"), "schema"},
           Row{presence("<tuple id='a'><status><basic>ajar</basic></status></tuple>"), "schema"},
           Row{presence("<tuple id='a'>" + open + "<contact priority='1.5'>sip:a</contact></tuple>"),
               "schema"},
           Row{presence("<note>a</note><tuple id='a'>" + open + "</tuple>"), "schema"},
           Row{presence("<x:y xmlns:x='urn:x'/>"), ""},
           Row{"<presence xmlns='urn:ietf:params:xml:ns:pidf'/>", "schema"},
       }) {
    CAPTURE(row.text);
    CHECK(fault("pidf-manipulation", row.text) == row.fault);
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
                                          "resource-lists", "rls-services", "pidf-manipulation",
                                          "org.openmobilealliance.xcap-directory", "beckon.watch-log"});
  CHECK(document->root().child(ns, "extensions") != nullptr);
  CHECK(document->root().child(ns, "namespaces") != nullptr);
}

TEST_CASE("the directory has a folder for each usage that users write") {
  const auto document =
      xml::parse(print_directory({{"resource-lists", "https://example.org/a&b", "e1", 120}}));
  REQUIRE(document.has_value());
  std::string folders;
  for (const auto& folder : document->root().children()) {
    folders += std::string(*folder.attribute("auid")) + ' ';
    for (const auto& entry : folder.children())
      folders += "(" + std::string(*entry.attribute("uri")) + ' ' + std::string(*entry.attribute("etag")) +
                 ' ' + std::string(*entry.attribute("size")) + ") ";
  }
  CHECK(folders ==
        "pres-rules resource-lists (https://example.org/a&b e1 120) rls-services pidf-manipulation ");
}

TEST_CASE("a document that the server makes is known as such") {
  REQUIRE(find_usage(watch_log_auid) != nullptr);
  CHECK(find_usage(watch_log_auid)->is_made);
  CHECK_FALSE(find_usage("pres-rules")->is_made);
}
