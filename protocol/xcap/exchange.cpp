#include "protocol/xcap/exchange.hpp"

#include "protocol/base/text.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::xcap {

Method parse_method(std::string_view text) {
  for (const auto method : {Method::get, Method::head, Method::put, Method::del}) {
    if (text == to_string(method)) return method;
  }
  return Method::other;
}

bool reads(Method method) { return method == Method::get || method == Method::head; }

const char* to_string(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::put:
      return "PUT";
    case Method::del:
      return "DELETE";
    case Method::other:
      return "";
  }
  return "";
}

std::optional<std::string_view> find_header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (iequals(key, name)) return value;
  }
  return std::nullopt;
}

namespace {

/// Takes the first entity-tag off a list: {weak, tag}; nullopt at the end or at what is none. A tag may
/// hold commas, so the list cannot be split at them.
std::optional<std::pair<bool, std::string_view>> take_tag(std::string_view& list) {
  while (!list.empty() && (is_blank(list[0]) || list[0] == ',')) list.remove_prefix(1);
  const bool weak = list.starts_with("W/");
  if (weak) list.remove_prefix(2);
  if (!list.starts_with('"')) return std::nullopt;
  const auto end = list.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  const auto tag = list.substr(1, end - 1);
  list.remove_prefix(end + 1);
  return std::pair(weak, tag);
}

/// Lines of one name are one list (RFC 9110 5.3).
std::optional<std::string> joined(const Headers& headers, std::string_view wanted) {
  std::optional<std::string> list;
  for (const auto& [name, value] : headers) {
    if (!iequals(name, wanted)) continue;
    if (list)
      list->append(", ").append(value);
    else
      list = value;
  }
  return list;
}

/// RFC 7232 2.3.2: If-Match compares strongly, If-None-Match weakly.
bool lists(std::string_view list, std::optional<std::string_view> etag, bool weak_counts) {
  if (!etag) return false;
  if (trim(list) == "*") return true;
  while (const auto tag = take_tag(list)) {
    if (tag->second == *etag && (weak_counts || !tag->first)) return true;
  }
  return false;
}

}  // namespace

Precondition evaluate_preconditions(Method method, std::optional<std::string_view> etag,
                                    const Headers& headers) {
  const auto match = joined(headers, "If-Match");
  if (match && !lists(*match, etag, false)) return Precondition::failed;
  const auto none_match = joined(headers, "If-None-Match");
  if (!none_match || !lists(*none_match, etag, true)) return Precondition::proceed;
  const bool reads = method == Method::get || method == Method::head;
  return reads ? Precondition::not_modified : Precondition::failed;
}

namespace {

/// Element names of RFC 4825 11.2.
const char* element_name(Problem::Kind kind) {
  switch (kind) {
    case Problem::Kind::none:
      return "";
    case Problem::Kind::not_well_formed:
      return "not-well-formed";
    case Problem::Kind::not_xml_frag:
      return "not-xml-frag";
    case Problem::Kind::not_xml_att_value:
      return "not-xml-att-value";
    case Problem::Kind::not_utf8:
      return "not-utf-8";
    case Problem::Kind::schema_validation_error:
      return "schema-validation-error";
    case Problem::Kind::constraint_failure:
      return "constraint-failure";
    case Problem::Kind::uniqueness_failure:
      return "uniqueness-failure";
    case Problem::Kind::no_parent:
      return "no-parent";
    case Problem::Kind::cannot_insert:
      return "cannot-insert";
    case Problem::Kind::cannot_delete:
      return "cannot-delete";
  }
  return "";
}

}  // namespace

std::string print(const Problem& problem) {
  if (problem.kind == Problem::Kind::none) return {};
  xml::Writer writer;
  writer.open("xcap-error").declare("", "urn:ietf:params:xml:ns:xcap-error");
  writer.open(element_name(problem.kind));
  if (!problem.phrase.empty()) writer.attribute("phrase", problem.phrase);
  if (problem.kind == Problem::Kind::no_parent && !problem.ancestor.empty())
    writer.element("ancestor", problem.ancestor);
  if (problem.kind == Problem::Kind::uniqueness_failure) {
    for (const auto& [field, alternatives] : problem.exists) {
      writer.open("exists").attribute("field", field);
      for (const std::string& value : alternatives) writer.element("alt-value", value);
      writer.close();
    }
  }
  return writer.finish();
}

Response make_response(unsigned status) {
  Response response;
  response.status = status;
  return response;
}

Response refuse_method(std::string_view allowed) {
  Response response = make_response(405);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

Response make_response(const Problem& problem) {
  Response response;
  response.status = problem.status;
  response.body = print(problem);
  if (!response.body.empty()) response.content_type = error_type;
  return response;
}

}  // namespace beckon::xcap
