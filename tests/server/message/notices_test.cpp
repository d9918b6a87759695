#include <algorithm>

#include "protocol/documents/imdn.hpp"
#include "protocol/sip/builder.hpp"
#include "tests/server/message/office.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

/// What alice sends when she wants to be told everything.
std::string wrapped(const std::string& text, const std::string& id) {
  return "From: <sip:alice@example.org>\r\nTo: <sip:bob@example.org>\r\nNS: imdn <urn:ietf:params:imdn>\r\n"
         "imdn.Message-ID: " +
         id +
         "\r\nimdn.Disposition-Notification: positive-delivery, negative-delivery, processing, "
         "display\r\n\r\n"
         "Content-Type: text/plain\r\n\r\n" +
         text;
}

int send_wrapped(Office& office, const std::string& text, const std::string& id,
                 std::vector<std::string> lines = {}) {
  Ask ask = office.message(wrapped(text, id), std::move(lines));
  ask.lines[0] = "Content-Type: message/cpim";
  return office.ask_as(udp(5070), ask, "alice").status();
}

/// alice's phone, where notifications arrive.
void enter_alice(Office& office) { office.enter(alice, udp(5070), "sip:alice@192.0.2.9:5070"); }

/// What alice is told next; the message that it is about.
documents::Imdn told(Office& office) {
  const auto got = office.delivered();
  CHECK(got.to.remote == udp(5070).remote);
  CHECK(got.message.header(HeaderId::from).starts_with("<sip:bob@example.org>;tag="));
  CHECK(got.message.header(HeaderId::content_type) == "message/cpim");
  office.answer(got, 200);
  const auto outer = documents::parse_cpim(got.message.body());
  REQUIRE(outer.has_value());
  CHECK_FALSE(outer->wanted.any());
  const auto imdn = documents::parse_imdn(outer->content);
  REQUIRE(imdn.has_value());
  return *imdn;
}

}  // namespace

TEST_CASE("a sender that asked for it is told that its message is stored, and that it ended (RFC 5438 8)") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Office office(shards);
    enter_alice(office);
    CHECK(send_wrapped(office, "hi", "id1", {"Expires: 60"}) == 202);
    auto imdn = told(office);
    CHECK(imdn.message_id == "id1");
    CHECK(imdn.status == documents::Imdn::Status::stored);
    CHECK(office.is_quiet());
    office.wait(60s);
    imdn = told(office);
    CHECK(imdn.message_id == "id1");
    CHECK(imdn.status == documents::Imdn::Status::failed);
    CHECK(office.is_quiet());
    CHECK(office.records() == 0);
  }
}

TEST_CASE(
    "whatever a sender calls its message, the notification about it can be read, and asks for nothing") {
  for (const char* id : {"\"<&>'", "]]>", "<message-id>x</message-id>", "a,b;c=d", "%0d%0a"}) {
    CAPTURE(id);
    Office office;
    enter_alice(office);
    Ask ask = office.message(
        "Subject: \\u0000\\u0001]]>\\r\\nimdn.Disposition-Notification: display\r\nDateTime: <\\u0007>\r\n" +
        wrapped("hi", id));
    ask.lines[0] = "Content-Type: message/cpim";
    CHECK(office.ask_as(udp(5070), ask, "alice").status() == 202);
    const auto imdn = told(office);
    CHECK(imdn.message_id == id);
    CHECK(imdn.status == documents::Imdn::Status::stored);
    CHECK(office.is_quiet());
  }
}

TEST_CASE("a message/cpim that is malformed is stored as it is, and nobody is told anything") {
  for (const std::string& id : {std::string("a b"), std::string("a\0b", 3), std::string("\xff\xfe"),
                                std::string("a\rb"), std::string(257, 'a')}) {
    CAPTURE(id.size());
    Office office;
    enter_alice(office);
    const int status = send_wrapped(office, "hi", id);
    CHECK(status == 202);
    CHECK(office.is_quiet());
    office.enter_phone();
    CHECK(office.delivered().message.body() == wrapped("hi", id));
  }
}

TEST_CASE("a user refuses nothing by being removed: what is under way when that happens leaves nothing") {
  for (const int status : {200, 480, 603}) {
    CAPTURE(status);
    Office office;
    enter_alice(office);
    CHECK(send_wrapped(office, "hi", "id1") == 202);
    CHECK(told(office).status == documents::Imdn::Status::stored);
    office.enter_phone();
    const auto got = office.delivered();
    office.node().shard(0).on_user_gone(bob, true);
    office.run();
    CHECK(office.records() == 1);  // what alice is told
    CHECK(told(office).status == documents::Imdn::Status::failed);
    office.answer(got, status);
    while (!office.is_quiet()) office.take();
    CHECK(office.records() == 0);
    CHECK(office.room().boxes().octets() == 0);
    CHECK(office.counters().delivered == 2);  // what alice was told
  }
}

namespace {

/// What comes to alice and bob, whose phones take everything.
struct Heard {
  std::vector<documents::Imdn::Status> by_alice{};
  int by_bob = 0;

  void all(Office& office) {
    office.wait(2ms);
    while (!office.wire.is_silent()) {
      const auto got = office.take();
      if (!got.message.is_request()) continue;
      if (got.to.remote == udp(5070).remote) {
        const auto outer = documents::parse_cpim(got.message.body());
        REQUIRE(outer.has_value());
        by_alice.push_back(documents::parse_imdn(outer->content)->status);
      } else {
        ++by_bob;
      }
      office.answer(got, 200);
      office.wait(2ms);
    }
  }
  int count(documents::Imdn::Status status) const {
    return static_cast<int>(std::ranges::count(by_alice, status));
  }
};

}  // namespace

TEST_CASE(
    "whenever the server is killed while a message ends: its sender is told once that it has failed, or its "
    "recipient gets it (RFC 5438 8)") {
  enum class End { expired, refused, removed };
  for (const End end : {End::expired, End::refused, End::removed}) {
    for (const unsigned shards : {1U, 2U}) {
      CAPTURE(static_cast<int>(end));
      CAPTURE(shards);
      Office office(shards);
      CHECK(send_wrapped(office, "hi", "id1", {"Expires: 60"}) == 202);
      office.wait(1s);
      if (end == End::refused) {
        office.enter_phone();
        const auto got = office.delivered();
        office.bring(got.to, sip::Builder::reply(got.message, 603, "b1").finish());
      } else if (end == End::removed) {
        for (unsigned i = 0; i < shards; ++i) office.node().shard(i).on_user_gone(bob, true);
      } else {
        office.clock.advance(60s);
      }
      std::vector<store::Memory> states{office.memory};
      while (office.timers.step(office.clock.now().mono))
        if (office.memory.records != states.back().records) states.push_back(office.memory);
      CHECK(states.size() >= 4);  // before, the end, what alice is told, that it is told
      for (std::size_t at = 0; at < states.size(); ++at) {
        CAPTURE(at);
        Office again(shards);
        again.memory = states[at];
        again.clock.advance(office.clock.now().mono - again.clock.now().mono);
        again.restart(shards);
        if (end == End::removed)
          for (unsigned i = 0; i < shards; ++i) again.node().shard(i).on_user_gone(bob, true);
        Heard heard;
        heard.all(again);
        enter_alice(again);
        heard.all(again);
        if (end != End::removed) again.enter_phone();
        heard.all(again);
        using Status = documents::Imdn::Status;
        CHECK(heard.count(Status::stored) == 1);
        CHECK(heard.count(Status::failed) + heard.by_bob == 1);
        again.wait(10min);
        CHECK(again.is_quiet());
        CHECK(again.records() == 0);
        CHECK(again.records(/*of_outbox=*/true) == 0);
      }
    }
  }
}

TEST_CASE("a user who refuses a stored message makes it fail; a device that takes it does not") {
  Office office;
  enter_alice(office);
  CHECK(send_wrapped(office, "hi", "id1") == 202);
  told(office);
  office.enter_phone();
  const auto got = office.delivered();
  SUBCASE("603") {
    office.answer(got, 603);
    CHECK(told(office).status == documents::Imdn::Status::failed);
  }
  SUBCASE("200: whether it was delivered is the device's to say") { office.answer(got, 200); }
  CHECK(office.is_quiet());
}

TEST_CASE("notifications wait for a sender who is away, and make no further ones") {
  Office office;
  CHECK(send_wrapped(office, "hi", "id1", {"Expires: 60"}) == 202);
  office.wait(61s);
  CHECK(office.records() == 2);  // stored, failed
  enter_alice(office);
  CHECK(told(office).status == documents::Imdn::Status::stored);
  CHECK(told(office).status == documents::Imdn::Status::failed);
  CHECK(office.is_quiet());
  CHECK(office.records() == 0);
}

TEST_CASE("who asks for nothing is told nothing, and nothing is said of what its user deletes") {
  Office office;
  enter_alice(office);
  CHECK(office.send("plain", {"Expires: 60"}) == 202);
  CHECK(office.is_quiet());
  office.wait(61s);
  CHECK(office.is_quiet());
}

TEST_CASE(
    "a device that answers 415 to message/cpim gets the text alone, once more and from then on (RFC 3862)") {
  Office office;
  enter_alice(office);
  CHECK(send_wrapped(office, "one", "id1") == 202);
  CHECK(send_wrapped(office, "two", "id2") == 202);
  told(office);
  told(office);
  office.enter_phone();
  const auto first = office.delivered();
  CHECK(first.message.header(HeaderId::content_type) == "message/cpim");
  office.answer(first, 415);
  const auto again = office.delivered();
  CHECK(again.message.header(HeaderId::content_type) == "text/plain");
  CHECK(again.message.body() == "one");
  SUBCASE("it takes that") {
    office.answer(again, 200);
    const auto second = office.delivered();
    CHECK(second.message.header(HeaderId::content_type) == "text/plain");
    CHECK(second.message.body() == "two");
    office.answer(second, 200);
  }
  SUBCASE("nor does it take that: refused") {
    office.answer(again, 415);
    const auto second = office.delivered();
    CHECK(second.message.body() == "two");
    office.answer(second, 415);
  }
  CHECK(office.is_quiet());
}

TEST_CASE("after a 415 a notification is not sent again and again") {
  Office office;
  enter_alice(office);
  CHECK(send_wrapped(office, "one", "id1") == 202);
  const auto notification = office.delivered();
  office.answer(notification, 415);
  CHECK(office.is_quiet());
  enter_alice(office);
  office.wait(1h);
  CHECK(office.is_quiet());
}

namespace {

/// The Disposition-Notification that bob's program sends alice.
std::string displayed(const std::string& id) {
  documents::Imdn imdn;
  imdn.message_id = id;
  imdn.date_time = "2026-11-21T12:00:00Z";
  imdn.kind = documents::Imdn::Kind::display;
  imdn.status = documents::Imdn::Status::displayed;
  return documents::print(imdn);
}

int tell_displayed(Office& office, const std::string& id) {
  const Ask ask{.method = "MESSAGE",
                .uri = alice,
                .from = bob,
                .to = alice,
                .call_id = "told-" + id,
                .lines = {"Content-Type: message/imdn+xml"},
                .body = displayed(id)};
  return office.ask_as(udp(5080), ask, "bob").status();
}

const std::string phone = "00000000-0000-1000-8000-000000000001",
                  laptop = "00000000-0000-1000-8000-000000000002";

}  // namespace

TEST_CASE("a message that the user has read on one device is kept for no other, and waits no longer") {
  for (const unsigned shards : {1U, 3U}) {
    CAPTURE(shards);
    Office office(shards);
    CHECK(send_wrapped(office, "hi", "id1") == 202);
    CHECK(send_wrapped(office, "there", "id2") == 202);
    SUBCASE("a device had it") {
      office.enter_phone(phone);
      for (int i = 0; i < 2; ++i) office.answer(office.delivered(), 200);
      CHECK(tell_displayed(office, "id1") == 202);
      CHECK(office.is_quiet());
      office.enter_phone(laptop, 5081);
      CHECK(office.delivered().message.body().ends_with("there"));
    }
    SUBCASE("no device had it: it was read in the history") {
      const EntryPtr user = office.node().shard(office.node().owner(bucket_of(bob))).directory().get(bob);
      auto& archive = office.node().shard(office.node().owner(bucket_of(bob))).room<archive::Archive>();
      CHECK(office.room().boxes().inbox(*user)->fresh() == 2);
      const auto number = archive.page(*user, {}, 9).messages.front().number;
      archive.set_displayed(*user, {.number = number}, [](int) {});
      office.run();
      CHECK(office.room().boxes().inbox(*user)->fresh() == 1);
      office.enter_phone();
      CHECK(office.delivered().message.body().ends_with("there"));
    }
    SUBCASE("what others say of it, or of another message, changes nothing") {
      Ask ask = office.message(displayed("id1"));
      ask.lines[0] = "Content-Type: message/imdn+xml";
      office.ask_as(udp(5070), ask, "alice");
      CHECK(tell_displayed(office, "id3") == 202);
      office.run();
      CHECK(office.room()
                .boxes()
                .inbox(*office.node().shard(office.node().owner(bucket_of(bob))).directory().get(bob))
                ->fresh() == 2);
    }
  }
}

TEST_CASE("reading counts where nothing is archived, too") {
  Settings settings = World::default_settings();
  settings.archive.messages_per_user = 0;
  Office office(1, settings);
  CHECK(send_wrapped(office, "hi", "id1") == 202);
  CHECK(tell_displayed(office, "id1") == 202);
  office.enter_phone();
  CHECK(office.is_quiet());
}

TEST_CASE("receipts and missed calls take no room from messages, and the newest of each stay (DESIGN 7)") {
  Settings settings = World::default_settings();
  settings.messages.per_user = 1;
  settings.messages.notices_per_user = 2;
  Office office(1, settings);
  const auto receipt = [&](const std::string& id) {
    Ask ask = office.message(displayed(id));
    ask.lines[0] = "Content-Type: message/imdn+xml";
    return office.ask_as(udp(5070), ask, "alice").status();
  };
  for (const char* id : {"a", "b", "c"}) CHECK(receipt(id) == 202);
  for (const char* text : {"Missed call 1", "Missed call 2", "Missed call 3"})
    office.room().leave({.user = bob, .from = "sip:example.org", .body = text});
  office.wait(1ms);
  CHECK(office.send("first") == 202);
  CHECK(office.send("second") == 480);
  CHECK(receipt("d") == 202);
  CHECK(office.records() == 5);
  office.restart(1);
  office.room().leave({.user = bob, .from = "sip:example.org", .body = "Missed call 4"});
  office.wait(1ms);
  CHECK(office.records() == 5);
  office.enter_phone();
  std::string bodies;
  while (!office.is_quiet()) {
    const auto got = office.take();
    const std::string body(got.message.body());
    bodies += (body.starts_with("<") ? "receipt" : body) + ' ';
    office.answer(got, 200);
  }
  CHECK(bodies == "receipt Missed call 3 first receipt Missed call 4 ");
}

TEST_CASE("receipts reach a user who wants to be left alone: texts wait, and hold up no receipt") {
  Office office;
  office.room().ask_first([](Entry&, std::string_view) { return true; });
  office.enter_phone();
  CHECK(office.send("a text") == 202);
  CHECK(office.is_quiet());
  Ask receipt = office.message(displayed("id1"));
  receipt.lines[0] = "Content-Type: message/imdn+xml";
  CHECK(office.ask_as(udp(5070), receipt, "alice").status() == 202);
  const auto got = office.delivered();
  CHECK(got.message.body() == displayed("id1"));
  office.answer(got, 200);
  CHECK(office.is_quiet());
  CHECK(office.records() == 1);
}

TEST_CASE("a user who is left alone by others still gets what the own devices wrote") {
  Office office;
  office.room().ask_first([](Entry&, std::string_view sender) { return sender != bob; });
  CHECK(office.send("from alice") == 202);
  const Ask own{.method = "MESSAGE",
                .uri = bob,
                .from = bob,
                .to = bob,
                .call_id = "own",
                .lines = {"Content-Type: text/plain"},
                .body = "note to myself"};
  CHECK(office.ask_as(udp(5090), own, "bob").status() == 202);
  office.enter_phone();
  const auto got = office.delivered();
  CHECK(got.message.body() == "note to myself");
  office.answer(got, 200);
  CHECK(office.is_quiet());
  CHECK(office.records() == 1);
}
