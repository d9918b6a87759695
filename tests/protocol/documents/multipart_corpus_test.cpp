#include <doctest/doctest.h>

#include "protocol/documents/multipart.hpp"
#include "protocol/sip/message.hpp"
#include "tests/protocol/sip/corpus.hpp"

using namespace beckon;
using namespace beckon::documents;

namespace {

/// Media types in order, those inside of a part in parentheses.
std::string types_of(const std::vector<Part>& parts) {
  std::string out;
  for (const Part& part : parts) {
    const auto type = part.content_type();
    out += (out.empty() ? "" : " ") + std::string(type.substr(0, type.find_first_of("; ")));
    if (!part.parts.empty()) out += "(" + types_of(part.parts) + ")";
  }
  return out;
}

}  // namespace

TEST_CASE("multipart bodies of the RFCs' and other examples are read") {
  struct Row {
    std::string file;
    std::string cut_off;  ///< What the print leaves out, or the extraction lost, at the end.
    std::string types;
  };
  const Row rows[] = {
      {"sip/rfc4475/mpart01.dat", "", "text/plain application/octet-stream"},
      {"sip/rfc-examples/rfc3261-008.msg", "\r\n--boundary42--", "message/sip"},
      {"sip/rfc-examples/rfc3261-010.msg", "\r\n--boundary42--", "application/pkcs7-mime"},
      {"sip/rfc-examples/rfc4662-009.msg", "\r\n--l3WMZaaL8NpQWGnQ4mlU--",
       "multipart/related(application/rlmi+xml application/pidf+xml application/pidf+xml) "
       "application/pkcs7-signature"},
      {"sip/rfc-examples/rfc4662-011.msg", "\r\n--l3WMZaaL8NpQWGnQ4mlU--\r\n--TfZxoxgAvLqgj4wRWPDL--",
       "application/rlmi+xml multipart/signed(multipart/related(application/rlmi+xml application/pidf+xml "
       "application/pidf+xml) application/pkcs7-signature)"},
      {"sip/rfc-examples/rfc5365-001.msg", "\r\n--boundary1--", "text/plain"},
      {"sip/rfc-examples/rfc5366-001.msg", "", "application/sdp application/resource-lists+xml"},
      {"sip/jsip-torture/362.msg", "\r\n------34CF59C076641DD0879594444157C7EB--",
       "message/sip application/pkcs-7-signature"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.file);
    const auto message = sip::Message::parse(share(corpus::read(corpus::root / row.file)));
    REQUIRE(message.has_value());
    const auto type = message->header(sip::HeaderId::content_type);
    CHECK(is_multipart(type));
    std::string body = std::string(message->body()) + row.cut_off;
    // A blank line that stood at the end of a page.
    for (std::size_t at = 0; (at = body.find("\"\r\n<?xml", at)) != std::string::npos;)
      body.insert(at + 1, "\r\n");
    if (!row.cut_off.empty()) CHECK(parse_multipart(message->body(), type).error() == Errc::bad_multipart);
    const auto multipart = parse_multipart(body, type);
    CAPTURE(multipart.error().message());
    REQUIRE(multipart.has_value());
    CHECK(types_of(multipart->parts) == row.types);
  }
}
