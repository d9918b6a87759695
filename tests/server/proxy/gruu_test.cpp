#include "server/shard/gruu.hpp"

#include "protocol/sip/header_value.hpp"
#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

const std::string desk = "sip:bob@192.0.2.9:40001;transport=tls";
const std::string mobile = "sip:bob@192.0.2.9:40002;transport=tls";
std::string instance(int number) { return ";+sip.instance=\"<urn:uuid:" + std::to_string(number) + ">\""; }
const std::string desk_gruu = "sip:bob@example.org;gr=urn:uuid:1";

Ask to(Ask request, const std::string& uri) {
  request.uri = uri;
  return request;
}

std::string temporary_in(const sip::Message& answer) {
  return sip::Contact{sip::parse_name_addr(answer.first(HeaderId::contact)).value()}.temp_gruu();
}

/// A Route of a Record-Route that came in.
std::string route_to(const Sent& got) {
  return "Route: " + std::string(got.message.header(HeaderId::record_route));
}

}  // namespace

TEST_CASE("a request to a GRUU reaches that device alone, which gets its contact as URI (RFC 5627 6.1)") {
  for (const unsigned shards : {1U, 3U}) {
    CAPTURE(shards);
    Town town(shards);
    const std::string temporary = temporary_in(town.enter(bob, tls(1), desk, instance(1)));
    town.enter(bob, tls(2), mobile, instance(2));
    for (const std::string& uri : {desk_gruu, temporary}) {
      CAPTURE(uri);
      Ask request = to(hello, uri);
      request.call_id = uri.substr(4, 8);
      const auto got = town.from_alice(request);
      CHECK(got.message.request_uri_text() == desk);
      CHECK(got.to.flow == 1);
      CHECK(town.wire.sent.empty());
      town.answer(got, 200);
      CHECK(town.take().message.status() == 200);
    }
  }
}

TEST_CASE("what a GRUU is sent is its device's own business, also in packages that are served here") {
  Town town;
  town.enter(bob, tls(1), desk, instance(1));
  Ask watch = to(invite, desk_gruu);
  watch.method = "SUBSCRIBE";
  watch.lines.push_back("Event: presence");
  const auto got = town.from_alice(watch);
  CHECK(got.message.method() == sip::Method::subscribe);
  CHECK(got.message.request_uri_text() == desk);
  CHECK(got.message.has(HeaderId::record_route));
}

TEST_CASE("a GRUU of nobody is 404, one of a device that is not registered 480 (RFC 5627 6.1)") {
  Town town;
  const std::string temporary = temporary_in(town.enter(bob, tls(1), desk, instance(1)));
  town.enter(bob, tls(2), mobile, instance(2));
  const auto status_of = [&](const std::string& uri) {
    Ask request = to(hello, uri);
    request.call_id = town.random.token(6);
    return town.ask_as(udp(5070), request, "alice").status();
  };
  CHECK(status_of("sip:bob@example.org;gr=urn:uuid:3") == 480);
  CHECK(status_of("sip:bob@example.org;gr=nothing") == 404);
  CHECK(status_of("sip:bob@example.org;gr") == 404);
  CHECK(status_of("sip:nobody@example.org;gr=urn:uuid:1") == 404);
  CHECK(status_of("sip:tgruu.nothing@example.org;gr") == 404);
  SUBCASE("the device has left") {
    town.node().on_flow_closed(1);
    town.run();
    CHECK(status_of(desk_gruu) == 480);
    CHECK(status_of(temporary) == 404);
  }
  SUBCASE("the device is expected back after a restart") {
    town.restart(2);
    CHECK(status_of(desk_gruu) == 480);
    CHECK(status_of(temporary) == 480);
    town.enter(bob, tls(3), desk, instance(1));
    town.receive(udp(5070), town.text_of(town.with_credentials(to(hello, temporary))));
    CHECK(town.take().to.flow == 3);
  }
}

TEST_CASE("a Contact that is the GRUU of somebody else is refused (RFC 5627 6.2)") {
  Town town;
  town.enter_bob();
  town.enter(alice, udp(5070), "sip:alice@192.0.2.9:5070", instance(9));
  Ask call = invite;
  call.lines = {"Contact: <" + desk_gruu + ">"};
  CHECK(town.ask_as(udp(5070), call, "alice").status() == 403);
  call.call_id = "own";
  call.lines = {"Contact: <sip:alice@example.org;gr=urn:uuid:9>"};
  CHECK(town.from_alice(call).message.method() == sip::Method::invite);
}

TEST_CASE(
    "a dialog goes on at the GRUUs of its ends when they have moved, without credentials (RFC 5627 6.1)") {
  Town town(3);
  town.enter(bob, tls(1), desk, instance(1));
  town.enter(alice, tls(5), "sip:alice@192.0.2.9:5071;transport=tls", instance(9));
  Ask call = invite;
  call.lines = {"Contact: <sip:alice@example.org;gr=urn:uuid:9>"};
  const auto got = town.from_alice(call);
  town.answer(got, 200, "b1", "Contact: <" + desk_gruu + ">\r\n");
  CHECK(town.take().message.status() == 200);
  const std::string moved = "sip:bob@192.0.2.9:40009;transport=tls";
  town.enter(bob, tls(7), moved, instance(1));
  town.node().on_flow_closed(1);
  town.run();
  for (const char* method : {"ACK", "BYE"}) {
    CAPTURE(method);
    town.receive(udp(5070), town.text_of(in_call(method, desk_gruu, {route_to(got)})));
    const auto sent = town.take();
    CHECK(sent.message.method_text() == method);
    CHECK(sent.message.request_uri_text() == moved);
    CHECK(sent.to.flow == 7);
    CHECK_FALSE(sent.message.has(HeaderId::route));
  }
  SUBCASE("the caller's") {
    Ask bye = callees_bye({route_to(got)});
    bye.uri = "sip:alice@example.org;gr=urn:uuid:9";
    town.receive(tls(7), town.text_of(bye));
    const auto sent = town.take();
    CHECK(sent.message.request_uri_text() == "sip:alice@192.0.2.9:5071;transport=tls");
    CHECK(sent.to.flow == 5);
  }
  SUBCASE("the dialog's Route leads to no third user") {
    const auto before = town.wire.sent.size();
    town.receive(tls(7),
                 town.text_of(in_call("BYE", "sip:alice@example.org;gr=urn:uuid:9", {route_to(got)})));
    REQUIRE(town.wire.sent.size() == before + 1);
    CHECK(town.take().to.flow == 1);
  }
}

TEST_CASE("430: the flow's binding ends, and the next reg-id of the device is tried (RFC 5626 5.3, 7)") {
  Town town(3);
  const std::string via = "Via: SIP/2.0/TCP 192.0.2.44;branch=z9hG4bKedge";
  const auto enter = [&](int reg_id, const std::string& edge) {
    town.enter(bob, udp(5060), desk, instance(1) + ";reg-id=" + std::to_string(reg_id),
               {via, "Path: <sip:flow" + std::to_string(reg_id) + "@" + edge + ";lr;ob>"});
    town.wait(1s);
  };
  enter(1, "192.0.2.41");
  enter(2, "192.0.2.42");
  const auto first = town.from_alice(to(hello, desk_gruu));
  CHECK(first.message.header(HeaderId::route) == "<sip:flow2@192.0.2.42;lr;ob>");
  town.answer(first, 430);
  const auto second = town.take();
  CHECK(second.message.header(HeaderId::route) == "<sip:flow1@192.0.2.41;lr;ob>");
  CHECK(second.message.request_uri_text() == desk);
  town.answer(second, 200);
  CHECK(town.take().message.status() == 200);
  REQUIRE(town.registrar(bob).bindings(bob).size() == 1);
  CHECK(town.registrar(bob).bindings(bob)[0].reg_id == 1);
  SUBCASE("the last flow") {
    Ask again = hello;
    again.call_id = "again";
    town.answer(town.from_alice(again), 430);
    CHECK(town.take().message.status() == 202);
    CHECK(town.registrar(bob).bindings(bob).empty());
  }
  SUBCASE("a device that has registered meanwhile stays") {
    Ask again = hello;
    again.call_id = "again";
    const auto got = town.from_alice(again);
    enter(1, "192.0.2.43");
    town.wire.sent.clear();  // copies of the MESSAGE
    town.answer(got, 430);
    CHECK(town.take().message.status() == 202);
    REQUIRE(town.registrar(bob).bindings(bob).size() == 1);
    CHECK(town.registrar(bob).bindings(bob)[0].path() == "<sip:flow1@192.0.2.43;lr;ob>");
  }
}

TEST_CASE("refused datagrams end the flow's binding, and the next flow is tried (RFC 5626 7)") {
  Town town(3);
  const std::string phone = "sip:bob@192.0.2.9:5090";
  town.enter(bob, udp(5081), phone, instance(1) + ";reg-id=1");
  town.wait(1s);
  town.enter(bob, udp(5082), phone, instance(1) + ";reg-id=2");
  const auto first = town.from_alice(to(hello, desk_gruu));
  CHECK(first.to.remote.port == 5082);
  first.failed(make_error_code(boost::system::errc::connection_refused));
  town.run();
  const auto second = town.take();
  CHECK(second.to.remote.port == 5081);
  town.answer(second, 200);
  CHECK(town.take().message.status() == 200);
  REQUIRE(town.registrar(bob).bindings(bob).size() == 1);
  CHECK(town.registrar(bob).bindings(bob)[0].reg_id == 1);
}

TEST_CASE("an INVITE that gets no answer on one flow is sent down the next, which stays bound (RFC 5626 7)") {
  Town town;
  const std::string phone = "sip:bob@192.0.2.9:5090";
  town.enter(bob, udp(5081), phone, instance(1) + ";reg-id=1");
  town.wait(1s);
  town.enter(bob, udp(5082), phone, instance(1) + ";reg-id=2");
  CHECK(town.from_alice(invite).to.remote.port == 5082);
  town.wait(33s);
  Sent next = town.take();
  while (next.to.remote.port != 5081 && !town.wire.sent.empty()) next = town.take();  // copies, 100
  CHECK(next.message.method() == sip::Method::invite);
  CHECK(next.to.remote.port == 5081);
  CHECK(town.registrar(bob).bindings(bob).size() == 2);
}
