#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// HTTP as far as XCAP uses it: what a request says, what is answered, and the rules between them. The
/// code that speaks HTTP fills these.
namespace beckon::xcap {

enum class Method { get, head, put, del, other };
Method parse_method(std::string_view text);
const char* to_string(Method method);
/// HEAD is answered as GET is; the code that speaks HTTP leaves the body out.
bool reads(Method method);

using Headers = std::vector<std::pair<std::string, std::string>>;
/// First value of a header, name without case; nullopt if absent.
std::optional<std::string_view> find_header(const Headers& headers, std::string_view name);

struct Request {
  Method method = Method::get;
  std::string target;  ///< As in the request line.
  Headers headers;
  std::string body;
};

struct Response {
  unsigned status = 200;
  Headers headers;  ///< Without Content-Type, Content-Length and ETag.
  std::string content_type;
  std::string etag;  ///< Without quotes; empty: none.
  std::string body;
};

/// If-Match and If-None-Match against the document as it is (RFC 4825 7.11, RFC 7232 6).
enum class Precondition {
  proceed,
  not_modified,  ///< 304: GET or HEAD of what the client has.
  failed,        ///< 412
};
/// `etag` is the current entity-tag without quotes; nullopt: there is no document.
Precondition evaluate_preconditions(Method method, std::optional<std::string_view> etag,
                                    const Headers& headers);

/// A refusal with the detail of RFC 4825 11.
struct Problem {
  enum class Kind {
    none,                     ///< A status without error document.
    not_well_formed,          ///< 409
    not_xml_frag,             ///< 409
    not_xml_att_value,        ///< 409
    not_utf8,                 ///< 409
    schema_validation_error,  ///< 409
    constraint_failure,       ///< 409
    uniqueness_failure,       ///< 409
    no_parent,                ///< 409
    cannot_insert,            ///< 409
    cannot_delete,            ///< 409
  };
  /// What is not unique.
  struct Exists {
    std::string
        field;  ///< Node selector of the element or attribute as in a URI: "rls-services/service/@uri".
    std::vector<std::string> alternatives{};  ///< Values that are free.
    bool operator==(const Exists&) const = default;
  };
  unsigned status = 409;
  Kind kind = Kind::none;
  std::string phrase{};          ///< For people.
  std::string ancestor{};        ///< Of no_parent: URI of the closest ancestor that exists; empty: none.
  std::vector<Exists> exists{};  ///< Of uniqueness_failure.
  bool operator==(const Problem&) const = default;
};

inline constexpr std::string_view error_type = "application/xcap-error+xml";
/// The error document of a problem; empty for Kind::none.
std::string print(const Problem& problem);
Response make_response(const Problem& problem);
/// The status alone.
Response make_response(unsigned status);
/// 405, with the methods that are allowed.
Response refuse_method(std::string_view allowed);

}  // namespace beckon::xcap
