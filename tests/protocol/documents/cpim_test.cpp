#include "protocol/documents/cpim.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::documents;

namespace {

const std::string empty_line = "\r\n";

Cpim read_well(const std::string& text) {
  const auto cpim = parse_cpim(text);
  REQUIRE(cpim.has_value());
  const auto again = parse_cpim(print(*cpim));
  REQUIRE(again.has_value());
  CHECK(*again == *cpim);
  return *cpim;
}

/// One header and an empty text.
std::string with_header(const std::string& line) { return line + "\r\n\r\nContent-Type: text/plain\r\n\r\n"; }

}  // namespace

TEST_CASE(
    "parameters with a quotation mark that is never closed are left out, so that what is printed reads the "
    "same") {
  const auto cpim =
      parse_cpim("cc:;\"\"\"\nSubject:;lang=\"fr\" hi\nX:;a=\"b\\\" c\nY:;a=\"b\\\"\n\n\nhello");
  REQUIRE(cpim.has_value());
  CHECK(cpim->subject() == "hi");
  for (const auto& header : cpim->others)
    CHECK((header.parameters.empty() || header.parameters == ";lang=\"fr\""));
  CHECK(*parse_cpim(print(*cpim)) == *cpim);
}

TEST_CASE("the example of RFC 3862 5.1 is read: addresses, time, subjects, extensions, content") {
  const Cpim cpim = read_well(
      "From: MR SANDERS <im:piglet@100akerwood.com>\r\n"
      "To: Depressed Donkey <im:eeyore@100akerwood.com>\r\n"
      "DateTime: 2000-12-13T13:40:00-08:00\r\n"
      "Subject: the weather will be fine today\r\n"
      "Subject:;lang=fr beau temps prevu pour aujourd'hui\r\n"
      "NS: MyFeatures <mid:MessageFeatures@id.foo.com>\r\n"
      "Require: MyFeatures.VitalMessageOption\r\n"
      "MyFeatures.VitalMessageOption: Confirmation-requested\r\n"
      "MyFeatures.WackyMessageOption: Use-silly-font\r\n"
      "\r\n"
      "Content-type: text/xml; charset=utf-8\r\n"
      "Content-ID: <1234567890@foo.com>\r\n"
      "\r\n"
      "<body>\r\nHere is the text of my message.\r\n</body>");
  CHECK(cpim.from == CpimAddress{"MR SANDERS", "im:piglet@100akerwood.com"});
  CHECK(cpim.to == std::vector<CpimAddress>{{"Depressed Donkey", "im:eeyore@100akerwood.com"}});
  CHECK(cpim.date_time == "2000-12-13T13:40:00-08:00");
  CHECK(cpim.subject() == "the weather will be fine today");
  const std::string features = "mid:MessageFeatures@id.foo.com";
  CHECK(cpim.others == std::vector<Cpim::Header>{
                           {std::string(cpim_ns), "Subject", "", "the weather will be fine today"},
                           {std::string(cpim_ns), "Subject", ";lang=fr", "beau temps prevu pour aujourd'hui"},
                           {features, "VitalMessageOption", "", "Confirmation-requested"},
                           {features, "WackyMessageOption", "", "Use-silly-font"}});
  CHECK(cpim.content_type == "text/xml; charset=utf-8");
  CHECK(cpim.content_headers ==
        std::vector<std::pair<std::string, std::string>>{{"Content-ID", "<1234567890@foo.com>"}});
  CHECK(cpim.content == "<body>\r\nHere is the text of my message.\r\n</body>");
  SUBCASE("a requirement that we do not know is named (RFC 3862 4.7)") {
    const auto* const unknown = find_unknown_requirement(cpim);
    REQUIRE(unknown != nullptr);
    CHECK(*unknown == Cpim::Header{features, "VitalMessageOption", "", ""});
  }
}

TEST_CASE("the example of RFC 5438 7.1.1.3 is read, though it has no empty line before the content") {
  const Cpim cpim = read_well(
      "From: Alice <im:alice@example.com>\r\n"
      "To: Bob <im:bob@example.com>\r\n"
      "NS: imdn <urn:ietf:params:imdn>\r\n"
      "imdn.Message-ID: 34jk324j\r\n"
      "DateTime: 2006-04-04T12:16:49-05:00\r\n"
      "imdn.Disposition-Notification: positive-delivery, negative-delivery\r\n"
      "Content-type: text/plain\r\n"
      "Content-length: 12\r\n"
      "\r\n"
      "Hello World");
  CHECK(cpim.message_id == "34jk324j");
  CHECK(cpim.wanted == Dispositions{.positive_delivery = true, .negative_delivery = true});
  CHECK(cpim.content == "Hello World");
  CHECK(cpim.content_headers.empty());
  CHECK(print(cpim) ==
        "From: Alice <im:alice@example.com>\r\n"
        "To: Bob <im:bob@example.com>\r\n"
        "DateTime: 2006-04-04T12:16:49-05:00\r\n"
        "NS: imdn <urn:ietf:params:imdn>\r\n"
        "imdn.Message-ID: 34jk324j\r\n"
        "imdn.Disposition-Notification: positive-delivery, negative-delivery\r\n"
        "\r\n"
        "Content-Type: text/plain\r\n"
        "\r\n"
        "Hello World");
}

TEST_CASE("the headers of notifications and intermediaries are read (RFC 5438 6, 7.2.1)") {
  const Cpim cpim = read_well(
      "From: Bob <im:bob@example.com>\r\nTo: Alice <im:alice@example.com>\r\ncc: <im:carol@example.com>\r\n"
      "NS: n <urn:ietf:params:imdn>\r\n"
      "n.Message-ID: d834jied93rf\r\n"
      "n.Original-To: <im:list@example.com>\r\n"
      "n.IMDN-Record-Route: <sip:one.example.com>\r\nn.IMDN-Record-Route: <sip:two.example.com>\r\n"
      "n.IMDN-Route: <sip:three.example.com>\r\n"
      "n.Disposition-Notification: display,processing;x=1, interworking\r\n"
      "\r\n"
      "Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\r\n<imdn/>");
  CHECK(cpim.message_id == "d834jied93rf");
  CHECK(cpim.cc == std::vector<CpimAddress>{{"", "im:carol@example.com"}});
  CHECK(cpim.original_to.uri == "im:list@example.com");
  CHECK(cpim.record_route ==
        std::vector<CpimAddress>{{"", "sip:one.example.com"}, {"", "sip:two.example.com"}});
  CHECK(cpim.route == std::vector<CpimAddress>{{"", "sip:three.example.com"}});
  CHECK(cpim.wanted == Dispositions{.processing = true, .display = true});
  CHECK(cpim.content_type == "message/imdn+xml");
  CHECK(cpim.content_disposition == "notification");
}

TEST_CASE("namespaces are known by their URI, not by their prefix (RFC 3862 3.4)") {
  SUBCASE("the default namespace can be another, and one of RFC 3862 a prefix") {
    const Cpim cpim = read_well(
        "NS: c <urn:ietf:params:cpim-headers:>\r\nNS: <urn:ietf:params:imdn>\r\n"
        "Message-ID: 7\r\nFrom: <im:not@the.sender>\r\nc.From: <im:a@b>\r\nc.To: <im:c@d>\r\n\r\n"
        "Content-Type: text/plain\r\n\r\nhi");
    CHECK(cpim.message_id == "7");
    CHECK(cpim.from.uri == "im:a@b");
    CHECK(cpim.to == std::vector<CpimAddress>{{"", "im:c@d"}});
  }
  SUBCASE("a prefix can be declared again") {
    CHECK(read_well("NS: imdn <urn:x:y>\r\nimdn.Message-ID: 7\r\n\r\nContent-Type: text/plain\r\n\r\n")
              .message_id.empty());
  }
  SUBCASE("COMPAT: imdn needs no declaration; what else is not declared is left out") {
    const Cpim cpim =
        read_well("imdn.Message-ID: 7\r\nzzz.Wacky: yes\r\n\r\nContent-Type: text/plain\r\n\r\n");
    CHECK(cpim.message_id == "7");
    CHECK(cpim.others.empty());
  }
  SUBCASE("a header that would begin the content is left out") {
    CHECK(read_well("NS: c <urn:ietf:params:cpim-headers:>\r\nc.Content-Foo: 1\r\nc.Foo: 2\r\n\r\n\r\n")
              .others == std::vector<Cpim::Header>{{std::string(cpim_ns), "Foo", "", "2"}});
  }
}

TEST_CASE("addresses are read as peers write them, and printed by the grammar (RFC 3862 3.6)") {
  struct Row {
    const char* text;
    const char* name;
    const char* uri;
    const char* printed;
  };
  for (const Row& row : {
           Row{"<sip:a@b>", "", "sip:a@b", "<sip:a@b>"},
           Row{"sip:a@b", "", "sip:a@b", "<sip:a@b>"},
           Row{" Winnie the Pooh   < sip:a@b > ", "Winnie the Pooh", "sip:a@b", "Winnie the Pooh <sip:a@b>"},
           Row{"\"Dr. (W) Pooh\" <sip:a@b>", "Dr. (W) Pooh", "sip:a@b", "\"Dr. (W) Pooh\"<sip:a@b>"},
           Row{"\"say \\\"hi\\\"\"<sip:a@b>", "say \"hi\"", "sip:a@b", "\"say \\\"hi\\\"\"<sip:a@b>"},
           Row{"\"<sip:x@y>\" <sip:a@b>", "<sip:x@y>", "sip:a@b", "\"<sip:x@y>\"<sip:a@b>"},
           Row{"Ren\u00e9 <sip:a@b>", "Ren\u00e9", "sip:a@b", "Ren\u00e9 <sip:a@b>"},
           Row{"two\\nlines <sip:a@b>", "two\nlines", "sip:a@b", "\"two\\nlines\"<sip:a@b>"},
           Row{"\"never ends <sip:a@b>", "", "", nullptr},
           Row{"Bob <>", "", "", nullptr},
           Row{"Bob <no scheme>", "", "", nullptr},
           Row{"", "", "", nullptr},
       }) {
    CAPTURE(row.text);
    const Cpim cpim = read_well(with_header("From: " + std::string(row.text)));
    CHECK(cpim.from == CpimAddress{row.name, row.uri});
    if (row.printed != nullptr) CHECK(print(cpim).starts_with("From: " + std::string(row.printed) + "\r\n"));
  }
}

TEST_CASE("escapes stand for the characters that a header must not have (RFC 3862 2.3)") {
  struct Row {
    const char* written;
    std::string value;
    const char* printed;
  };
  for (const Row& row : {
           Row{"a\\\\b", "a\\b", "a\\\\b"},
           Row{"a\\tb\\nc\\rd\\be", "a\tb\nc\rd\be", "a\\tb\\nc\\rd\\be"},
           Row{"say \\\"hi\\\"", "say \"hi\"", "say \"hi\""},
           Row{"it\\'s", "it's", "it's"},
           Row{"\\u0041\\u00e9\\u20AC", "A\u00e9\u20ac", "A\u00e9\u20ac"},
           Row{"\\u001b[2J", "\x1b[2J", "\\u001b[2J"},
           Row{"x\\u0000y", std::string("x\0y", 3), "x\\u0000y"},
           Row{"\\ud83d\\ude00", "\U0001F600", "\U0001F600"},  // two surrogates
           Row{"\\ud83d\\u0041", "\ufffdA", "\ufffdA"},        // half of them
           Row{"\\ude00", "\ufffd", "\ufffd"},
           Row{"\\q\\u12", "qu12", "qu12"},  // unrecognised: the character itself
           Row{"end\\", "end", "end"},
       }) {
    CAPTURE(row.written);
    const Cpim cpim = read_well(with_header("Subject: " + std::string(row.written)));
    CHECK(cpim.subject() == row.value);
    CHECK(print(cpim).starts_with("Subject: " + std::string(row.printed) + "\r\n"));
  }
}

TEST_CASE("parameters go up to the first blank outside of quotation marks (RFC 3862 3.6)") {
  const Cpim cpim = read_well(with_header("Subject:;lang=en;x=\"a b\" a; text"));
  CHECK(cpim.others.front().parameters == ";lang=en;x=\"a b\"");
  CHECK(cpim.subject() == "a; text");
}

TEST_CASE("COMPAT: lines may end with LF alone") {
  const Cpim cpim = read_well("From: <sip:a@b>\nSubject: s\n\nContent-Type: text/plain\n\nhi\n");
  CHECK(cpim.from.uri == "sip:a@b");
  CHECK(cpim.subject() == "s");
  CHECK(cpim.content == "hi\n");
}

TEST_CASE("a header line that cannot be read does not lose the message") {
  const Cpim cpim = read_well(
      "From: <sip:a@b>\r\nno colon\r\nb@d name: x\r\n: nothing\r\n.x: y\r\nNS: broken\r\nTo: nobody\r\n\r\n"
      "Content-Type: text/plain\r\n\r\nhi");
  CHECK(cpim.content == "hi");
  CHECK(cpim.to.empty());
  CHECK(cpim.others.empty());
}

TEST_CASE("the content is one MIME entity (RFC 3862 2.4)") {
  const std::string from = "From: <sip:a@b>\r\n\r\n";
  SUBCASE("without Content-Type it is plain text (RFC 2045 5.2)") {
    const Cpim cpim = read_well(from + "\r\nhi");
    CHECK(cpim.content_type == "text/plain");
    CHECK(cpim.content == "hi");
  }
  SUBCASE("a transfer encoding is taken off") {
    const Cpim cpim =
        read_well(from + "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=");
    CHECK(cpim.content == "hi");
    CHECK(cpim.content_headers.empty());
    CHECK(parse_cpim(from + "Content-Transfer-Encoding: base64\r\n\r\n*").error() ==
          documents::Errc::bad_value);
    CHECK(parse_cpim(from + "Content-Transfer-Encoding: quoted-printable\r\n\r\nhi").error() ==
          documents::Errc::unknown_encoding);
  }
  SUBCASE("it keeps its octets, whatever they are") {
    const std::string octets("\0\xff\r\n\r\n: x", 9);
    CHECK(read_well(from + "Content-Type: image/x\r\n\r\n" + octets).content == octets);
  }
  SUBCASE("headers that are none are refused") {
    CHECK(parse_cpim(from + "hello\r\n\r\n").error() == documents::Errc::bad_multipart);
  }
}

TEST_CASE("what is no message/cpim is refused, and one beyond the bounds") {
  CHECK(parse_cpim("").error() == documents::Errc::bad_structure);
  CHECK(parse_cpim("hello").error() == documents::Errc::bad_structure);
  CHECK(parse_cpim("hello\r\n\r\nContent-Type: text/plain\r\n\r\n").error() ==
        documents::Errc::bad_structure);
  CHECK(parse_cpim("\r\nContent-Type: text/plain\r\n\r\nhi").has_value());
  CHECK(parse_cpim("From: <sip:a@b>\r\n").error() == documents::Errc::bad_structure);
  CHECK(parse_cpim(with_header("Subject: \xff")).error() == documents::Errc::bad_value);
  CHECK(parse_cpim(with_header("imdn.Message-ID: a b")).error() == documents::Errc::bad_value);
  CHECK(parse_cpim(with_header("imdn.Message-ID: " + std::string(cpim_message_id_max + 1, 'x'))).error() ==
        documents::Errc::bad_value);
  CHECK(parse_cpim(with_header("imdn.Message-ID: " + std::string(cpim_message_id_max, 'x'))).has_value());
  CHECK(parse_cpim(with_header("Require: zzz.Wacky")).error() == documents::Errc::bad_value);
  std::string headers;
  for (std::size_t i = 0; i < cpim_headers_max; ++i) headers += "To: <sip:a@b>\r\n";
  CHECK(parse_cpim(headers + empty_line + empty_line).has_value());
  CHECK(parse_cpim(headers + "To: <sip:a@b>\r\n" + empty_line + empty_line).error() ==
        documents::Errc::too_many_parts);
}

TEST_CASE("every cut of a good message is read or refused") {
  const std::string text =
      "From: \"A \\\"b\\\"\" <sip:a@b>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 1\r\n"
      "Subject:;lang=\"x y\" \\u00e9\\ud83d\\ude00\r\n\r\nContent-Type: text/plain\r\n\r\nhi";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    if (const auto cpim = parse_cpim(text.substr(0, size))) CHECK(parse_cpim(print(*cpim)).value() == *cpim);
  }
}

TEST_CASE("what we know may be required") {
  CHECK(find_unknown_requirement(read_well(with_header("Require: imdn.Message-ID, From"))) == nullptr);
  CHECK(find_unknown_requirement(read_well(with_header("Require: imdn.Wacky"))) != nullptr);
}
