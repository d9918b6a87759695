#include "server/archive/archive.hpp"

#include "tests/server/archive/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

using archive::Selection;

Settings settings_with(ArchiveLimits limits) {
  Settings settings = World::default_settings();
  settings.archive = limits;
  return settings;
}

std::size_t records(ArchiveTown& town, const std::string& user) {
  std::size_t count = 0;
  for (const auto& [key, value] : town.world.memory.records)
    if (std::get<0>(key) == user && std::get<1>(key) == store::Kind::archive) ++count;
  return count;
}

}  // namespace

TEST_CASE("a message is kept for its sender and its recipient, whatever shards own their buckets") {
  for (const unsigned shards : {1U, 3U}) {
    CAPTURE(shards);
    ArchiveTown town(World::default_settings(), shards);
    town.note(alice, bob, "hi");
    town.note(bob, alice, "yes?", MessageState::stored);
    CHECK(town.lines(alice) == Lines{"< hi (delivered)", "> yes? (stored)"});
    CHECK(town.lines(bob) == Lines{"> hi (delivered)", "< yes? (stored)"});
    const auto first = town.page(bob).messages.front();
    CHECK(first.with == alice);
    CHECK(first.id == "call-1:1");
    CHECK(first.content_type == "text/plain");
    CHECK(first.time == town.world.clock.at.wall);
    CHECK(town.lines(carol).empty());
  }
}

TEST_CASE("what users of other domains send and receive is kept for ours only") {
  ArchiveTown town;
  const std::string stranger = "sip:dave@example.net";
  town.note(alice, stranger, "out");
  town.archive_of(bob).note(town.request(stranger, bob, "in"), MessageState::delivered);
  town.world.run();
  CHECK(town.lines(alice) == Lines{"< out (delivered)"});
  CHECK(town.lines(bob) == Lines{"> in (delivered)"});
  CHECK(town.lines(stranger).empty());
}

TEST_CASE("a message comes further and never goes back; the same one again is not kept twice") {
  ArchiveTown town(World::default_settings(), 2);
  town.note(alice, bob, "hi", MessageState::stored);
  const auto id = town.id();
  town.mark(alice, bob, id, MessageState::delivered);
  CHECK(town.lines(alice) == Lines{"< hi (delivered)"});
  CHECK(town.lines(bob) == Lines{"> hi (delivered)"});
  town.mark(alice, bob, id, MessageState::displayed);
  town.mark(alice, bob, id, MessageState::failed);
  CHECK(town.lines(alice) == Lines{"< hi (displayed)"});
  const auto newest = town.archive_of(alice).newest(*town.entry(alice));
  town.mark(alice, bob, "another", MessageState::displayed);
  town.mark(carol, bob, id, MessageState::displayed);  // carol did not send it
  const auto again = town.request(alice, bob, "hi");
  for (int i = 0; i < 2; ++i) town.archive_of(bob).note(again, MessageState::delivered);
  town.world.run();
  CHECK(town.lines(bob) == Lines{"> hi (displayed)", "> hi (delivered)"});
  CHECK(town.archive_of(alice).newest(*town.entry(alice)) > newest);
}

TEST_CASE("a sender whose From is no address of a user is in the recipient's archive as who it is") {
  ArchiveTown town;
  auto request = town.request("tel:+49-30-123", bob, "hi");
  request.identity = {carol, true};
  town.archive_of(bob).note(request, MessageState::stored);
  town.world.run();
  REQUIRE(town.page(bob).messages.size() == 1);
  CHECK(town.page(bob).messages.front().with == carol);
  town.mark(carol, bob, town.id(), MessageState::displayed);
  CHECK(town.lines(bob) == Lines{"> hi (displayed)"});
}

TEST_CASE("each side's message comes further under the address that it was shown, an anonymous one too") {
  ArchiveTown town(World::default_settings(), 2);
  const std::string nobody = "sip:anonymous@anonymous.invalid";
  const auto request = town.request(nobody, bob, "guess who");
  const archive::Passage passage{bucket_of(bob), alice, bob, town.world.clock.at.wall};
  town.archive_of(bob).note(request.message, passage, MessageState::stored);
  town.archive_of(bob).mark(request.message, passage, MessageState::delivered);
  town.world.run();
  CHECK(town.lines(bob, {.with = nobody}) == Lines{"> guess who (delivered)"});
  CHECK(town.lines(alice, {.with = bob}) == Lines{"< guess who (delivered)"});
}

TEST_CASE("numbers rise by the clock, also where it stands still or goes back, and over a restart") {
  ArchiveTown town;
  town.note(alice, bob, "1");
  town.note(alice, bob, "2");
  town.world.clock.at.wall -= std::chrono::hours(5);
  town.note(alice, bob, "3");
  const auto before = town.page(alice).messages;
  REQUIRE(before.size() == 3);
  CHECK(before[0].number == static_cast<std::uint64_t>(before[0].time.time_since_epoch().count()));
  CHECK(before[1].number == before[0].number + 1);
  CHECK(before[2].number == before[1].number + 1);
  town.world.restart(1);
  town.note(alice, bob, "4");
  const auto after = town.page(alice).messages;
  REQUIRE(after.size() == 4);
  CHECK(std::vector(after.begin(), after.begin() + 3) == before);
  CHECK(after[3].number == before[2].number + 1);
}

TEST_CASE("kill -9: what the store has is there again, on any number of shards") {
  ArchiveTown town(World::default_settings(), 2);
  town.note(alice, bob, "hi");
  town.note(bob, alice, "oh", MessageState::displayed);
  const auto before = town.page(alice);
  town.world.restart(3);
  CHECK(town.page(alice) == before);
  CHECK(town.lines(bob) == Lines{"> hi (delivered)", "< oh (displayed)"});
  town.mark(alice, bob, "call-1:1", MessageState::displayed);
  CHECK(town.lines(alice).front() == "< hi (displayed)");
}

TEST_CASE("the relay of a message does not wait for the store, and a store that fails gets it later") {
  ArchiveTown town(World::default_settings(), 1, 50ms);
  town.world.memory.broken = store::Errc::io;
  town.note(alice, bob, "hi");
  CHECK(town.lines(bob) == Lines{"> hi (delivered)"});
  town.world.wait(1s);
  CHECK(records(town, bob) == 0);
  town.world.memory.broken = {};
  town.world.wait(5s);
  CHECK(records(town, bob) == 1);
}

TEST_CASE("a store that fails for long is owed no more than an archive keeps and what is stored of it") {
  ArchiveTown town(settings_with({.messages_per_user = 3}));
  for (const char* text : {"a", "b", "c"}) town.note(alice, bob, text);
  town.world.memory.broken = store::Errc::io;
  for (int i = 0; i < 50; ++i) {
    town.note(alice, bob, std::to_string(i));
    if (i % 10 == 0) town.world.wait(70s);
    CHECK(town.entry(bob)->owed() <= 7);  // three stored, three kept, and one that was on its way
  }
  town.world.wait(70s);
  CHECK(town.entry(bob)->owed() == 6);
  town.world.memory.broken = {};
  town.world.wait(70s);
  CHECK(town.entry(bob)->owed() == 0);
  CHECK(records(town, bob) == 3);
  town.world.restart(1);
  CHECK(town.lines(bob) == Lines{"> 47 (delivered)", "> 48 (delivered)", "> 49 (delivered)"});
}

TEST_CASE("what is erased is stored as erased before that is answered; nothing else goes") {
  ArchiveTown town(World::default_settings(), 1, 50ms);
  town.note(alice, bob, "1");
  town.note(alice, carol, "2");
  town.note(bob, alice, "3");
  town.world.wait(1s);
  const auto number = town.page(alice).messages.back().number;
  SUBCASE("those with one user") {
    CHECK(town.erase(alice, {.with = bob}) == 0);  // not answered yet
    CHECK(town.lines(alice).size() == 3);
    town.world.wait(50ms);
    CHECK(town.lines(alice) == Lines{"< 2 (delivered)"});
  }
  SUBCASE("one") {
    town.erase(alice, {.number = number});
    town.world.wait(50ms);
    CHECK(town.lines(alice) == Lines{"< 1 (delivered)", "< 2 (delivered)"});
  }
  SUBCASE("all") {
    town.erase(alice, {});
    town.world.wait(50ms);
    CHECK(town.lines(alice).empty());
    CHECK(records(town, alice) == 1);  // that it was erased
  }
  SUBCASE("the store refuses") {
    town.world.memory.broken = store::Errc::io;
    std::optional<int> status;
    town.archive_of(alice).erase(*town.entry(alice), {}, [&](int answer) { status = answer; });
    town.world.wait(50ms);
    CHECK(status == 500);
    CHECK(town.lines(alice).size() == 3);
    return;
  }
  const auto left = town.page(alice);
  town.world.restart(1);
  CHECK(town.page(alice) == left);
  CHECK(town.lines(bob).size() == 2);  // the other side keeps its own
}

TEST_CASE(
    "what a user has read is displayed: all, those with one user, up to one, or one; not what was sent") {
  ArchiveTown town;
  town.note(bob, alice, "1");
  town.note(carol, alice, "2");
  town.note(bob, alice, "3");
  town.note(alice, bob, "4");
  const auto messages = town.page(alice).messages;
  SUBCASE("with one user") {
    CHECK(town.read(alice, {.with = bob}) == 200);
    CHECK(town.lines(alice) ==
          Lines{"> 1 (displayed)", "> 2 (delivered)", "> 3 (displayed)", "< 4 (delivered)"});
  }
  SUBCASE("up to one") {
    CHECK(town.read(alice, {.with = bob, .before = messages[2].number}) == 200);
    CHECK(town.lines(alice)[0] == "> 1 (displayed)");
    CHECK(town.lines(alice)[2] == "> 3 (delivered)");
  }
  SUBCASE("one") {
    CHECK(town.read(alice, {.number = messages[1].number}) == 200);
    CHECK(town.lines(alice)[1] == "> 2 (displayed)");
    CHECK(town.lines(alice)[0] == "> 1 (delivered)");
  }
  SUBCASE("all, and once more changes nothing") {
    CHECK(town.read(alice, {}) == 200);
    const auto newest = town.archive_of(alice).newest(*town.entry(alice));
    CHECK(town.read(alice, {}) == 200);
    CHECK(town.archive_of(alice).newest(*town.entry(alice)) == newest);
    CHECK(town.lines(alice).back() == "< 4 (delivered)");
  }
  CHECK(town.lines(bob).front() == "< 1 (delivered)");  // the sender is told by a notification, or not at all
}

TEST_CASE("of each user the newest messages are kept, as many as the configuration says") {
  ArchiveTown town(settings_with({.messages_per_user = 3}));
  for (int i = 1; i <= 3; ++i) town.note(alice, bob, std::to_string(i));
  CHECK(town.lines(bob).size() == 3);
  town.note(alice, bob, "4");
  CHECK(town.lines(bob) == Lines{"> 2 (delivered)", "> 3 (delivered)", "> 4 (delivered)"});
  CHECK(records(town, bob) == 3);
  town.world.restart(1);
  CHECK(town.lines(bob).size() == 3);
}

TEST_CASE("0 messages a user: none is kept") {
  ArchiveTown town(settings_with({.messages_per_user = 0}));
  town.note(alice, bob, "hi");
  CHECK(town.lines(bob).empty());
  CHECK_FALSE(town.page(bob).is_kept);
}

TEST_CASE("messages are kept for so many days, in use or not") {
  ArchiveTown town(settings_with({.keep_days = 2}));
  town.note(alice, bob, "old");
  town.world.wait(std::chrono::hours(24));
  town.note(alice, bob, "new");
  town.world.wait(std::chrono::hours(24) - 1s);
  CHECK(town.lines(bob).size() == 2);
  town.world.wait(2s);
  CHECK(town.lines(bob) == Lines{"> new (delivered)"});
  town.world.restart(1);
  CHECK(town.lines(bob).size() == 1);
  town.world.wait(std::chrono::hours(25));
  CHECK(town.lines(bob).empty());
  CHECK(records(town, bob) == 0);
  CHECK(town.archive_of(bob).octets() == 0);
}

TEST_CASE(
    "past the memory of a shard the users without news lose their oldest messages, and the store with it") {
  ArchiveTown town(settings_with({.text_octets = 65536, .total_mib = 1}));
  const std::string text(40'000, 'x');
  for (int i = 0; i < 5; ++i) town.note(carol, carol, text);  // twice each: sent and received
  for (int i = 0; i < 20; ++i) {
    town.note(alice, bob, text);
    CHECK(town.archive_of(bob).octets() <= 1 << 20);
  }
  CHECK(town.lines(carol).empty());
  CHECK(records(town, carol) == 0);
  CHECK(records(town, alice) + records(town, bob) == 26);
}

TEST_CASE("a text is cut at its limit, between characters") {
  ArchiveTown town(settings_with({.text_octets = 6}));
  town.note(alice, bob, "123456");
  town.note(alice, bob, "1234567");
  town.note(alice, bob, "12345\xc3\xa4");
  const auto messages = town.page(bob).messages;
  REQUIRE(messages.size() == 3);
  CHECK(messages[0].text == "123456");
  CHECK_FALSE(messages[0].is_cut);
  CHECK(messages[1].text == "123456");
  CHECK(messages[1].is_cut);
  CHECK(messages[2].text == "12345");
}

TEST_CASE("a user who wants none kept keeps none, over a restart too, and what there is stays") {
  ArchiveTown town;
  town.note(alice, bob, "before");
  std::optional<int> status;
  town.archive_of(bob).set_kept(*town.entry(bob), false, [&](int answer) { status = answer; });
  town.world.run();
  CHECK(status == 200);
  town.world.restart(1);
  town.note(alice, bob, "after");
  CHECK(town.lines(bob) == Lines{"> before (delivered)"});
  CHECK_FALSE(town.page(bob).is_kept);
  CHECK(town.lines(alice).size() == 2);
  town.archive_of(bob).set_kept(*town.entry(bob), true, [&](int answer) { status = answer; });
  town.world.run();
  town.note(alice, bob, "again");
  CHECK(town.lines(bob).size() == 2);
}

TEST_CASE("a removed user leaves nothing, and a disabled one all; others keep what they have of the user") {
  ArchiveTown town;
  town.note(alice, bob, "hi");
  town.erase(bob, {.with = carol});
  town.world.node().each([&](Shard& shard) { shard.on_user_gone(bob, false); });
  town.world.wait(1s);
  CHECK(town.lines(bob).size() == 1);
  town.world.node().each([&](Shard& shard) { shard.on_user_gone(bob, true); });
  town.world.wait(1s);
  CHECK(town.lines(bob).empty());
  CHECK(records(town, bob) == 0);
  CHECK(town.lines(alice).size() == 1);
}

TEST_CASE("changes: what is new with its text, what is known without; so much at a time") {
  ArchiveTown town;
  auto& archive = town.archive_of(alice);
  const auto entry = town.entry(alice);
  town.note(bob, alice, "1");
  const auto first = archive.newest(*entry);
  CHECK(archive.changes(*entry, first, 1000).messages.empty());
  town.note(bob, alice, "2");
  town.mark(bob, alice, "call-1:1", MessageState::displayed);
  const auto changes = archive.changes(*entry, first, 100'000);
  CHECK(changes.from == first);
  CHECK(changes.to == archive.newest(*entry));
  CHECK(changes.is_complete);
  REQUIRE(changes.messages.size() == 2);
  CHECK(changes.messages[0].text == "2");
  CHECK(changes.messages[1].number == first);
  CHECK_FALSE(changes.messages[1].has_text);
  CHECK(changes.messages[1].state == MessageState::displayed);
  SUBCASE("one at a time at least") {
    const auto part = archive.changes(*entry, first, 1);
    CHECK(part.messages.size() == 1);
    CHECK_FALSE(part.is_complete);
    CHECK(archive.changes(*entry, part.to, 1).messages.front().number == first);
  }
  SUBCASE("erasures are told, unless too many came since: then all that is left") {
    const auto before = archive.newest(*entry);
    for (int i = 0; i < 16; ++i) {
      town.note(bob, alice, "x");
      town.erase(alice, {.number = archive.newest(*entry)});
    }
    CHECK(archive.changes(*entry, before, 1 << 20).erased.size() == 16);
    town.erase(alice, {.with = bob});
    CHECK(archive.changes(*entry, before, 1 << 20).from == 0);
    CHECK(archive.changes(*entry, archive.newest(*entry) - 1, 1 << 20).erased.front().with == bob);
    town.world.restart(1);
    CHECK(town.archive_of(alice).changes(*town.entry(alice), before, 1 << 20).from == 0);
  }
  SUBCASE("whoever knows more than there is has known another archive") {
    CHECK(archive.changes(*entry, changes.to + 1, 1 << 20).from == 0);
  }
}

TEST_CASE(
    "a page has the newest of those selected, the oldest first, and says whether there are older ones") {
  ArchiveTown town;
  for (int i = 1; i <= 5; ++i) {
    town.note(i % 2 == 0 ? bob : carol, alice, std::to_string(i));
    town.world.wait(1s);
  }
  const auto all = town.page(alice);
  CHECK(all.is_complete);
  CHECK(all.messages.size() == 5);
  const auto newest = town.page(alice, {}, 2);
  CHECK_FALSE(newest.is_complete);
  CHECK(newest.messages.front().text == "4");
  const auto older = town.page(alice, {.before = newest.messages.front().number}, 3);
  CHECK(older.is_complete);
  CHECK(older.messages.size() == 3);
  CHECK(town.lines(alice, {.with = bob}) == Lines{"> 2 (delivered)", "> 4 (delivered)"});
  CHECK(town.lines(alice, {.since = all.messages[3].time}).size() == 2);
}

TEST_CASE("a record that cannot be read is skipped") {
  ArchiveTown town;
  town.note(alice, bob, "hi");
  town.world.memory.records[{bob, store::Kind::archive, "17"}] = "1";
  town.world.memory.records[{carol, store::Kind::archive, "head"}] = "";
  town.world.restart(1);
  CHECK(town.lines(bob) == Lines{"> hi (delivered)"});
  CHECK(town.page(carol).is_kept);
}

TEST_CASE("archives past a bound that was lowered make room when the server starts, in slices") {
  ArchiveTown town(settings_with({.messages_per_user = 500, .text_octets = 8192, .total_mib = 8}));
  for (int i = 0; i < 400; ++i) town.note(alice, bob, std::string(8000, 'x'));
  CHECK(town.archive_of(bob).octets() > std::size_t{6} << 20U);
  town.world.configure(settings_with({.total_mib = 1}));
  town.world.restart(1);
  const std::size_t most = std::size_t{1} << 20U;
  CHECK(town.archive_of(bob).octets() > most);
  town.world.wait(1s);
  CHECK(town.archive_of(bob).octets() <= most);
  CHECK(town.archive_of(bob).octets() > most / 2);
}

TEST_CASE("notes that wait while the store writes are bounded for each user; what is lost is lost once") {
  ArchiveTown town;
  town.world.memory.hangs = bob;
  town.archive_of(bob).set_kept(*town.entry(bob), false, [](int) {});
  town.archive_of(bob).set_kept(*town.entry(bob), true, [](int) {});
  for (int i = 0; i < 250; ++i) town.note(alice, bob, std::to_string(i));
  CHECK(town.page(alice, {}, 999).messages.size() == 250);  // hers do not wait
  town.world.memory.hangs.clear();
  town.world.wait(1s);
  // Nothing was kept while the archive was off.
  CHECK(town.lines(bob).empty());
  town.world.memory.hangs = bob;
  town.archive_of(bob).set_displayed(*town.entry(bob), {}, [](int) {});
  town.note(carol, bob, "kept");
  town.world.memory.hangs.clear();
  town.world.wait(1s);
  CHECK(town.lines(bob) == Lines{"> kept (delivered)"});
  town.world.memory.hangs = bob;
  town.archive_of(bob).erase(*town.entry(bob), {}, [](int) {});
  for (int i = 0; i < 250; ++i) town.note(alice, bob, std::to_string(i));
  town.mark(carol, bob, town.id(), MessageState::displayed);
  town.world.memory.hangs.clear();
  town.world.wait(1s);
  const auto kept = town.page(bob, {}, 999).messages;
  REQUIRE(kept.size() == 200);
  CHECK(kept.front().text == "0");
  CHECK(kept.back().text == "199");
  town.note(alice, bob, "calm again");
  CHECK(town.page(bob, {}, 999).messages.back().text == "calm again");
}

TEST_CASE("what a user asks for while it is being removed is answered 404 and not done") {
  ArchiveTown town(World::default_settings(), 1, 100ms);
  town.note(alice, bob, "hi");
  town.world.wait(1s);
  std::vector<int> answers;
  const auto answered = [&answers](int status) { answers.push_back(status); };
  town.archive_of(bob).set_kept(*town.entry(bob), false, answered);
  town.archive_of(bob).erase(*town.entry(bob), {}, answered);
  town.shard_of(bob).on_user_gone(bob, true);
  CHECK(answers == std::vector<int>{404});
  town.world.wait(1s);
  CHECK(answers == std::vector<int>{404, 200});
  CHECK(records(town, bob) == 0);
}
