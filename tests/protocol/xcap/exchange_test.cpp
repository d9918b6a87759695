#include "protocol/xcap/exchange.hpp"

#include <doctest/doctest.h>

#include "protocol/xml/document.hpp"

using namespace beckon;
using namespace beckon::xcap;

TEST_CASE("preconditions guard against lost updates (RFC 4825 7.11, RFC 7232 3)") {
  struct Row {
    Method method;
    std::optional<std::string_view> etag;
    Headers headers;
    Precondition result;
  };
  const auto proceed = Precondition::proceed;
  const auto failed = Precondition::failed;
  for (const Row& row : {
           Row{Method::put, "a", {}, proceed},
           Row{Method::put, {}, {}, proceed},
           Row{Method::put, "a", {{"If-Match", "\"a\""}}, proceed},
           Row{Method::put, "a", {{"if-match", "\"x\", \"a\""}}, proceed},
           Row{Method::put, "a,b", {{"If-Match", "\"x\",\"a,b\""}}, proceed},
           Row{Method::put, "a", {{"If-Match", "\"b\""}}, failed},
           // Several lines are one list (RFC 9110 5.3).
           Row{Method::put, "a", {{"If-Match", "\"b\""}, {"If-Match", "\"a\""}}, proceed},
           Row{Method::put, "a", {{"If-Match", "\"b\""}, {"if-match", "\"c\""}}, failed},
           Row{Method::put, "a", {{"If-Match", "W/\"a\""}}, failed},
           Row{Method::put, "a", {{"If-Match", "a"}}, failed},
           Row{Method::put, "a", {{"If-Match", ""}}, failed},
           Row{Method::put, {}, {{"If-Match", "\"a\""}}, failed},
           Row{Method::put, {}, {{"If-Match", "*"}}, failed},
           Row{Method::del, "a", {{"If-Match", " * "}}, proceed},
           Row{Method::put, "a", {{"If-None-Match", "*"}}, failed},
           Row{Method::put, {}, {{"If-None-Match", "*"}}, proceed},
           Row{Method::put, "a", {{"If-None-Match", "\"a\""}}, failed},
           Row{Method::put, "a", {{"If-None-Match", "\"b\""}}, proceed},
           Row{Method::get, "a", {{"If-None-Match", "\"a\""}}, Precondition::not_modified},
           Row{Method::head, "a", {{"If-None-Match", "\"b\", W/\"a\""}}, Precondition::not_modified},
           Row{Method::get, "a", {{"If-None-Match", "\"b\""}}, proceed},
           Row{Method::get, "a", {{"If-Match", "\"b\""}, {"If-None-Match", "\"a\""}}, failed},
       }) {
    CAPTURE(to_string(row.method));
    CAPTURE(row.headers.empty() ? "" : row.headers[0].second);
    CHECK(evaluate_preconditions(row.method, row.etag, row.headers) == row.result);
  }
}

TEST_CASE("methods are read by their names; an unknown one is reported as other") {
  for (const auto method : {Method::get, Method::head, Method::put, Method::del}) {
    CHECK(parse_method(to_string(method)) == method);
  }
  CHECK(parse_method("get") == Method::other);
  CHECK(parse_method("") == Method::other);
}

TEST_CASE("a problem is answered with an error document (RFC 4825 11)") {
  const Problem problem{409, Problem::Kind::not_well_formed, "line <1> & \"2\""};
  const auto response = make_response(problem);
  CHECK(response.status == 409);
  CHECK(response.content_type == error_type);
  const auto document = xml::parse(response.body);
  REQUIRE(document.has_value());
  CHECK(document->root().is("urn:ietf:params:xml:ns:xcap-error", "xcap-error"));
  const auto* detail = document->root().child("urn:ietf:params:xml:ns:xcap-error", "not-well-formed");
  REQUIRE(detail != nullptr);
  CHECK(detail->attribute("phrase") == "line <1> & \"2\"");

  const Problem parentless{.kind = Problem::Kind::no_parent, .ancestor = "/xcap/a/~~/b"};
  CHECK(print(parentless).find("<ancestor>/xcap/a/~~/b</ancestor>") != std::string::npos);
  const Problem twin{.kind = Problem::Kind::uniqueness_failure,
                     .exists = {{"rls-services/service/@uri", {"sip:a@example.org", "sip:b@example.org"}}}};
  CHECK(
      print(twin).find("<exists field=\"rls-services/service/@uri\"><alt-value>sip:a@example.org</alt-value>"
                       "<alt-value>sip:b@example.org</alt-value></exists>") != std::string::npos);

  const auto plain = make_response({415, Problem::Kind::none, "x"});
  CHECK(plain.status == 415);
  CHECK(plain.body.empty());
  CHECK(plain.content_type.empty());
}
