#include "protocol/documents/imdn.hpp"
#include "tests/server/archive/town.hpp"
#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

/// alice writes to bob through the server; what each one's archive has of it.
struct Letters : Town {
  using Town::Town;

  std::string of(const std::string& user) {
    Shard& shard = node().shard(node().owner(bucket_of(user)));
    std::string all;
    for (const auto& each :
         shard.room<archive::Archive>().page(*shard.directory().get(user), {}, 50).messages)
      all += (all.empty() ? "" : ", ") + each.text + ' ' + to_string(each.state);
    return all;
  }
};

}  // namespace

TEST_CASE("a message that a device accepts is in both archives, and one that is refused in none") {
  for (const unsigned shards : {1U, 3U}) {
    CAPTURE(shards);
    Letters letters(shards);
    letters.enter_bob(2);
    auto got = letters.from_alice(hello);
    letters.answer(got, 200);
    CHECK(letters.of(alice) == "hi delivered");
    CHECK(letters.of(bob) == "hi delivered");
    Letters refused(shards);
    refused.enter_bob();
    got = refused.from_alice(hello);
    refused.answer(got, 603);
    CHECK(refused.take().message.status() == 603);
    CHECK(refused.of(alice).empty());
    CHECK(refused.of(bob).empty());
    Ask unknown = hello;
    unknown.uri = unknown.to = "sip:nobody@example.org";
    refused.from_alice(unknown);
    CHECK(refused.of(alice).empty());
  }
}

TEST_CASE("what a device or another server has taken for later (202) is stored, not delivered (RFC 3428 7)") {
  Letters letters;
  letters.enter_bob();
  letters.answer(letters.from_alice(hello), 202);
  CHECK(letters.of(alice) == "hi stored");
  CHECK(letters.of(bob) == "hi stored");
}

TEST_CASE("a message that is never stored for later is in both archives when a device has it") {
  for (const bool is_to_gruu : {false, true}) {
    CAPTURE(is_to_gruu);
    Letters letters(2);
    letters.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080", ";+sip.instance=\"<urn:uuid:1>\"");
    Ask request = hello;
    if (is_to_gruu)
      request.uri += ";gr=urn:uuid:1";
    else
      request.lines.push_back("Expires: 0");
    letters.answer(letters.from_alice(request), 200);
    CHECK(letters.of(alice) == "hi delivered");
    CHECK(letters.of(bob) == "hi delivered");
  }
}

TEST_CASE("what a user writes to another domain is in the user's archive") {
  Settings settings = Town::default_settings();
  settings.foreign = ForeignPolicy::forward;
  Letters letters(2, settings);
  Ask abroad = hello;
  abroad.uri = abroad.to = "sip:carol@198.51.100.1";
  letters.answer(letters.from_alice(abroad), 200);
  CHECK(letters.of(alice) == "hi delivered");
}

TEST_CASE("a stored message is in both archives as stored, then delivered, over a kill in between") {
  Letters letters(2);
  CHECK(letters.from_alice(hello).message.status() == 202);
  CHECK(letters.of(alice) == "hi stored");
  CHECK(letters.of(bob) == "hi stored");
  letters.restart(1);
  letters.enter_bob();
  letters.wait(1ms);
  letters.answer(letters.take(), 200);
  CHECK(letters.of(alice) == "hi delivered");
  CHECK(letters.of(bob) == "hi delivered");
}

TEST_CASE("a stored message that expires, or that the recipient refuses, has failed") {
  Letters letters;
  Ask short_lived = hello;
  short_lived.lines.push_back("Expires: 60");
  CHECK(letters.from_alice(short_lived).message.status() == 202);
  SUBCASE("it expires") { letters.wait(61s); }
  SUBCASE("it is refused") {
    letters.enter_bob();
    letters.wait(1ms);
    letters.answer(letters.take(), 603);
  }
  CHECK(letters.of(alice) == "hi failed");
  CHECK(letters.of(bob) == "hi failed");
}

TEST_CASE("what the server leaves a user is in that user's archive alone") {
  Letters letters;
  auto& shard = letters.node().shard(letters.node().owner(bucket_of(bob)));
  shard.room<message::Messages>().leave({.user = bob, .from = alice, .body = "alice has called"});
  letters.wait(1ms);
  CHECK(letters.of(bob) == "alice has called stored");
  CHECK(letters.of(alice).empty());
}

TEST_CASE("a receipt reaches the message whatever address its sender had used: a number, a temporary GRUU") {
  const std::string number = "sip:+4930123@example.org";
  for (const char* way : {"tel:+49-30-123", "sip:+49-30-123@example.org;user=phone", "temporary"}) {
    CAPTURE(way);
    Letters letters(2);
    letters.add_user("+4930123@example.org");
    const Ask enter{
        .from = number,
        .call_id = "reg",
        .lines = {"Contact: <sip:phone@192.0.2.9:5080>;+sip.instance=\"<urn:uuid:1>\"", "Supported: gruu"}};
    const auto registered = letters.ask_as(udp(5080), enter, "+4930123");
    REQUIRE(registered.status() == 200);
    Ask request = hello;
    request.uri = request.to = way;
    if (way == std::string("temporary")) {
      const std::string contact(registered.header(sip::HeaderId::contact));
      const auto begin = contact.find("temp-gruu=\"") + 11;
      request.uri = request.to = contact.substr(begin, contact.find('"', begin) - begin);
    }
    letters.answer(letters.from_alice(request), 200);
    letters.wait(1ms);
    while (!letters.wire.is_silent()) letters.take();
    CHECK(letters.of(alice) == "hi delivered");
    CHECK(letters.of(number) == "hi delivered");
    documents::Imdn imdn{.message_id = "m:2", .date_time = "2026-11-21T12:00:00Z"};
    imdn.kind = documents::Imdn::Kind::display;
    imdn.status = documents::Imdn::Status::displayed;
    const Ask told{.method = "MESSAGE",
                   .uri = alice,
                   .from = number,
                   .to = alice,
                   .call_id = "told",
                   .lines = {"Content-Type: message/imdn+xml"},
                   .body = documents::print(imdn)};
    CHECK(letters.ask_as(udp(5080), told, "+4930123").status() == 202);
    letters.run();
    CHECK(letters.of(alice) == "hi displayed");
    CHECK(letters.of(number) == "hi displayed");
  }
}
