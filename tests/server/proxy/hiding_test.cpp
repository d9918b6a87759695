#include "server/proxy/hiding.hpp"

#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

// Header privacy (RFC 3323 5.1).

namespace {

const std::string edge = "<sip:192.0.2.44;lr>";

std::string contact_in(const sip::Message& message) {
  const auto contact = sip::parse_name_addr(message.first(HeaderId::contact));
  REQUIRE(contact.has_value());
  return sip::print(contact->uri);
}

std::string joined(const std::vector<std::string_view>& values) {
  std::string text;
  for (const auto value : values) text.append(text.empty() ? "" : ", ").append(value);
  return text;
}

/// alice, whose requests come by way of an edge proxy, calls bob and does not want to be found.
struct Masked : Town {
  explicit Masked(unsigned shards = 1) : Town(shards, World::open_settings()) { enter_bob(); }
  Ask ask_of(const std::string& call_id, const std::string& privacy = "header") {
    Ask ask = invite;
    ask.call_id = call_id;
    ask.lines.push_back("Via: SIP/2.0/UDP 10.1.1.1;branch=z9hG4bKhers");
    ask.lines.push_back("Record-Route: " + edge);
    ask.lines.push_back("Privacy: " + privacy);
    return ask;
  }
  /// What bob gets.
  Sent call(const std::string& call_id = "i", const std::string& privacy = "header") {
    receive(udp(5070), text_of(ask_of(call_id, privacy)));
    return take();
  }
  /// bob answers as a device does, with the Record-Route of the request.
  sip::Message answer_back(const Sent& got, int status, const std::string& lines) {
    answer(got, status, "b1",
           "Record-Route: " + joined(got.message.values(HeaderId::record_route)) + "\r\n" + lines);
    const auto sent = take();
    CHECK(sent.to == udp(5070));
    return sent.message;
  }
};

const std::string bobs_contact = "Contact: <sip:bob@192.0.2.9:5080>\r\n";

}  // namespace

TEST_CASE("a caller that asks for it is not seen in Via, Record-Route and Contact, and gets the answers") {
  Masked town;
  const auto got = town.call("i", "header;critical");
  CHECK(got.message.values(HeaderId::via).size() == 1);
  CHECK(got.message.values(HeaderId::record_route).size() == 1);
  CHECK_FALSE(got.message.has(HeaderId::privacy));
  for (const char* trace : {"5070", "10.1.1.1", "192.0.2.44"})
    CHECK(got.message.text().find(trace) == std::string_view::npos);
  CHECK(contact_in(got.message).ends_with("@192.0.2.1:5060"));
  for (const int status : {180, 200, 200}) {
    CAPTURE(status);
    const auto answer = town.answer_back(got, status, bobs_contact);
    CHECK(answer.status() == status);
    const auto vias = answer.values(HeaderId::via);
    REQUIRE(vias.size() == 2);
    CHECK(vias[0].starts_with("SIP/2.0/UDP 192.0.2.9:5070"));
    CHECK(vias[1] == "SIP/2.0/UDP 10.1.1.1;branch=z9hG4bKhers");
    const auto routes = answer.values(HeaderId::record_route);
    REQUIRE(routes.size() == 2);
    CHECK(routes[0] == got.message.first(HeaderId::record_route));
    CHECK(routes[1] == edge);
  }
}

TEST_CASE("who was called reaches the hidden caller in the dialog, by the edge proxy") {
  for (const unsigned shards : {1U, 3U}) {
    CAPTURE(shards);
    Masked town(shards);
    const auto got = town.call();
    town.answer_back(got, 200, bobs_contact);
    Ask ask = callees_bye({"Route: " + std::string(got.message.first(HeaderId::record_route))});
    ask.uri = contact_in(got.message);
    for (const char* method : {"INFO", "BYE"}) {
      CAPTURE(method);
      ask.method = method;
      ++ask.cseq;
      town.receive(udp(5080), town.text_of(ask));
      const auto sent = town.take();
      CHECK(sent.to == udp(5070));
      CHECK(sent.message.request_uri_text() == "sip:alice@192.0.2.9:5070");
      CHECK(joined(sent.message.values(HeaderId::route)) == edge);
    }
  }
}

TEST_CASE("a re-INVITE keeps what is hidden so, and its ACK arrives") {
  Masked town;
  const auto got = town.call();
  town.answer_back(got, 200, bobs_contact);
  Ask again = in_call("INVITE", "sip:bob@192.0.2.9:5080",
                      {"Route: " + std::string(got.message.first(HeaderId::record_route)),
                       "Contact: <sip:alice@192.0.2.9:5071>", "Privacy: header"});
  town.receive(udp(5070), town.text_of(again));
  const auto second = town.take();
  CHECK(second.message.text().find("5071") == std::string_view::npos);
  Ask bye = callees_bye({"Route: " + std::string(got.message.first(HeaderId::record_route))});
  bye.uri = contact_in(second.message);
  town.receive(udp(5080), town.text_of(bye));
  CHECK(town.take().message.request_uri_text() == "sip:alice@192.0.2.9:5071");
}

TEST_CASE("whoever answers and asks for it is reached by a Contact of ours") {
  Masked town;
  const auto got = town.call("i", "none");
  CHECK(got.message.header(HeaderId::privacy) == "none");
  const auto answer = town.answer_back(got, 200, bobs_contact + "Privacy: header;id\r\n");
  CHECK(answer.header(HeaderId::privacy) == "id");
  CHECK(answer.text().find("5080") == std::string_view::npos);
  const std::string route = "Route: " + std::string(got.message.first(HeaderId::record_route));
  for (const char* method : {"ACK", "BYE"}) {
    CAPTURE(method);
    town.receive(udp(5070), town.text_of(in_call(method, contact_in(answer), {route})));
    const auto sent = town.take();
    CHECK(sent.to.remote == udp(5080).remote);
    CHECK(sent.message.request_uri_text() == "sip:bob@192.0.2.9:5080");
  }
}

TEST_CASE("a hidden Contact leads nowhere but in its dialog, and nobody sees that two are one caller's") {
  Masked town;
  const auto one = town.call("one"), other = town.call("other");
  const std::string first = contact_in(one.message), second = contact_in(other.message);
  std::size_t same = 0;
  for (std::size_t i = sizeof "sip:bk000.h" - 1; i < first.find('@') && i < second.find('@'); ++i)
    same += first[i] == second[i] ? 1U : 0U;
  CHECK(same < 16);  // one of 64 characters by chance
  SUBCASE("in another dialog") {
    Ask bye = callees_bye({"Route: " + std::string(one.message.first(HeaderId::record_route))});
    bye.call_id = "one";
    bye.uri = second;
    town.receive(udp(5080), town.text_of(bye));
    CHECK(town.take().message.request_uri_text() == second);  // as anything else in a dialog
  }
  SUBCASE("in none") {
    Ask ask = hello;
    ask.uri = ask.to = second;
    town.receive(udp(5080), town.text_of(ask));
    CHECK(town.take().message.status() >= 400);
  }
}
