#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

/// Whole lines that a proxy has no use for, right and wrong ones.
const std::vector<std::string> odd_lines = {
    "Contact: <sip:PBX#1000@10.0.0.1>",
    "Expires: 60",
    "Expires: 120",
    "Content-Type: text/plain",
    "Content-Type: a/b/c",
    "Event: x;y",
    "Event: z",
    "History-Info: <sip:office@example.com>;index=1, "
    "<sip:bob@example.org?Reason=SIP%3Bcause%3D302>;index=1.1",
    "Date: tomorrow",
    "Timestamp: \xff",
    "Subject: =?",
    "Session-Expires: soon",
    "Min-SE: -1",
    "RSeq: x",
    "Retry-After: never",
    "Warning: none",
    "Alert-Info: \"",
    "Record-Route: <sip:far.example.com;lr>",
    "Replaces: ;;;",
    "Refer-To: <",
    "Subscription-State: ",
    "Supported: ,,x",
    "Require: y",
    "Accept: /",
    "X-Unheard-Of: <\"&'>",
};

/// Is the line there, but for its place?
bool has_line(const sip::Message& message, const std::string& line) {
  return message.text().find("\r\n" + line + "\r\n") != std::string_view::npos;
}

void check_lines(const sip::Message& message) {
  for (const std::string& line : odd_lines) {
    CAPTURE(line);
    CHECK(has_line(message, line));
  }
}

}  // namespace

TEST_CASE(
    "header fields that a proxy has no use for pass unchanged, right or wrong, in requests and answers (RFC "
    "3261 "
    "16.3 step 1, 16.7)") {
  for (const unsigned shards : {1U, 3U})
    for (const char* method : {"MESSAGE", "INVITE", "INFO", "WHATEVER"}) {
      CAPTURE(method);
      Town town(shards);
      town.enter_bob();
      Ask request = hello;
      request.method = method;
      request.lines = odd_lines;
      const auto got = town.from_alice(request);
      CHECK(got.message.method_text() == method);
      CHECK(got.message.request_uri_text() == "sip:bob@192.0.2.9:5080");
      CHECK(got.message.body() == "hi");
      check_lines(got.message);
      std::string lines;
      for (const std::string& line : odd_lines) lines += line + "\r\n";
      town.answer(got, 200, "b1", lines);
      const auto back = town.take();
      CHECK(back.to == udp(5070));
      CHECK(back.message.status() == 200);
      check_lines(back.message);
    }
}

TEST_CASE("bob's Contact of another grammar, or Expires twice, in his 200 reach alice (RFC 3261 16.7)") {
  for (const char* lines : {"Contact: <sip:PBX#1000@10.0.0.1>\r\n",
                            "Contact: <sip:bob@192.0.2.9:5080>\r\nExpires: 60\r\nExpires: 60\r\n"}) {
    CAPTURE(lines);
    Town town;
    town.enter_bob();
    const auto got = town.from_alice(invite);
    town.answer(got, 180, "b1", lines);
    CHECK(town.take().message.status() == 180);
    town.answer(got, 200, "b1", lines);
    CHECK(town.take().message.status() == 200);
    // The copy that comes as no ACK has reached bob yet.
    town.answer(got, 200, "b1", lines);
    CHECK(town.take().message.status() == 200);
  }
}

TEST_CASE("what the server itself serves is checked as before: a wrong Contact is 400") {
  Town town;
  for (const char* method : {"REGISTER", "SUBSCRIBE"}) {
    Ask request{.method = method, .lines = {"Contact: <sip:PBX#1000@10.0.0.1>", "Event: presence"}};
    if (request.method == "SUBSCRIBE") request.uri = bob;
    CHECK(town.ask(udp(5070), request).status() == 400);
  }
}

TEST_CASE("what a proxy does use is checked: 400") {
  Town town;
  town.enter_bob();
  for (const char* line : {"Max-Forwards: 70", "To: <sip:bob@example.org>", "CSeq: 1 MESSAGE"}) {
    CAPTURE(line);
    Ask request = hello;
    request.lines.emplace_back(line);
    CHECK(town.ask(udp(5070), request).status() == 400);
  }
}

TEST_CASE("a telephone number reaches the user whose user part it is (RFC 3966, RFC 3261 19.1.6)") {
  const std::string number = "sip:+49301234@example.org";
  for (const char* uri :
       {"tel:+49301234", "tel:+49-30-12.34", "TEL:+49(30)1234", "sip:+49-30-1234@example.org;user=phone",
        "sip:+49301234@example.org;user=phone", "sip:+49301234@example.org"}) {
    CAPTURE(uri);
    for (const unsigned shards : {1U, 3U}) {
      Town town(shards);
      town.add_user(number.substr(4), "secret");
      Ask entry{.from = number, .call_id = "reg", .lines = {"Contact: <sip:desk@192.0.2.9:5090>"}};
      REQUIRE(town.ask_as(udp(5090), entry, "+49301234").status() == 200);
      Ask request = invite;
      request.uri = uri;
      request.to = std::string("<") + uri + '>';
      request.branch = "z9hG4bKcall";
      const auto got = town.from_alice(request);
      CHECK(got.message.request_uri_text() == "sip:desk@192.0.2.9:5090");
      CHECK(got.message.header(HeaderId::to) == request.to);
      town.answer(got, 180);
      CHECK(town.take().message.status() == 180);
      town.receive(udp(5070), town.text_of(cancel_of(request)));
      CHECK(town.take().message.status() == 200);
      CHECK(town.take().message.method_text() == "CANCEL");
    }
  }
}

TEST_CASE("a number of nobody is 404, a local one of another place is no number of ours") {
  Town town;
  town.enter_bob();
  const auto status_of = [&](const std::string& uri) {
    Ask request = hello;
    request.uri = uri;
    request.call_id = town.random.token(6);
    return town.ask_as(udp(5070), request, "alice").status();
  };
  CHECK(status_of("tel:+49305678") == 404);
  CHECK(status_of("tel:17;phone-context=example.org") == 404);
  CHECK(status_of("tel:112;phone-context=+49") == 416);
  CHECK(status_of("tel:+49301234;ext=5") == 416);
  CHECK(status_of("tel:112") == 416);
}
