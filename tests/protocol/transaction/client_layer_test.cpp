#include <doctest/doctest.h>

#include <array>

#include "protocol/transaction/branch.hpp"
#include "tests/protocol/transaction/client_requests.hpp"

using namespace beckon;
using namespace beckon::transaction;
using namespace beckon::transaction::testing::client;
using sip::HeaderId;

TEST_CASE("a request leaves with our Via on top (RFC 3261 8.1.1.7, 18.1.1, RFC 3581)") {
  Client net;
  net.send_it("MESSAGE");
  REQUIRE(net.sent.size() == 1);
  const auto via = net.sent[0].message.top_via();
  CHECK(net.sent[0].message.values(HeaderId::via).size() == 1);
  CHECK(via->transport == "UDP");
  CHECK(via->host == "192.0.2.9");
  CHECK(via->port == 5070);
  CHECK(via->branch().starts_with("z9hG4bK"));
  CHECK(sip::find_parameter(via->parameters, "rport"));

  SUBCASE("each with its own branch, and without rport on streams") {
    net.send_it("MESSAGE", tcp);
    const auto other = net.sent[1].message.top_via();
    CHECK(other->branch() != via->branch());
    CHECK(other->transport == "TCP");
    CHECK_FALSE(sip::find_parameter(other->parameters, "rport"));
  }
}

TEST_CASE("each request gets exactly one end (RFC 3261 17.1.2, 8.1.3.1)") {
  Client net;
  net.send_it("MESSAGE");

  SUBCASE("a final response, its copies absorbed") {
    net.answer(0, 100);
    net.answer(0, 200);
    net.answer(0, 200);
    REQUIRE(net.ends.size() == 1);
    CHECK(net.provisionals == 1);
    CHECK(net.ends[0].kind == Outcome::Kind::final);
    CHECK(net.ends[0].status == 200);
  }
  SUBCASE("a timeout after all the copies, reported as 408") {
    net.pass(640ms);
    REQUIRE(net.ends.size() == 1);
    CHECK(net.ends[0].kind == Outcome::Kind::timeout);
    CHECK(net.ends[0].status == 408);
    CHECK(net.sent.size() == 18);  // at 0, 10, 30, 70, then every T2 = 40 ms to 630 ms
    net.answer(0, 200);
  }
  SUBCASE("a transport error, reported as 503") {
    net.sent[0].failed(make_error_code(boost::system::errc::connection_refused));
    net.sent[0].failed(make_error_code(boost::system::errc::connection_refused));
    REQUIRE(net.ends.size() == 1);
    CHECK(net.ends[0].kind == Outcome::Kind::transport_error);
    CHECK(net.ends[0].status == 503);
  }
  net.pass(1s);
  CHECK(net.ends.size() == 1);
  CHECK(net.layer.size() == 0);
  CHECK(net.timers.size() == 0);
}

TEST_CASE("responses are matched by branch and method (RFC 3261 17.1.3)") {
  Client net;
  net.send_it("MESSAGE");
  net.send_it("MESSAGE");
  net.answer(1, 202);
  REQUIRE(net.ends.size() == 1);
  CHECK(net.ends[0].status == 202);

  SUBCASE("another method with that branch is not for us") {
    auto text = sip::Builder::reply(net.sent[0].message, 200, "ua").finish();
    text.replace(text.find("5 MESSAGE"), 9, "5 OPTIONS");
    net.layer.receive(udp, sip::Message::parse(share(text)).value(), net.now());
    CHECK(net.ends.size() == 1);
    CHECK(net.responses.empty());
  }
}

TEST_CASE(
    "a response to a transaction that is over does not reach the one that follows it (RFC 3261 8.1.1.7)") {
  Client net;
  net.send_it("MESSAGE");
  net.answer(0, 200);
  net.send_it("MESSAGE");
  net.answer(0, 486);
  REQUIRE(net.ends.size() == 1);
  CHECK(net.ends[0].status == 200);
  net.answer(1, 202);
  CHECK(net.ends.back().status == 202);
}

TEST_CASE("a branch that we did not mint matches no transaction") {
  Client net;
  net.send_it("MESSAGE");
  const auto good = sip::Builder::reply(net.sent[0].message, 200, "ua").finish();
  const auto at = good.find("z9hG4bK") + 7;
  for (std::size_t i = 0; i < 16; ++i) {
    auto text = good;
    text[at + i] = text[at + i] == 'a' ? 'b' : 'a';
    net.layer.receive(udp, sip::Message::parse(share(text)).value(), net.now());
  }
  for (const char* branch : {"", "z9hG4bK", "z9hG4bKb07", "z9hG4bK7777777777777777", "0123456789"}) {
    auto text = good;
    text.replace(text.find("branch=") + 7, 23, branch);
    net.layer.receive(udp, sip::Message::parse(share(text)).value(), net.now());
  }
  CHECK(net.ends.empty());
  net.answer(0, 200);
  CHECK(net.ends.size() == 1);
}

TEST_CASE("the 200 of a CANCEL finds its transaction also when the INVITE's is over (RFC 3261 9.1)") {
  Client net;
  const auto id = net.send_it("INVITE", tcp);
  net.answer(0, 180);
  net.layer.cancel(id, {}, net.now());
  net.answer(0, 487);
  CHECK(net.layer.size() == 1);
  net.answer(1, 200);
  CHECK(net.layer.size() == 0);
  CHECK(net.timers.size() == 0);
}

TEST_CASE("an end that comes while a provisional response is reported is reported once") {
  Client net;
  std::vector<int> reported;
  net.layer.send(
      request("MESSAGE"), tcp,
      [&, text = std::string(100, 'x')](const Outcome& outcome, Now now) {
        reported.push_back(outcome.status);
        if (outcome.kind == Outcome::Kind::provisional) net.layer.on_flow_closed(7, now);
        CHECK(text == std::string(100, 'x'));  // the callback lives until it returns
      },
      net.now());
  net.answer(0, 100);
  CHECK(reported == std::vector{100, 503});
  CHECK(net.layer.size() == 0);
}

TEST_CASE("a request in parts leaves as one, and shares its body with others") {
  Client net;
  const std::string whole = request("NOTIFY");
  const std::string_view line = std::string_view(whole).substr(0, whole.find("Route"));
  const std::string_view rest = std::string_view(whole).substr(line.size());
  const std::array<std::string_view, 2> headers{rest.substr(0, 30), rest.substr(30)};
  const auto body = share("the body");
  const auto send = [&](const Hop& hop) {
    net.layer.send({.line = line, .headers = headers, .body = body}, hop, {}, net.now());
    CHECK(net.last_outgoing.body == body);
    CHECK(*net.last_outgoing.join() == std::string(*net.last_outgoing.head) + "the body");
    const auto via_end = net.last_outgoing.head->find("Route");
    CHECK(net.last_outgoing.head->substr(via_end) == rest);
    CHECK(net.last_outgoing.head->starts_with(line));
  };
  SUBCASE("over UDP also when it is repeated") {
    send(udp);
    net.pass(10ms);
    CHECK(net.sent.size() == 2);
    CHECK(net.last_outgoing.body == body);
    CHECK(net.sent[1].message.text() == net.sent[0].message.text());
  }
  SUBCASE("over TCP") { send(tcp); }
}

TEST_CASE("the body counts for the size of a datagram (RFC 3261 18.1.1)") {
  Client net;
  const std::string whole = request("PUBLISH");
  const std::string_view line = std::string_view(whole).substr(0, whole.find("Route"));
  const std::string_view rest = std::string_view(whole).substr(line.size());
  net.layer.send({.line = line, .headers = {&rest, 1}}, tcp, {}, net.now());
  const std::size_t head = net.last_outgoing.size() + std::string_view(";rport").size();
  const auto send = [&](std::size_t size) {
    const auto body = share(std::string(size - head, 'x'));
    net.layer.send({.line = line, .headers = {&rest, 1}, .body = body}, udp, {}, net.now());
    CHECK(net.last_outgoing.body == body);
  };
  send(1300);
  CHECK(net.last_outgoing.size() == 1300);
  CHECK(net.sent.back().hop.protocol == Protocol::udp);
  send(1301);
  CHECK(net.sent.back().hop.protocol == Protocol::tcp);
  SUBCASE("and stays when the request goes in a datagram after all") {
    net.sent.back().failed(make_error_code(boost::system::errc::connection_refused));
    CHECK(net.sent.back().hop.protocol == Protocol::udp);
    CHECK(net.last_outgoing.size() == 1301);
  }
}

TEST_CASE("a 2xx is retired without being parsed where its user wants the status alone") {
  Client net;
  const std::string whole = request("NOTIFY");
  const std::string_view line = std::string_view(whole).substr(0, whole.find("Route"));
  const std::string_view rest = std::string_view(whole).substr(line.size());
  bool status_only = true;
  std::vector<std::size_t> before;  // ends when `retire` called back
  const auto send = [&] {
    net.layer.send(
        {.line = line, .headers = {&rest, 1}, .status_only = status_only}, udp,
        [&](const Outcome& outcome, Now) {
          CHECK(outcome.kind == Outcome::Kind::final);
          CHECK(outcome.response == nullptr);
          net.ends.push_back({outcome.kind, outcome.status});
        },
        net.now());
  };
  const auto retire = [&](int status) {
    const auto text = sip::Builder::reply(net.sent.back().message, status, "ua").finish();
    const auto quick = quick_response(text);
    return quick && net.layer.retire(*quick, net.now(), [&] { before.push_back(net.ends.size()); });
  };
  SUBCASE("once; the caller is notified before the user, which may then send the next request") {
    send();
    CHECK(retire(200));
    REQUIRE(net.ends.size() == 1);
    CHECK(net.ends[0].status == 200);
    CHECK(net.layer.size() == 0);
    CHECK(net.timers.size() == 0);
    CHECK_FALSE(retire(200));
    CHECK(before == std::vector<std::size_t>{0});
  }
  SUBCASE("a refusal is parsed") {
    send();
    CHECK_FALSE(retire(481));
    CHECK(net.ends.empty());
    CHECK(before.empty());
  }
  SUBCASE("another user's response is parsed") {
    status_only = false;
    send();
    CHECK_FALSE(retire(200));
    CHECK(net.ends.empty());
  }
}

TEST_CASE("a closed flow ends what waits on it, and nothing else") {
  Client net;
  net.send_it("MESSAGE", tcp);
  net.send_it("INVITE", tcp);
  net.send_it("MESSAGE", udp);
  net.layer.on_flow_closed(8, net.now());
  CHECK(net.ends.empty());
  net.layer.on_flow_closed(7, net.now());
  net.layer.on_flow_closed(7, net.now());
  REQUIRE(net.ends.size() == 2);
  CHECK(net.ends[0].kind == Outcome::Kind::transport_error);
  CHECK(net.layer.size() == 1);
}

TEST_CASE(
    "an INVITE that rings outlives its connection, and takes its response over another one (RFC 3261 "
    "18.2.2)") {
  Client net;
  Hop other = tcp;
  other.remote.port = 49152;
  other.flow = 8;
  const auto id = net.send_it("INVITE", tcp);
  net.answer(0, 180);
  net.layer.on_flow_closed(7, net.now());
  CHECK(net.ends.empty());
  const auto answer = [&](int status, std::string via = {}) {
    auto reply = sip::Builder::reply(net.sent.at(0).message, status, "ua").finish();
    const auto parsed = sip::Message::parse(share(reply)).value();
    if (via.empty()) via = std::string(parsed.first(HeaderId::via));
    net.layer.receive(
        other, sip::Message::parse(share(sip::Splice(parsed).replace(HeaderId::via, via).finish())).value(),
        net.now());
  };
  SUBCASE("a 2xx") {
    answer(200);
    REQUIRE(net.ends.size() == 1);
    CHECK(net.ends[0].status == 200);
  }
  SUBCASE("a refusal, which is acknowledged there") {
    answer(486);
    REQUIRE(net.ends.size() == 1);
    CHECK(net.ends[0].status == 486);
    CHECK(net.sent.back().message.method() == sip::Method::ack);
    CHECK(net.sent.back().hop == other);
  }
  SUBCASE("a 1xx: what follows goes there, and waits there") {
    answer(180);
    net.layer.cancel(id, {}, net.now());
    CHECK(net.sent.back().message.method() == sip::Method::cancel);
    CHECK(net.sent.back().hop == other);
    net.layer.on_flow_closed(8, net.now());
    CHECK(net.ends.empty());
    net.pass(100ms);
    REQUIRE(net.ends.size() == 1);
    CHECK(net.ends[0].kind == Outcome::Kind::transport_error);
  }
  SUBCASE("not one whose branch is made up, or whose sent-by is not ours") {
    std::string via(net.sent.at(0).message.first(HeaderId::via));
    SUBCASE("") { via.back() = via.back() == 'a' ? 'b' : 'a'; }
    SUBCASE("") { via.replace(via.find("192.0.2.9"), 9, "192.0.2.8"); }
    SUBCASE("") { via.replace(via.find("5070"), 4, "5071"); }
    answer(200, via);
    CHECK(net.ends.empty());
  }
  SUBCASE("none: it ends after 10*T1") {
    net.pass(99ms);
    CHECK(net.ends.empty());
    net.pass(1ms);
    REQUIRE(net.ends.size() == 1);
    CHECK(net.ends[0].kind == Outcome::Kind::transport_error);
  }
}

TEST_CASE("a request that was sent before its connection was made ends when that connection closes") {
  Client net;
  Hop dialled = tcp;
  dialled.flow = 0;
  net.send_it("MESSAGE", dialled);
  net.send_it("MESSAGE", udp);
  Hop other = tcp;
  other.remote.port += 1;
  other.flow = 8;
  net.layer.on_flow_opened(other);
  net.layer.on_flow_opened(tcp);
  net.layer.on_flow_closed(8, net.now());
  CHECK(net.ends.empty());
  SUBCASE("it is answered first") {
    net.answer(0, 200);
    net.layer.on_flow_closed(7, net.now());
    CHECK(net.ends.size() == 1);
  }
  SUBCASE("it closes first") {
    net.layer.on_flow_closed(7, net.now());
    REQUIRE(net.ends.size() == 1);
    CHECK(net.ends[0].kind == Outcome::Kind::transport_error);
    CHECK(net.layer.size() == 1);
  }
}

TEST_CASE("a closed connection ends what many requests wait for in parts, so that others have their turn") {
  constexpr std::size_t count = 900, most = 128;
  Client net;
  for (std::size_t i = 0; i < count; ++i) net.send_it("MESSAGE", tcp);
  net.send_it("MESSAGE", udp);
  net.layer.on_flow_closed(7, net.now());
  std::size_t before = 0, parts = 1;
  CHECK(net.ends.size() == most);
  while (net.ends.size() < count) {
    before = net.ends.size();
    REQUIRE(net.timers.step(net.time));
    CHECK(net.ends.size() <= before + most);
    if (net.ends.size() != before) ++parts;
  }
  CHECK(parts == (count + most - 1) / most);
  for (const auto& end : net.ends) CHECK(end.kind == Outcome::Kind::transport_error);
  net.timers.advance(net.time);
  CHECK(net.ends.size() == count);
  CHECK(net.layer.size() == 1);
}

TEST_CASE("a request past the limit of client transactions ends with a transport error, and is not sent") {
  Client net(/*max_server_transactions=*/100, /*max_client_transactions=*/2);
  const auto first = net.send_it("MESSAGE");
  const auto invite = net.send_it("INVITE");
  CHECK(invite != 0);
  CHECK(net.send_it("MESSAGE") == 0);
  CHECK(net.ends.empty());  // never inside the call
  net.timers.advance(net.time);
  REQUIRE(net.ends.size() == 1);
  CHECK(net.ends[0].kind == Outcome::Kind::transport_error);
  CHECK(net.ends[0].status == 503);
  CHECK(net.sent.size() == 2);
  CHECK(net.layer.size() == 2);

  SUBCASE("an answer makes room") {
    net.answer(0, 200);
    const auto next = net.send_it("MESSAGE");
    CHECK(next != 0);
    CHECK(next != first);
    CHECK(net.sent.size() == 3);
  }
  SUBCASE("an INVITE whose CANCEL finds no place ends within 64*T1 (RFC 3261 9.1)") {
    net.answer(1, 180);
    net.layer.cancel(invite, {}, net.now());
    net.pass(10s);
    CHECK(net.layer.size() == 0);
    CHECK(net.ends.size() == 3);
  }
}

TEST_CASE("branches are matched whatever a user adds to them, in one layer") {
  Client net;
  const std::string whole = request("MESSAGE");
  const auto [line, headers] = cut_request_line(whole);
  std::vector<int> ends;
  for (const std::string_view tag : {"", "bk07f.", "a-much-longer-tag.", "."}) {
    net.layer.send(
        {.line = line, .headers = {&headers, 1}, .branch_tag = tag, .branch_part = "~part"}, udp,
        [&](const Outcome& outcome, Now) { ends.push_back(outcome.status); }, net.now());
    const std::string branch(net.sent.back().message.top_via()->branch());
    CHECK(branch_tail(branch) == std::string(tag) + "~part");
  }
  for (std::size_t i = 4; i > 0; --i) net.answer(i - 1, 200);
  CHECK(ends == std::vector{200, 200, 200, 200});
}

TEST_CASE("a user may send from within an outcome") {
  Client net;
  net.layer.send(
      request("MESSAGE"), udp,
      [&](const Outcome&, Now now) { net.layer.send(request("OPTIONS"), udp, {}, now); }, net.now());
  net.answer(0, 401);
  REQUIRE(net.sent.size() == 2);
  CHECK(net.sent[1].message.method() == sip::Method::options);
}

TEST_CASE("INVITE refused: the layer acknowledges it, and each copy (RFC 3261 17.1.1.3)") {
  Client net;
  net.send_it("INVITE");
  net.answer(0, 180);
  net.answer(0, 486);
  net.answer(0, 486);
  REQUIRE(net.ends.size() == 1);
  REQUIRE(net.sent.size() == 3);
  const auto& invite = net.sent[0].message;
  const auto& ack = net.sent[1].message;
  CHECK(ack.method() == sip::Method::ack);
  CHECK(ack.request_uri_text() == invite.request_uri_text());
  CHECK(ack.header(HeaderId::via) == invite.header(HeaderId::via));
  CHECK(ack.values(HeaderId::via).size() == 1);
  CHECK(ack.values(HeaderId::route).size() == 2);
  CHECK(ack.header(HeaderId::from) == invite.header(HeaderId::from));
  CHECK(ack.to_tag() == "ua");
  CHECK(ack.call_id() == "call-1");
  CHECK(ack.header(HeaderId::cseq) == "5 ACK");
  CHECK(net.sent[2].message.text() == ack.text());
  net.pass(640ms);
  CHECK(net.layer.size() == 0);
}

TEST_CASE("INVITE accepted: the first 2xx is the outcome, the others go to the user (RFC 6026 7.2)") {
  Client net;
  net.send_it("INVITE");
  net.answer(0, 200, "first");
  net.answer(0, 200, "first");
  net.answer(0, 200, "fork");
  CHECK(net.ends.size() == 1);
  REQUIRE(net.responses.size() == 2);
  CHECK(net.responses[1].to_tag() == "fork");
  CHECK(net.sent.size() == 1);

  SUBCASE("the ACK is the user's, with a branch of its own (RFC 3261 13.2.2.4)") {
    net.layer.send_ack(request("ACK"), udp, net.now());
    REQUIRE(net.sent.size() == 2);
    CHECK(net.sent[1].message.top_via()->branch() != net.sent[0].message.top_via()->branch());
    net.pass(640ms);
    CHECK(net.sent.size() == 2);
  }
  SUBCASE("64*T1 later they match nothing and are dropped (RFC 6026 7.2)") {
    net.pass(640ms);
    net.answer(0, 200, "fork");
    CHECK(net.responses.size() == 2);
  }
}

TEST_CASE("CANCEL waits for a provisional response and repeats the INVITE's head (RFC 3261 9.1)") {
  Client net;
  const auto id = net.send_it("INVITE");
  net.layer.cancel(id, "SIP;cause=200", net.now());
  CHECK(net.sent.size() == 1);
  net.answer(0, 180);
  REQUIRE(net.sent.size() == 2);
  const auto& cancel = net.sent[1].message;
  CHECK(cancel.method() == sip::Method::cancel);
  CHECK(cancel.header(HeaderId::via) == net.sent[0].message.header(HeaderId::via));
  CHECK(cancel.values(HeaderId::route).size() == 2);
  CHECK(cancel.header(HeaderId::cseq) == "5 CANCEL");
  CHECK(cancel.to_tag().empty());
  CHECK(cancel.header(HeaderId::reason) == "SIP;cause=200");

  SUBCASE("its 200 is not the INVITE's end") {
    net.answer(1, 200);
    CHECK(net.ends.empty());
    net.answer(0, 487);
    REQUIRE(net.ends.size() == 1);
    CHECK(net.ends[0].status == 487);
    CHECK(net.sent.back().message.method() == sip::Method::ack);
  }
  SUBCASE("without any answer both end after 64*T1") {
    net.pass(640ms);
    REQUIRE(net.ends.size() == 1);
    CHECK(net.ends[0].kind == Outcome::Kind::timeout);
    CHECK(net.layer.size() == 0);
  }
}

TEST_CASE("CANCEL of anything but a pending INVITE does nothing (RFC 3261 9.1)") {
  Client net;
  net.layer.cancel(net.send_it("MESSAGE"), {}, net.now());
  net.layer.cancel(999, {}, net.now());
  CHECK(net.sent.size() == 1);
}

TEST_CASE("CANCEL races at the client (RFC 3261 9.1)") {
  Client net;
  const auto id = net.send_it("INVITE");
  const auto cancels = [&] {
    return std::ranges::count_if(
        net.sent, [](const auto& sent) { return sent.message.method() == sip::Method::cancel; });
  };
  SUBCASE("wanted before any answer, and the first is a 2xx: too late, the call is made") {
    net.layer.cancel(id, {}, net.now());
    net.answer(0, 200);
    CHECK(cancels() == 0);
    CHECK(net.ends.at(0).status == 200);
  }
  SUBCASE("wanted before any answer, and the first is a refusal") {
    net.layer.cancel(id, {}, net.now());
    net.answer(0, 486);
    CHECK(cancels() == 0);
    CHECK(net.ends.at(0).status == 486);
    CHECK(net.sent.back().message.method() == sip::Method::ack);
  }
  SUBCASE("wanted and no answer at all: timer B") {
    net.layer.cancel(id, {}, net.now());
    net.pass(640ms);
    CHECK(cancels() == 0);
    CHECK(net.ends.at(0).kind == Outcome::Kind::timeout);
  }
  SUBCASE("sent, and a 2xx crosses it: the call is made, whatever becomes of the CANCEL") {
    net.answer(0, 180);
    net.layer.cancel(id, {}, net.now());
    CHECK(cancels() == 1);
    const auto cancel = net.sent.size() - 1;
    SUBCASE("200") { net.answer(cancel, 200); }
    SUBCASE("481") { net.answer(cancel, 481); }
    SUBCASE("silence") {}
    net.answer(0, 200);
    REQUIRE(net.ends.size() == 1);
    CHECK(net.ends[0].status == 200);
  }
  SUBCASE("wanted twice, sent once") {
    net.answer(0, 180);
    net.layer.cancel(id, {}, net.now());
    net.layer.cancel(id, {}, net.now());
    net.answer(0, 183);
    CHECK(cancels() == 1);
    net.answer(0, 487);
  }
  SUBCASE("wanted after a final answer: never sent") {
    net.answer(0, 486);
    net.layer.cancel(id, {}, net.now());
    CHECK(cancels() == 0);
  }
  net.pass(2s);
  CHECK(net.ends.size() == 1);
  CHECK(net.layer.size() == 0);
  CHECK(net.timers.size() == 0);
}
