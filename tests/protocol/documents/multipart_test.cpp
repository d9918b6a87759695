#include "protocol/documents/multipart.hpp"

#include <doctest/doctest.h>

#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::documents;

namespace {

/// With \n for CRLF.
std::string crlf(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\r\n");
  return text;
}

const std::string related =
    "multipart/related;type=\"application/rlmi+xml\";start=\"<nXYxAE@pres.vancouver.example.com>\";"
    "boundary=\"50UBfW7LSCVLtggUPe5z\"";
/// After RFC 4662 5.6, shortened.
const std::string list = crlf(R"(--50UBfW7LSCVLtggUPe5z
Content-Transfer-Encoding: binary
Content-ID: <3BQFdi@pres.vancouver.example.com>
Content-Type: application/pidf+xml;charset="UTF-8"

<presence entity="sip:bob@vancouver.example.com"/>

--50UBfW7LSCVLtggUPe5z
Content-ID: <nXYxAE@pres.vancouver.example.com>
Content-Type: application/rlmi+xml

<list version="1"/>
--50UBfW7LSCVLtggUPe5z--
)");

ErrorCode error_of(std::string_view body, std::string_view type = "multipart/mixed;boundary=b",
                   const MultipartLimits& limits = {}) {
  const auto multipart = parse_multipart(body, type, limits);
  return multipart ? ErrorCode() : multipart.error();
}

}  // namespace

TEST_CASE("a list notification is read, and its root is the part that start names (RFC 4662 5, 2387 3.2)") {
  const auto multipart = parse_multipart(list, related);
  REQUIRE(multipart.has_value());
  REQUIRE(multipart->parts.size() == 2);
  const Part& bob = multipart->parts[0];
  CHECK(bob.header("content-transfer-encoding") == "binary");
  CHECK(bob.content_id() == "3BQFdi@pres.vancouver.example.com");
  CHECK(bob.content_type() == "application/pidf+xml;charset=\"UTF-8\"");
  CHECK(media_parameter(bob.content_type(), "charset") == "UTF-8");
  // The line end before a delimiter belongs to it; the one before that is the part's own.
  CHECK(bob.body == "<presence entity=\"sip:bob@vancouver.example.com\"/>\r\n");
  CHECK(root_of(*multipart, related).body == "<list version=\"1\"/>");
  CHECK(&root_of(*multipart, "multipart/related;boundary=x") == &multipart->parts[0]);
  CHECK(&root_of(*multipart, "multipart/related;start=\"<none>\"") == &multipart->parts[0]);
  CHECK(find_content_id(multipart->parts, "nXYxAE@pres.vancouver.example.com") == &multipart->parts[1]);
  CHECK(find_content_id(multipart->parts, "other") == nullptr);
}

TEST_CASE("parts are separated as RFC 2046 5.1.1 defines") {
  struct Row {
    std::string body;
    std::vector<std::string_view> parts;
  };
  const Row rows[] = {
      {"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--", {"one", "two"}},
      {"preamble\r\n--b\r\n\r\none\r\n--b--\r\nepilogue --b--\r\n--b\r\n", {"one"}},
      {"--b \t\r\n\r\none\r\n--b-- \r\n", {"one"}},     // transport padding
      {"--b\n\none\n--b--\n", {"one"}},                 // COMPAT: LF
      {"--b\r\n\r\n\r\n--b--\r\n", {""}},               // an empty body
      {"--b\r\n--b--\r\n", {""}},                       // neither header nor body
      {"--b\r\nContent-Type: a/b\r\n--b--\r\n", {""}},  // a header and no body
      {"--b\r\n\r\n--bb\r\n --b\r\nx--b\r\n--b--\r\n", {"--bb\r\n --b\r\nx--b"}},
      {"--b\r\n\r\n one\r\n--b--\r\n", {" one"}},  // a blank first: the body's, no fold
      {"--b\r\n\r\n\r\none\r\n\r\n--b--\r\n", {"\r\none\r\n"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    const auto multipart = parse_multipart(row.body, "multipart/mixed; boundary=b");
    REQUIRE(multipart.has_value());
    std::vector<std::string_view> bodies;
    for (const Part& part : multipart->parts) bodies.push_back(part.body);
    CHECK(bodies == row.parts);
  }
  const auto multipart = parse_multipart(rows[1].body, "multipart/mixed; boundary=b");
  CHECK(multipart->preamble == "preamble");
  CHECK(multipart->epilogue == "epilogue --b--\r\n--b\r\n");
}

TEST_CASE("a boundary may be quoted, and hold what only quotes allow") {
  const std::string body = "--a b:c=\r\n\r\none\r\n--a b:c=--\r\n";
  CHECK_FALSE(error_of(body, "multipart/mixed; Boundary=\"a b:c=\"; x=y"));
  CHECK_FALSE(error_of(body, "multipart/mixed; x=\"boundary=no;\\\"\" ; boundary = \"a\\ b:c=\""));
  CHECK_FALSE(error_of("--" + std::string(70, 'x') + "\r\n\r\n--" + std::string(70, 'x') + "--",
                       "multipart/mixed;boundary=" + std::string(70, 'x')));
  for (const std::string& type :
       {std::string("multipart/mixed"), std::string("multipart/mixed;boundary="),
        std::string("multipart/mixed;boundary=\"b \""), std::string("multipart/mixed;boundary=\"b\r\n\""),
        "multipart/mixed;boundary=" + std::string(71, 'x')}) {
    CAPTURE(type);
    CHECK(error_of("--b\r\n\r\n--b--", type) == Errc::bad_boundary);
  }
}

TEST_CASE("a body that is not multipart is refused") {
  for (const char* body : {"", "text", "--b--\r\n", "--b\r\n\r\none\r\n", "--b\r\n\r\none\r\n--b\r\n",
                           "--b\r\n\r\none\r\n--b", "--b\r\nno header\r\n\r\none\r\n--b--",
                           "--b\r\n: x\r\n\r\none\r\n--b--", "--b\r\nContent Type: x\r\n\r\n--b--"}) {
    CAPTURE(body);
    CHECK(error_of(body) == Errc::bad_multipart);
  }
}

TEST_CASE("headers of a part may be folded, in any case and of any number") {
  const auto multipart =
      parse_multipart("--b\r\ncontent-TYPE : a/b;\r\n charset=x\r\nX: 1\r\nX: 2\r\n\r\none\r\n--b--",
                      "multipart/mixed;boundary=b");
  REQUIRE(multipart.has_value());
  const Part& part = multipart->parts.at(0);
  CHECK(part.headers.size() == 3);
  CHECK(media_parameter(part.content_type(), "charset") == "x");
  CHECK(part.header("x") == "1");
  CHECK(part.header("y").empty());
  CHECK(Part{}.content_type() == "text/plain");
}

TEST_CASE("multiparts in a multipart are read, within bounds") {
  const auto nest = [](std::size_t depth) {
    std::string body = "leaf", type = "text/plain";
    for (std::size_t i = 0; i < depth; ++i) {
      const std::string boundary = "level" + std::to_string(i) + "end";
      body = "--" + boundary + "\r\nContent-Type: " + type + "\r\nContent-ID: <" + std::to_string(i) +
             "@h>\r\n\r\n" + body + "\r\n--" + boundary + "--";
      type = "multipart/mixed;boundary=" + boundary;
    }
    return std::pair(body, type);
  };
  const auto [body, type] = nest(4);
  const auto multipart = parse_multipart(body, type);
  REQUIRE(multipart.has_value());
  CHECK(find_content_id(multipart->parts, "0@h")->body == "leaf");
  CHECK_FALSE(error_of(body, type, {.parts = 4}));
  CHECK(error_of(body, type, {.parts = 3}) == Errc::too_many_parts);
  CHECK(error_of(body, type, {.depth = 3}) == Errc::too_deep);
  const auto [deep, deep_type] = nest(5);
  CHECK(error_of(deep, deep_type) == Errc::too_deep);
  CHECK_FALSE(
      error_of("--b\r\na: b\r\nc: d\r\n\r\n--b--", "multipart/mixed;boundary=b", {.header_lines = 2}));
  CHECK(error_of("--b\r\na: b\r\nc: d\r\n\r\n--b--", "multipart/mixed;boundary=b", {.header_lines = 1}) ==
        Errc::too_many_parts);
}

TEST_CASE(
    "a part says whether a recipient must understand it (RFC 5621 8.3), and how it is encoded (RFC 2045 6)") {
  const auto part = [](const char* name, const char* value, const char* body = "") {
    return Part{{{name, value}}, body, {}};
  };
  CHECK(Part{}.is_required());
  CHECK(part("Content-Disposition", "session;handling=required").is_required());
  CHECK_FALSE(part("Content-Disposition", "icon; Handling=\"OPTIONAL\"").is_required());
  const char* name = "Content-Transfer-Encoding";
  CHECK(content(part("X", "y", "as is")).value() == "as is");
  CHECK(content(part(name, "BINARY", "a\r\n")).value() == "a\r\n");
  CHECK(content(part(name, "base64", "aGVs\r\nbG8=\r\n")).value() == "hello");
  CHECK(content(part(name, "base64", "a")) == Errc::bad_value);
  CHECK(content(part(name, "quoted-printable", "a")) == Errc::unknown_encoding);
}

TEST_CASE("a printed body reads back; its boundary needs no quotes and occurs in no part") {
  SeededRandom twin(7), random(7);
  const std::string first = "part-" + twin.token(16);  // what would be chosen first
  const std::string evil = "--" + first + "--\r\n";
  const auto printed = print_multipart({{{{"Content-Type", "text/plain"}, {"Content-ID", "<a@h>"}}, evil},
                                        {{}, ""},
                                        {{{"Content-Type", "a/b"}}, "x\n"}},
                                       random);
  CHECK(printed.boundary != first);
  CHECK(printed.boundary.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == std::string::npos);
  const auto again = parse_multipart(printed.body, "multipart/related;boundary=" + printed.boundary);
  REQUIRE(again.has_value());
  REQUIRE(again->parts.size() == 3);
  CHECK(again->parts[0].body == evil);
  CHECK(again->parts[0].content_id() == "a@h");
  CHECK(again->parts[1].body.empty());
  CHECK(again->parts[2].body == "x\n");
}

TEST_CASE("each cut of a multipart body is refused, but for its last line end") {
  for (std::size_t size = 0; size < list.size(); ++size) {
    CAPTURE(size);
    CHECK((error_of(std::string_view(list).substr(0, size), related) == Errc::bad_multipart) ==
          (size < list.size() - 2));
  }
}
