#include "protocol/sip/message.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::sip;

namespace {

const std::string subscribe =
    "SUBSCRIBE sip:bob@example.org SIP/2.0\r\n"
    "v: SIP/2.0/TCP a.example.org;branch=z9hG4bK1, SIP/2.0/UDP b.example.org;branch=z9hG4bK2\r\n"
    "Via: SIP/2.0/UDP c.example.org;branch=z9hG4bK3\r\n"
    "Max-Forwards: 70\r\n"
    "FROM: \"Alice, of \\\"Wonder\\\"\" <sip:alice@example.org>;tag=f1\r\n"
    "To: sip:bob@example.org\r\n"
    "i: abc@a\r\n"
    "CSeq: 17 SUBSCRIBE\r\n"
    "Contact: <sip:alice@192.0.2.1;transport=tcp>\r\n"
    "Event: presence\r\n"
    "Accept: application/pidf+xml;q=0.5\r\n"
    "Accept: application/rlmi+xml, multipart/related\r\n"
    "Supported:\r\n"
    "X-Mood: fine\r\n"
    "Expires: 3600\r\n"
    "Retry-After: 120 (busy);duration=5\r\n"
    "Content-Length: 4\r\n"
    "\r\n"
    "body";

Message read(std::string text) {
  auto message = Message::parse(share(std::move(text)));
  REQUIRE(message.has_value());
  return *message;
}

ErrorCode refused(std::string text, const Limits& limits = {}) {
  const auto message = Message::parse(share(std::move(text)), limits);
  REQUIRE_FALSE(message.has_value());
  return message.error();
}

}  // namespace

TEST_CASE("every part of a request is read") {
  const Message message = read(subscribe);
  CHECK(message.is_request());
  CHECK(message.status() == 0);
  CHECK(message.method() == Method::subscribe);
  CHECK(message.method_text() == "SUBSCRIBE");
  CHECK(message.request_uri()->host == "example.org");
  CHECK(message.version() == "SIP/2.0");
  CHECK(message.reason() == "");
  CHECK(message.headers().size() == 16);
  CHECK(message.top_via()->branch() == "z9hG4bK1");
  CHECK(message.values(HeaderId::via).size() == 3);
  CHECK(message.from()->display_name == "Alice, of \"Wonder\"");
  CHECK(message.from_tag() == "f1");
  CHECK(message.to()->uri.user == "bob");
  CHECK(message.to_tag() == "");
  CHECK(message.call_id() == "abc@a");
  CHECK(message.cseq()->number == 17);
  CHECK(message.contacts()->size() == 1);
  CHECK(message.expires() == 3600);
  CHECK(message.number(HeaderId::max_forwards) == 70);
  CHECK(message.number(HeaderId::retry_after) == 120);
  CHECK_FALSE(message.number(HeaderId::event));
  CHECK(message.header("x-mood") == "fine");
  CHECK(message.header("EVENT") == "presence");
  CHECK(message.header("X-None") == "");
  CHECK(message.has(HeaderId::supported));
  CHECK(message.values(HeaderId::supported).empty());
  CHECK_FALSE(message.has(HeaderId::route));
  CHECK(message.routes(HeaderId::route)->empty());
  CHECK(message.lists(HeaderId::accept, "Application/PIDF+XML"));
  CHECK(message.lists(HeaderId::accept, "multipart/related"));
  CHECK_FALSE(message.lists(HeaderId::accept, "multipart"));
  CHECK(message.body() == "body");
  CHECK(message.text() == subscribe);
}

TEST_CASE("every part of a response is read") {
  const Message message =
      read("SIP/2.0 489 Bad Event here\r\nCSeq: 17 SUBSCRIBE\r\nContent-Length: 0\r\n\r\n");
  CHECK(message.is_response());
  CHECK(message.status() == 489);
  CHECK(message.reason() == "Bad Event here");
  CHECK(message.method() == Method::subscribe);
  CHECK(message.method_text() == "SUBSCRIBE");
  CHECK(message.request_uri_text() == "");
  CHECK_FALSE(message.request_uri().has_value());
  CHECK(message.top_via().error() == Errc::missing_header);
}

TEST_CASE("an empty reason phrase needs no blank in front of it") {
  CHECK(read("SIP/2.0 200 \r\n\r\n").reason() == "");
  CHECK(read("SIP/2.0 200\r\n\r\n").status() == 200);
}

TEST_CASE("folded lines are one line (RFC 3261 7.3.1)") {
  const Message message = read(
      "OPTIONS sip:a@b SIP/2.0\r\n"
      "Subject: one\r\n"
      "\ttwo  \r\n"
      "   three\r\n"
      "Content-Length:\r\n"
      " 3\r\n"
      "To\t:\r\n"
      " sip:a@b\r\n"
      "\r\n"
      " x\n y");
  CHECK(message.header(HeaderId::subject) == "one  \ttwo       three");
  CHECK(message.to()->uri.user == "a");
  CHECK(message.body() == " x\n");
  CHECK(message.headers().size() == 3);
}

TEST_CASE("line ends in front of the start line are skipped; LF alone ends a line, too") {
  CHECK(read("\r\n\r\nOPTIONS sip:a@b SIP/2.0\r\n\r\n").text().starts_with("OPTIONS"));
  const Message message = read("OPTIONS sip:a@b SIP/2.0\nTo: sip:x@y\n\nbody");
  CHECK(message.to()->uri.user == "x");
  CHECK(message.body() == "body");
}

TEST_CASE("the body ends with Content-Length, or with the datagram where there is none (RFC 3261 18.3)") {
  CHECK(read("OPTIONS sip:a@b SIP/2.0\r\nl: 2\r\n\r\nabcd").body() == "ab");
  CHECK(read("OPTIONS sip:a@b SIP/2.0\r\nl: 2\r\n\r\nabcd").text().ends_with("\r\n\r\nab"));
  CHECK(read("OPTIONS sip:a@b SIP/2.0\r\n\r\nabcd").body() == "abcd");
  CHECK(read("OPTIONS sip:a@b SIP/2.0\r\nl: 2\r\nContent-Length: 2\r\n\r\nab").body() == "ab");
  CHECK(refused("OPTIONS sip:a@b SIP/2.0\r\nl: 5\r\n\r\nabcd") == Errc::need_more);
  for (const char* length : {"", "-1", "+1", "1 1", "1,1", "0x1", "99999999999999999999999"}) {
    CAPTURE(length);
    CHECK(refused(std::string("OPTIONS sip:a@b SIP/2.0\r\nl: ") + length + "\r\n\r\nabcd") ==
          Errc::bad_length);
  }
  CHECK(refused("OPTIONS sip:a@b SIP/2.0\r\nl: 2\r\nl: 3\r\n\r\nabcd") == Errc::bad_length);
}

TEST_CASE("what cannot be split into lines is refused with a reason") {
  struct Row {
    const char* text;
    Errc error;
  };
  for (const Row& row : {Row{"", Errc::need_more},
                         Row{"\r\n\r\n", Errc::need_more},
                         Row{"OPTIONS sip:a@b SIP/2.0", Errc::need_more},
                         Row{"OPTIONS sip:a@b SIP/2.0\r\nTo: x\r\n", Errc::need_more},
                         Row{"OPTIONS\r\n\r\n", Errc::bad_start_line},
                         Row{"OPTIONS sip:a@b\r\n\r\n", Errc::bad_start_line},
                         Row{"OPTIONS  SIP/2.0\r\n\r\n", Errc::bad_start_line},
                         Row{"OPT<>IONS sip:a@b SIP/2.0\r\n\r\n", Errc::bad_start_line},
                         Row{"OPTIONS sip:a@b SIP/2.0 \r\n\r\n", Errc::bad_start_line},
                         Row{"GET / HTTP/1.1\r\n\r\n", Errc::bad_start_line},
                         Row{"SIP/2.0 99 Low\r\n\r\n", Errc::bad_start_line},
                         Row{"SIP/2.0 700 High\r\n\r\n", Errc::bad_start_line},
                         Row{"SIP/2.0 4294967301 better\r\n\r\n", Errc::bad_start_line},
                         Row{"SIP/2.0 -20 x\r\n\r\n", Errc::bad_start_line},
                         Row{"SIP/2.0\r\n\r\n", Errc::bad_start_line},
                         Row{"SIP/7.0 200 OK\r\n\r\n", Errc::bad_version},
                         Row{"OPTIONS sip:a@b SIP/2.0\r\nno colon\r\n\r\n", Errc::bad_header},
                         Row{"OPTIONS sip:a@b SIP/2.0\r\n: x\r\n\r\n", Errc::bad_header},
                         Row{"OPTIONS sip:a@b SIP/2.0\r\na b: x\r\n\r\n", Errc::bad_header},
                         Row{"OPTIONS sip:a@b SIP/2.0\r\na: x\ry\r\n\r\n", Errc::bad_header},
                         Row{"OPTIONS sip:a@b SIP/2.0\r\na:\rx\r\n\r\n", Errc::bad_header},
                         Row{"OPTIONS sip:a@b SIP/2.0\r\na: x\r\r\n\r\n", Errc::bad_header},
                         Row{"OPTIONS sip:a@b SIP/2.0\r\r\na: x\r\n\r\n", Errc::bad_start_line},
                         Row{"SIP/2.0 200 OK\rX: y\r\n\r\n", Errc::bad_start_line}}) {
    CAPTURE(row.text);
    CHECK(refused(row.text) == row.error);
  }
}

TEST_CASE("limits: at each the message passes, one past it is too long (DESIGN 7)") {
  const auto with = [](std::string head) { return "OPTIONS sip:a@b SIP/2.0\r\n" + head + "\r\n"; };
  const auto repeat = [](std::size_t count, const char* line) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += line;
    return out;
  };
  SUBCASE("octets") {
    const Limits limits{.message = subscribe.size()};
    CHECK(Message::parse(share(subscribe), limits).has_value());
    CHECK(refused(subscribe + "x", limits) == Errc::too_long);
  }
  SUBCASE("header lines") {
    CHECK(read(with(repeat(256, "a: b\r\n"))).headers().size() == 256);
    CHECK(refused(with(repeat(257, "a: b\r\n"))) == Errc::too_long);
  }
  SUBCASE("one line") {
    CHECK(read(with("a: " + std::string(8189, 'b') + "\r\n")).headers().size() == 1);
    CHECK(refused(with("a: " + std::string(8190, 'b') + "\r\n")) == Errc::too_long);
  }
  SUBCASE("Request-URI") {
    const auto request = [](std::size_t size) {
      return "OPTIONS sip:" + std::string(size - 4, 'a') + " SIP/2.0\r\n\r\n";
    };
    CHECK(read(request(1024)).request_uri().has_value());
    CHECK(refused(request(1025)) == Errc::too_long);
  }
  SUBCASE("Via values, by line and by comma") {
    CHECK(read(with(repeat(64, "v: SIP/2.0/UDP a\r\n"))).values(HeaderId::via).size() == 64);
    CHECK(refused(with(repeat(65, "v: SIP/2.0/UDP a\r\n"))) == Errc::too_long);
    CHECK(refused(with("v: x" + repeat(64, ",x") + "\r\n")) == Errc::too_long);
    const std::string response = "SIP/2.0 200 OK\r\n";
    CHECK(read(response + "v: x" + repeat(64, ",x") + "\r\n\r\n").values(HeaderId::via).size() == 65);
    CHECK(refused(response + "v: x" + repeat(65, ",x") + "\r\n\r\n") == Errc::too_long);
  }
}

TEST_CASE("Contact: * stands alone (RFC 3261 10.3)") {
  const auto contacts = [](const std::string& lines) {
    return read("REGISTER sip:b SIP/2.0\r\n" + lines + "\r\n").contacts();
  };
  CHECK(contacts("Contact: *\r\n")->front().uri.scheme == "*");
  CHECK(contacts("Contact: <sip:a@b>\r\nm: <sip:c@d>, sip:e@f;q=1\r\n")->size() == 3);
  CHECK(contacts("")->empty());
  CHECK_FALSE(contacts("Contact: *\r\nContact: <sip:a@b>\r\n").has_value());
  CHECK_FALSE(contacts("Contact: <sip:a@b>, *\r\n").has_value());
}

TEST_CASE("a tag is found whatever stands in front of it") {
  const auto tag = [](const std::string& to) {
    return std::string(read("A sip:b SIP/2.0\r\nt: " + to + "\r\n\r\n").to_tag());
  };
  CHECK(tag("sip:a@b;tag=1") == "1");
  CHECK(tag("<sip:a@b;tag=2>") == "");
  CHECK(tag("\"x;tag=3\" <sip:a@b;tag=2>;x ; TAG = 4") == "4");
  CHECK(tag("\"x\" <sip:a@b>;tag=5 ;x") == "5");
  CHECK(tag("\"x>\" <sip:a@b>;x=\";tag=6\";tag=7") == "7");
  CHECK(tag("<sip:a@b>;x=<y>;tag=8") == "8");
  CHECK(tag("<sip:a@b>;tagged=9") == "");
  CHECK(tag("\"open <sip:a@b>;tag=2") == "");
}

TEST_CASE("copies share the text, and a moved message keeps its views") {
  Message first = read(subscribe);
  const Message copy = first;
  const Message moved = std::move(first);
  CHECK(copy.call_id().data() == moved.call_id().data());
  CHECK(copy.shared_text() == moved.shared_text());
  CHECK(Message().text() == "");
  CHECK_FALSE(Message().from().has_value());
}

TEST_CASE("every cut of a message is refused or read, never misread") {
  for (std::size_t size = 0; size < subscribe.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(Message::parse(share(subscribe.substr(0, size))).has_value());
  }
}

TEST_CASE("the readable lines of a broken request are kept") {
  const auto head =
      Message::salvage(share("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nbroken\r\nCall-ID: "
                             "1\r\nContent-Length: 99\r\n\r\nx"));
  REQUIRE(head.has_value());
  CHECK(head->method() == Method::options);
  CHECK(head->top_via()->host == "h");
  CHECK(head->call_id() == "1");
  CHECK(head->body() == "");
  CHECK_FALSE(Message::salvage(share("\x16\x03\x01")).has_value());
  CHECK_FALSE(Message::salvage(share("GET / HTTP/1.1\r\n\r\n")).has_value());
}

TEST_CASE("methods are case-sensitive (RFC 3261 7.1)") {
  CHECK(parse_method("REGISTER") == Method::register_);
  CHECK(parse_method("register") == Method::other);
  CHECK(parse_method("OTHER") == Method::other);
  for (int i = 1; i <= static_cast<int>(Method::update); ++i) {
    CHECK(parse_method(to_string(static_cast<Method>(i))) == static_cast<Method>(i));
  }
}
