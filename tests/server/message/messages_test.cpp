#include "server/message/messages.hpp"

#include "tests/server/message/office.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

Settings with(const std::function<void(MessageStorage&)>& change) {
  Settings settings = World::default_settings();
  change(settings.messages);
  return settings;
}

const std::string phone = "00000000-0000-1000-8000-000000000001",
                  laptop = "00000000-0000-1000-8000-000000000002";

}  // namespace

TEST_CASE(
    "a message to a user who is away is stored and answered 202; a kill later the device that registers gets "
    "it "
    "at its contact, once (RFC 3428 7)") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Office office(shards);
    CHECK(office.send("Shall we play?") == 202);
    CHECK(office.records() == 1);
    office.restart(shards);
    office.enter_phone();
    const auto got = office.delivered();
    CHECK(got.to.remote == udp(5080).remote);
    CHECK(got.message.request_uri_text() == "sip:bob@192.0.2.9:5080");
    CHECK(got.message.header(HeaderId::to) == "<sip:bob@example.org>");
    CHECK(got.message.header(HeaderId::from).starts_with("<sip:alice@example.org>"));
    CHECK(got.message.header(HeaderId::p_asserted_identity) == "<sip:alice@example.org>");
    CHECK(got.message.has(HeaderId::date));
    CHECK_FALSE(got.message.has(HeaderId::proxy_authorization));
    CHECK(got.message.body() == "Shall we play?");
    office.answer(got, 200);
    CHECK(office.is_quiet());
    CHECK(office.records() == 0);
    CHECK(office.counters().delivered == 1);
    office.enter_phone();
    CHECK(office.is_quiet());
  }
}

TEST_CASE(
    "the 202 leaves when the store has the message; a full disk is 500, and nothing is kept (DESIGN 1.4)") {
  Office office;
  office.memory.broken = store::Errc::io;
  CHECK(office.send("lost") == 500);
  office.memory.broken = {};
  office.enter_phone();
  CHECK(office.is_quiet());
  CHECK(office.send_on("now").message.body() == "now");
}

TEST_CASE("a copy of the request after a kill gets the 202 again, and nothing is stored twice (DESIGN 1.4)") {
  Office office;
  Ask request = office.with_credentials(office.message("once"));
  request.branch = "z9hG4bKonce";
  const std::string text = office.text_of(request);
  office.receive(udp(5070), text);
  CHECK(office.take().message.status() == 202);
  office.restart(1);
  office.receive(udp(5070), text);
  CHECK(office.take().message.status() == 202);
  CHECK(office.records() == 1);
}

TEST_CASE("a message that comes again while it is stored gets the 202 again, and is stored once") {
  Office office;
  const std::string cpim =
      "From: <sip:alice@example.org>\r\nimdn.Message-ID: one\r\n\r\nContent-Type: text/plain\r\n\r\nhi";
  const auto send = [&](const std::string& call_id, const std::string& body,
                        const char* type = "message/cpim") {
    Ask ask = office.message(body);
    ask.call_id = call_id;
    ask.lines[0] = std::string("Content-Type: ") + type;
    return office.ask_as(udp(5070), ask, "alice").status();
  };
  CHECK(send("a", "hi", "text/plain") == 202);
  CHECK(send("b", cpim) == 202);
  CHECK(office.records() == 2);
  CHECK(send("a", "hi", "text/plain") == 202);
  CHECK(send("c", cpim) == 202);
  office.restart(1);
  CHECK(send("d", cpim) == 202);
  CHECK(office.records() == 2);
  SUBCASE("another body is another message, whatever its id") {
    CHECK(send("a", "ho", "text/plain") == 202);
    CHECK(send("e", cpim + "!") == 202);
    CHECK(office.records() == 4);
  }
  SUBCASE("it is delivered once, and is another message after that") {
    office.enter_phone();
    for (int i = 0; i < 2; ++i) office.answer(office.delivered(), 200);
    CHECK(office.is_quiet());
    CHECK(office.records() == 0);
  }
}

TEST_CASE("messages are delivered one after the other, and those that come meanwhile after them") {
  Office office;
  CHECK(office.send("1") == 202);
  CHECK(office.send("2") == 202);
  office.enter_phone();
  const auto first = office.delivered();
  CHECK(first.message.body() == "1");
  CHECK(office.is_quiet());
  CHECK(office.send("3") == 202);
  CHECK(office.is_quiet());
  office.answer(first, 200);
  const auto second = office.delivered();
  CHECK(second.message.body() == "2");
  office.answer(second, 200);
  const auto third = office.delivered();
  CHECK(third.message.body() == "3");
  office.answer(third, 200);
  CHECK(office.is_quiet());
  const auto fourth = office.send_on("4");
  office.answer(fourth, 200);
  CHECK(office.take().message.status() == 200);
  CHECK(office.records() == 0);
}

TEST_CASE("each device with an instance ID gets a message once, wherever it registers") {
  Office office;
  CHECK(office.send("to all") == 202);
  office.enter_phone(phone);
  office.answer(office.delivered(), 200);
  CHECK(office.room().boxes().waiting() == 0);
  office.enter_phone(phone, 5081);
  CHECK(office.is_quiet());
  office.restart(1);
  office.enter_phone(laptop, 5082);
  const auto got = office.delivered();
  CHECK(got.to.remote == udp(5082).remote);
  office.answer(got, 200);
  office.enter_phone({}, 5083);  // it may be any of them
  CHECK(office.is_quiet());
  CHECK(office.counters().delivered == 0);
  office.wait(24h + 1s);
  CHECK(office.records() == 0);
  CHECK(office.counters().expired == 0);
}

TEST_CASE(
    "what is relayed overtakes nothing of its sender that is stored for the same device: it waits behind "
    "it") {
  Office office;
  CHECK(office.send("1") == 202);
  office.enter_phone(phone, 5080);
  office.answer(office.delivered(), 200);
  office.enter_phone(laptop, 5081);
  const auto first = office.delivered();  // under way
  CHECK(first.to.remote.port == 5081);
  CHECK(office.send("2") == 202);
  const auto second = office.delivered();
  CHECK(second.to.remote.port == 5080);
  CHECK(second.message.body() == "2");
  office.answer(second, 200);
  CHECK(office.is_quiet());
  SUBCASE("it takes the first") { office.answer(first, 200); }
  SUBCASE("it takes the first later") {
    office.answer(first, 480);
    CHECK(office.send("3") == 202);
    office.answer(office.delivered(), 200);
    CHECK(office.is_quiet());
    office.wait(35001ms);
    const auto again = office.take();
    CHECK(again.message.body() == "1");
    office.answer(again, 200);
  }
  const auto next = office.delivered();
  CHECK(next.to.remote.port == 5081);
  CHECK(next.message.body() == "2");
  office.answer(next, 200);
  while (!office.is_quiet()) office.answer(office.take(), 200);
  Ask ask = office.message("at once");
  const auto relayed = office.from_alice(ask);
  CHECK(relayed.message.body() == "at once");
}

TEST_CASE("two devices that register get it each, at once; neither waits for the other") {
  Office office;
  CHECK(office.send("both") == 202);
  office.enter_phone(phone, 5080);
  const auto one = office.delivered();
  office.enter_phone(laptop, 5081);
  const auto other = office.delivered();
  CHECK(one.to.remote.port == 5080);
  CHECK(other.to.remote.port == 5081);
  office.answer(other, 200);
  office.answer(one, 200);
  CHECK(office.is_quiet());
  CHECK(office.counters().delivered == 1);
}

TEST_CASE(
    "a device that cannot take a message now is tried again after growing pauses, and when it comes anew") {
  Office office;
  CHECK(office.send("patience") == 202);
  office.enter_phone();
  office.answer(office.delivered(), 480);
  office.enter_phone();  // a refresh
  CHECK(office.is_quiet());
  office.wait(34s);
  CHECK(office.wire.is_silent());
  office.wait(1001ms);
  office.answer(office.take(), 486);
  office.wait(69s);
  CHECK(office.wire.is_silent());
  office.wait(1001ms);
  office.answer(office.take(), 503);
  SUBCASE("a device that comes anew is tried at once") {
    office.enter_phone(phone, 5081);
    const auto got = office.delivered();
    CHECK(got.to.remote.port == 5081);
    office.answer(got, 200);
    CHECK(office.counters().delivered == 1);
  }
  SUBCASE("it goes on until it succeeds") {
    office.wait(140001ms);
    office.answer(office.take(), 200);
    CHECK(office.is_quiet());
    CHECK(office.records() == 0);
  }
}

TEST_CASE(
    "a device that refuses a message does not get it again and gets the next; a user who refuses ends it") {
  Office office;
  CHECK(office.send("one") == 202);
  CHECK(office.send("two") == 202);
  office.enter_phone(phone);
  SUBCASE("4xx") {
    office.answer(office.delivered(), 403);
    office.answer(office.delivered(), 200);
    CHECK(office.is_quiet());
    office.enter_phone(laptop, 5081);
    CHECK(office.delivered().message.body() == "one");
  }
  SUBCASE("6xx") {
    office.answer(office.delivered(), 603);
    CHECK(office.counters().rejected == 1);
    const auto next = office.delivered();
    CHECK(next.message.body() == "two");
    office.answer(next, 200);
    office.enter_phone(laptop, 5081);
    CHECK(office.delivered().message.body() == "two");
  }
}

TEST_CASE("482: the device has the message, whose answer a kill swallowed (RFC 3261 8.2.2.2)") {
  Office office;
  CHECK(office.send("had") == 202);
  office.enter_phone();
  CHECK(office.delivered().message.body() == "had");
  office.restart(1);
  const auto again = office.delivered();  // over UDP the phone is still there
  office.answer(again, 482);
  CHECK(office.is_quiet());
  CHECK(office.records() == 0);
}

TEST_CASE(
    "482 from a device that has just refused the message for now is no answer to it: it is tried again") {
  Office office;
  office.enter_phone(phone);
  SUBCASE("the request as it came") {
    office.answer(office.send_on("not now"), 480);
    CHECK(office.take().message.status() == 202);
  }
  SUBCASE("the stored one") {
    office.room().leave({.user = bob, .from = alice, .body = "not now"});
    office.answer(office.delivered(), 480);
  }
  CHECK(office.is_quiet());
  office.enter_phone(phone, 5081);  // the same device
  while (!office.is_quiet()) office.answer(office.take(), 482);
  CHECK(office.records() == 1);
  CHECK(office.counters().delivered == 0);
  office.wait(35001ms);
  const auto got = office.take();
  CHECK(got.message.body() == "not now");
  office.answer(got, 200);
  CHECK(office.counters().delivered == 1);
}

TEST_CASE("a device that has answered that it is busy is tried again after a pause, without a REGISTER") {
  Office office;
  office.enter_phone();
  office.answer(office.send_on("not now"), 480);
  CHECK(office.take().message.status() == 202);
  office.wait(34s);
  CHECK(office.wire.is_silent());
  office.wait(1001ms);
  CHECK(office.take().message.body() == "not now");
}

TEST_CASE("a device that answers when its message is gone leaves nothing") {
  for (const int status : {480, 200, 415, 603}) {
    CAPTURE(status);
    Office office;
    CHECK(office.send("gone", {"Expires: 20"}) == 202);
    office.enter_phone();
    const auto got = office.delivered();
    office.wait(20s);
    CHECK(office.records() == 0);
    office.answer(got, status);
    while (!office.wire.is_silent()) office.take();
    const auto user = office.node().shard(0).directory().find(bob);
    REQUIRE(user != nullptr);  // the phone is registered
    CHECK(office.room().boxes().inbox(*user) == nullptr);
    CHECK(office.counters().delivered == 0);
  }
}

TEST_CASE(
    "a sender does not wait for a silent device: 202 after the patience, and no copy when it answers late") {
  Office office;
  office.enter_phone();
  const auto got = office.send_on("slow");
  office.wait(7s);
  while (!office.wire.is_silent()) CHECK(office.take().message.method_text() == "MESSAGE");  // copies
  office.wait(2s);
  int answered = 0;
  while (!office.wire.is_silent()) answered = std::max(answered, office.take().message.status());
  CHECK(answered == 202);
  CHECK(office.records() == 1);
  SUBCASE("late 200") {
    office.answer(got, 200);
    CHECK(office.is_quiet());
    CHECK(office.records() == 0);
    CHECK(office.counters().delivered == 1);
    office.enter_phone();
    CHECK(office.is_quiet());
  }
  SUBCASE("late 603") {
    office.answer(got, 603);
    CHECK(office.is_quiet());
    CHECK(office.records() == 0);
  }
  SUBCASE("silent for good: the next registration") {
    office.wait(33s);
    while (!office.wire.is_silent()) CHECK(office.take().message.method_text() == "MESSAGE");
    office.enter_phone();
    CHECK(office.delivered().message.body() == "slow");
  }
}

TEST_CASE("what one device has accepted is not stored because another is silent") {
  Office office;
  office.enter_bob(2);
  const auto got = office.send_on("to both");
  CHECK(office.take().message.body() == "to both");
  office.answer(got, 200);
  CHECK(office.take().message.status() == 200);
  office.wait(40s);
  while (!office.wire.is_silent()) CHECK(office.take().message.method_text() == "MESSAGE");  // copies
  CHECK(office.records() == 0);
  CHECK(office.counters().stored == 0);
}

TEST_CASE(
    "a device that went without a word, or is in trouble, counts as away: 202; what it says else is passed "
    "on") {
  struct Row {
    int status;
    int answer;
  };
  const Row rows[] = {{480, 202}, {408, 202}, {430, 202}, {500, 202}, {503, 202}, {504, 202},
                      {486, 486}, {415, 415}, {404, 404}, {603, 603}, {600, 600}};
  for (const Row& row : rows) {
    CAPTURE(row.status);
    Office office;
    office.enter_phone();
    office.answer(office.send_on("hello"), row.status);
    CHECK(office.take().message.status() == row.answer);
    CHECK(office.is_quiet());
  }
  Office office;
  office.enter(bob, tls(1), "sip:bob@192.0.2.9:40000;transport=tls");
  office.send_on("hello");
  office.node().on_flow_closed(1);
  office.run();
  CHECK(office.take().message.status() == 202);
}

TEST_CASE(
    "of two devices one refuses and one is away: stored for the one that is away; one refuses for all: not") {
  for (const int status : {415, 603}) {
    CAPTURE(status);
    Office office;
    office.enter_phone(phone, 5080);
    office.enter_phone(laptop, 5081);
    office.receive(udp(5070), office.text_of(office.with_credentials(office.message("hello"))));
    const auto one = office.take(), other = office.take();
    office.answer(one, 480);
    office.answer(other, status);
    CHECK(office.take().message.status() == (status == 603 ? 603 : 202));
  }
}

TEST_CASE("Expires: a message that has run out is not delivered (RFC 3428 7)") {
  Office office;
  CHECK(office.send("short", {"Expires: 60"}) == 202);
  CHECK(office.send("for now only", {"Expires: 0"}) == 480);
  CHECK(office.send("too late", {"Expires: 60", "Date: Sat, 13 Nov 2010 23:29:00 GMT"}) == 480);
  SUBCASE("in time") {
    office.wait(59s);
    office.enter_phone();
    CHECK(office.delivered().message.body() == "short");
  }
  SUBCASE("too late") {
    office.wait(60s);
    CHECK(office.counters().expired == 1);
    CHECK(office.records() == 0);
    office.enter_phone();
    CHECK(office.is_quiet());
  }
}

TEST_CASE("a message waits as long as the settings say at most; with 0 days none is stored") {
  Office office(1, with([](MessageStorage& storage) { storage.kept = 24h; }));
  CHECK(office.send("a day") == 202);
  office.wait(24h);
  CHECK(office.counters().expired == 1);
  Office other(1, with([](MessageStorage& storage) { storage.kept = 0s; }));
  CHECK(other.send("never") == 480);
}

TEST_CASE("past the limits: 480 with a Warning; larger than the inbox: 413 (DESIGN 7)") {
  Office office(1, with([](MessageStorage& storage) {
                  storage.per_user = 4;
                  storage.kib_per_user = 4;
                }));
  office.add_user(carol);
  const auto from_carol = [&](const std::string& body) {
    Ask ask = office.message(body);
    ask.from = carol;
    return office.ask_as(udp(5071), ask, "carol").status();
  };
  CHECK(office.send(std::string(4096, 'x')) == 413);
  CHECK(office.send("1") == 202);
  CHECK(office.send(std::string(4000, 'x')) == 413);
  SUBCASE("octets") {
    CHECK(office.send(std::string(1700, 'x')) == 480);
    CHECK(from_carol(std::string(1700, 'x')) == 202);
    CHECK(from_carol(std::string(1700, 'x')) == 480);
  }
  SUBCASE("messages") {
    CHECK(office.send("2") == 202);
    const auto refused = office.give("3");
    CHECK(refused.status() == 480);
    CHECK(refused.has(HeaderId::warning));
    CHECK(office.counters().full == 3);
    office.enter_phone(phone);
    office.answer(office.delivered(), 200);
    office.answer(office.delivered(), 480);
    CHECK(office.is_quiet());
    CHECK(office.send("4") == 202);  // what a device has takes no share
    CHECK(office.records() == 3);
  }
}

TEST_CASE("what all users of a shard have stored is bounded") {
  Office office(1, with([](MessageStorage& storage) { storage.kib_per_shard = 1; }));
  CHECK(office.send(std::string(600, 'x')) == 202);
  CHECK(office.send(std::string(600, 'x')) == 480);
}

TEST_CASE("nothing is stored for unknown users, for single devices, or of the moment (RFC 3994)") {
  Office office;
  Ask request = office.message("hello");
  request.uri = request.to = "sip:nobody@example.org";
  CHECK(office.ask_as(udp(5070), request, "alice").status() == 404);
  request = office.message("hello");
  request.uri = "sip:bob@example.org;gr=urn:uuid:" + phone;
  CHECK(office.ask_as(udp(5070), request, "alice").status() == 480);
  request = office.message("<isComposing/>");
  request.lines = {"Content-Type: application/im-iscomposing+xml"};
  CHECK(office.ask_as(udp(5070), request, "alice").status() == 480);
  request = office.message(
      "From: <sip:alice@example.org>\r\n\r\nContent-Type: application/im-iscomposing+xml\r\n\r\n<x/>");
  request.lines = {"Content-Type: message/cpim"};  // as linphone wraps it
  CHECK(office.ask_as(udp(5070), request, "alice").status() == 480);
  CHECK(office.records() == 0);
}

TEST_CASE(
    "what becomes of a message that was deleted on its way to a device says nothing about the next one") {
  Office office;
  const WallTime came = office.clock.at.wall;
  CHECK(office.send("deleted") == 202);
  office.enter_phone();
  const auto got = office.delivered();
  office.room().boxes().remove(*office.node().shard(0).directory().get(bob), std::nullopt, [](int) {});
  office.run();
  CHECK(office.records() == 0);
  office.clock.at.wall = came;  // it may jump
  office.room().leave({.user = bob, .from = alice, .body = "next"});
  office.run();
  CHECK(office.records() == 1);
  office.answer(got, 200);
  CHECK(office.counters().delivered == 0);
  CHECK(office.delivered().message.body() == "next");
}

TEST_CASE(
    "one sender's flood for a user who is away is answered 480 past half of the inbox, and others find "
    "room") {
  Office office(1, with([](MessageStorage& storage) { storage.per_user = 50; }));
  Ask ask = office.with_credentials(office.message("flood"));
  unsigned stored = 0, refused = 0;
  for (unsigned i = 0; i < 500; ++i) {
    const int status = office.send("flood " + std::to_string(i));
    (status == 202 ? stored : refused) += status == 202 || status == 480 ? 1 : 0;
  }
  CHECK(stored == 25);
  CHECK(refused == 475);
  CHECK(office.records() == 25);
  CHECK(office.counters().full == 475);
  office.add_user(carol);
  Ask other = office.message("not mine");
  other.from = carol;
  CHECK(office.ask_as(udp(5071), other, "carol").status() == 202);
  CHECK(office.room().boxes().octets() < 50 * 1024);
}

TEST_CASE("odd lifetimes, dates and bodies of a message that is stored") {
  struct Row {
    const char* name;
    std::vector<std::string> lines;
    std::string body;
    int status;
  };
  const std::string stray("a\0\xff\xfe\r\n.\r\n", 9);
  for (const Row& row :
       {Row{"huge", {"Expires: 4294967295"}, "x", 202}, Row{"larger", {"Expires: 99999999999"}, "x", 202},
        Row{"negative", {"Expires: -1"}, "x", 202},
        Row{"past, huge", {"Expires: 4294967295", "Date: Mon, 01 Jan 1900 00:00:00 GMT"}, "x", 202},
        Row{"future", {"Expires: 60", "Date: Fri, 31 Dec 9999 23:59:59 GMT"}, "x", 202},
        Row{"no date", {"Date: yesterday", "Expires: 60"}, "x", 202}, Row{"no body", {}, "", 202},
        Row{"octets", {"Content-Disposition: render"}, stray, 202},
        Row{"coded", {"Content-Encoding: gzip"}, "\x1f\x8b", 202}}) {
    CAPTURE(row.name);
    Office office;
    CHECK(office.send(row.body, row.lines) == row.status);
    CHECK(office.records() == 1);
    office.restart(1);
    office.enter_phone();
    const auto got = office.delivered();
    CHECK(got.message.body() == row.body);
    office.answer(got, 200);
    CHECK(office.records() == 0);
  }
}

TEST_CASE("a removed user's messages go, a disabled one's stay") {
  Office office;
  CHECK(office.send("hello") == 202);
  office.node().shard(0).on_user_gone(bob, false);
  office.wait(60s);
  CHECK(office.records() == 1);
  office.node().shard(0).on_user_gone(bob, true);
  office.run();
  CHECK(office.records() == 0);
  CHECK(office.room().boxes().octets() == 0);
}

TEST_CASE("a message of the server's own is delivered at once, or when the user is there; not to strangers") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Office office(shards);
    auto& room = office.node().shard(0).room<message::Messages>();
    room.leave({.user = "sip:nobody@example.org", .from = "sip:carol@example.org", .body = "who?"});
    room.leave({.user = bob, .from = "sip:carol@example.org", .body = "Missed call"});
    office.wait(1ms);
    CHECK(office.records() == 1);
    office.enter_phone();
    const auto got = office.delivered();
    CHECK(got.message.body() == "Missed call");
    CHECK(got.message.header(HeaderId::content_type) == "text/plain;charset=utf-8");
    CHECK(got.message.header(HeaderId::from).starts_with("<sip:carol@example.org>;tag="));
    CHECK_FALSE(got.message.has(HeaderId::p_asserted_identity));
    office.answer(got, 200);
    room.leave({.user = bob, .from = "sip:carol@example.org", .body = "Missed call again"});
    CHECK(office.delivered().message.body() == "Missed call again");
  }
}

TEST_CASE("a user who wants to be left alone gets messages later, in their order") {
  Office office;
  bool is_busy = true;
  office.room().ask_first(
      [&](Entry& user, std::string_view sender) { return is_busy && user.aor() == bob && sender == alice; });
  office.enter_phone();
  CHECK(office.send("1") == 202);
  office.enter_phone();
  CHECK(office.is_quiet());
  is_busy = false;
  CHECK(office.send("2") == 202);  // which also wakes
  auto got = office.delivered();
  CHECK(got.message.body() == "1");
  office.answer(got, 200);
  got = office.delivered();
  CHECK(got.message.body() == "2");
  office.answer(got, 200);
  is_busy = true;
  CHECK(office.send("3") == 202);
  is_busy = false;
  office.room().wake(*office.node().shard(0).directory().get(bob), office.clock.now());
  CHECK(office.delivered().message.body() == "3");
}

TEST_CASE("a stored message for a SIPS URI goes to SIPS contacts only, and holds up no others (RFC 5630)") {
  Office office;
  Ask request = office.message("secret");
  request.uri = "sips:bob@example.org";
  CHECK(office.ask_as(tls(9), request, "alice").status() == 202);
  CHECK(office.send("open") == 202);
  office.enter_phone();
  CHECK(office.delivered().message.body() == "open");
}

TEST_CASE("a stored message that cannot be read is skipped and kept; the others come back") {
  Office office;
  CHECK(office.send("hello") == 202);
  office.memory.records[{bob, store::Kind::message, "1"}] = "{}";
  office.restart(1);
  CHECK(office.records() == 2);
  office.enter_phone();
  CHECK(office.delivered().message.body() == "hello");
}

TEST_CASE(
    "a shard has a bounded number of stored messages under way; the other devices wait for their turn") {
  constexpr unsigned users = message::Deliveries::at_once + 10;
  Office office(1, World::open_settings());
  for (unsigned i = 0; i < users; ++i) {
    const std::string user = "sip:u" + std::to_string(i) + "@example.org";
    office.memory.users.emplace(user, office.memory.users.at(bob));
    office.node().shard(0).room<message::Messages>().leave({.user = user, .from = alice, .body = "hi"});
    office.run();
    const Ask request{.from = user,
                      .call_id = user,
                      .lines = {"Contact: <sip:192.0.2.9:" + std::to_string(6000 + i) + '>'}};
    REQUIRE(office.ask(udp(static_cast<std::uint16_t>(6000 + i)), request).status() == 200);
  }
  CHECK(office.records() == users);
  office.wait(1ms);
  CHECK(office.wire.sent.size() == message::Deliveries::at_once);
  for (unsigned i = 0; i < users; ++i) {
    office.answer(office.take(), 200);
    office.wait(10us);
  }
  CHECK(office.is_quiet());
  CHECK(office.records() == 0);
}

TEST_CASE("the table shows what waits, and for whom") {
  Office office;
  CHECK(office.send("hello", {"Expires: 60"}) == 202);
  const auto tables = office.room().tables(office.clock.now());
  REQUIRE(tables.front().rows.size() == 1);
  const auto& row = tables.front().rows.front();
  CHECK(tables.front().name == "inbox");
  CHECK(row[0].second == bob);
  CHECK(row[2].second == alice);
  CHECK(row[4].second == "60");
  CHECK(row[6].second == "waiting");
}
