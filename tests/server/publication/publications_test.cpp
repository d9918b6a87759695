#include "server/publication/publications.hpp"

#include "tests/server/packages/stage.hpp"
#include "tests/server/publication/counter.hpp"
#include "tests/support/log_lines.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

using Lines = std::vector<std::string>;
using Changes = std::vector<unsigned>;

struct Play {
  explicit Play(Settings settings = Stage::default_settings())
      : stage(std::move(settings),
              [this](Stage& made, subscription::Packages&) { counter.join(*made.publications); }) {}

  /// PUBLISH of alice; waits for the store.
  sip::Message publish(const std::string& body, const std::string& if_match = {}, Lines lines = {},
                       const Hop& from = udp(5080)) {
    return stage.answer(send(body, if_match, std::move(lines), from));
  }
  std::uint64_t send(const std::string& body, const std::string& if_match = {}, Lines lines = {},
                     const Hop& from = udp(5080), bool settle = true) {
    Device device(stage, alice, from);
    lines.push_back("Event: counter");
    if (!body.empty()) lines.push_back("Content-Type: text/plain");
    if (!if_match.empty()) lines.push_back("SIP-If-Match: " + if_match);
    return device.send("PUBLISH", alice, lines, body, settle);
  }
  static std::string etag_of(const sip::Message& answer) {
    return std::string(answer.header(HeaderId::sip_etag));
  }
  unsigned sum() {
    const auto entry = stage.directory().find(alice);
    return entry ? counter.sum(*entry) : 0;
  }
  std::size_t stored() const {
    return static_cast<std::size_t>(std::ranges::count_if(stage.memory.records, [](const auto& record) {
      return std::get<store::Kind>(record.first) == store::Kind::publication;
    }));
  }

  Counter counter;
  Stage stage;
};

}  // namespace

TEST_CASE("a package is one file and one line: its publications live, change and end (RFC 3903 4, 6)") {
  Play play;
  const auto made = play.publish("3");
  CHECK(made.status() == 200);
  CHECK(made.expires() == 3600);
  CHECK_FALSE(made.has(HeaderId::supported));
  CHECK(play.counter.changes == Changes{3});
  const auto other = play.publish("4", {}, {}, udp(5081));
  CHECK(play.counter.changes == Changes{3, 7});

  const auto changed = play.publish("5", Play::etag_of(made));
  CHECK(changed.status() == 200);
  CHECK(Play::etag_of(changed) != Play::etag_of(made));
  CHECK(play.counter.changes == Changes{3, 7, 9});
  const auto refreshed = play.publish("", Play::etag_of(changed));
  CHECK(refreshed.status() == 200);
  CHECK(play.counter.changes.size() == 3);
  CHECK(play.publish("", Play::etag_of(changed)).status() == 412);
  CHECK(play.publish("", Play::etag_of(other), {"Expires: 0"}).status() == 200);
  CHECK(play.counter.changes == Changes{3, 7, 9, 5});
  CHECK(play.stored() == 1);
  CHECK(play.publish("", Play::etag_of(refreshed), {"Expires: 0"}).status() == 200);
  CHECK(play.sum() == 0);
  CHECK(play.stored() == 0);
  CHECK(play.stage.directory().size() == 0);  // nothing is left of alice
}

TEST_CASE("refusals: 400, 403, 404, 412, 415, 423 (RFC 3903 6)") {
  Play play;
  CHECK(play.publish("").status() == 400);
  CHECK(play.publish("many").status() == 400);
  CHECK(play.publish("many").reason() == "Not A Number");
  const auto brief = play.publish("1", {}, {"Expires: 1"});
  CHECK(brief.status() == 423);
  CHECK(brief.header(HeaderId::min_expires) == "60");
  const auto wrong =
      play.stage.answer(Device(play.stage, alice, udp(5080))
                            .send("PUBLISH", alice, {"Event: counter", "Content-Type: text/html"}, "1"));
  CHECK(wrong.status() == 415);
  CHECK(wrong.header(HeaderId::accept) == "text/plain");
  const auto by_bob =
      play.stage.answer(Device(play.stage, bob, udp(5080))
                            .send("PUBLISH", alice, {"Event: counter", "Content-Type: text/plain"}, "1"));
  CHECK(by_bob.status() == 403);
  const auto elsewhere = play.stage.answer(
      Device(play.stage, alice, udp(5080))
          .send("PUBLISH", "sip:alice@example.net", {"Event: counter", "Content-Type: text/plain"}, "1"));
  CHECK(elsewhere.status() == 404);
  const std::string etag = Play::etag_of(play.publish("1"));
  for (const std::string& unknown : {std::string("nobody"), etag + "0", "x" + etag, etag.substr(1)})
    CHECK(play.publish("2", unknown).status() == 412);
  CHECK(play.counter.changes == Changes{1});
}

TEST_CASE("packages are separate: the entity-tag of one is unknown to the other") {
  Play play;
  Device laptop(play.stage, alice, udp(5080));
  laptop.publish(pidf("here"));
  REQUIRE_FALSE(laptop.etag.empty());
  CHECK(play.publish("1", laptop.etag).status() == 412);
  CHECK(play.publish("1").status() == 200);
  CHECK(laptop.publish(pidf("away")).status() == 200);
  CHECK(play.counter.changes == Changes{1});
}

TEST_CASE("a publication ends with its lifetime, and its record too") {
  Play play;
  play.publish("3", {}, {"Expires: 60"});
  const std::string etag = Play::etag_of(play.publish("4", {}, {"Expires: 100"}));
  play.stage.wait(59s);
  CHECK(play.sum() == 7);
  play.stage.wait(2s);
  CHECK(play.counter.changes == Changes{3, 7, 4});
  CHECK(play.stored() == 1);
  play.publish("", etag, {"Expires: 600"});
  play.stage.wait(500s);
  CHECK(play.sum() == 4);
  play.stage.wait(101s);
  CHECK(play.counter.changes.back() == 0);
  CHECK(play.stored() == 0);
  CHECK(play.stage.directory().size() == 0);
}

TEST_CASE("a PUBLISH is announced when the store has it, and not when it fails (DESIGN 1.4)") {
  Play play;
  const std::string etag = Play::etag_of(play.publish("1"));
  SUBCASE("not yet") {
    const auto id = play.send("2", etag, {}, udp(5080), false);
    CHECK(play.counter.changes == Changes{1});
    CHECK_FALSE(play.stage.is_answered(id));
    play.stage.settle();
    CHECK(play.stage.answer(id).status() == 200);
    CHECK(play.counter.changes == Changes{1, 2});
  }
  SUBCASE("never") {
    play.stage.memory.broken = store::Errc::io;
    CHECK(play.publish("2", etag).status() == 500);
    CHECK(play.counter.changes == Changes{1});
    play.stage.memory.broken = {};
    CHECK(play.publish("3", etag).status() == 200);
  }
  SUBCASE("one at a time: the second of two with one entity-tag comes too late (RFC 3903 6 step 4)") {
    const auto first = play.send("2", etag, {}, udp(5080), false);
    const auto second = play.send("3", etag, {}, udp(5080), false);
    play.stage.settle();
    CHECK(play.stage.answer(first).status() == 200);
    CHECK(play.stage.answer(second).status() == 412);
    CHECK(play.sum() == 2);
  }
}

TEST_CASE(
    "limits: the oldest publication gives way; past the sum of elements 403 with a Warning (DESIGN 7)") {
  auto settings = Stage::default_settings();
  settings.publications_per_aor = 2;
  Play play(settings);
  play.counter.limit = 10;
  play.publish("1");
  const std::string etag = Play::etag_of(play.publish("2"));
  play.publish("4");
  CHECK(play.counter.changes == Changes{1, 3, 6});
  CHECK(play.stored() == 2);
  for (const char* body : {"9", "11"}) {
    const auto refused = play.publish(body);
    CHECK(refused.status() == 403);
    CHECK(refused.header(HeaderId::warning) ==
          "399 example.org \"more than 10 elements published by all devices together\"");
  }
  CHECK(play.publish("6", etag).status() == 200);
  CHECK(play.sum() == 10);
}

TEST_CASE("after a restart it is still the device silent for longest that gives way") {
  auto settings = Stage::default_settings();
  settings.publications_per_aor = 2;
  Play play(settings);
  const std::string first = Play::etag_of(play.publish("1"));
  play.stage.wait(10s);
  play.publish("2");
  play.stage.wait(10s);
  play.publish("", first);
  play.stage.restart();
  play.stage.wait(10s);
  play.publish("4");
  CHECK(play.sum() == 1 + 4);
}

TEST_CASE("after a restart the publication is there under its entity-tag") {
  Play play;
  const std::string etag = Play::etag_of(play.publish("5", {}, {"Expires: 600"}));
  play.stage.restart();
  CHECK(play.sum() == 5);
  CHECK(play.publish("", etag).status() == 200);
  play.stage.restart();
  play.stage.wait(599s);
  CHECK(play.sum() == 5);
}

TEST_CASE("the part that lived on the connection is requested again after a restart (DIRECT_SESSIONS 3.3)") {
  Play play;
  const std::string etag = Play::etag_of(play.publish("live 5", {}, {}, tls(7)));
  REQUIRE_FALSE(etag.empty());
  play.stage.restart();
  CHECK(play.sum() == 5);
  CHECK(play.publish("", etag, {}, tls(8)).status() == 412);
}

TEST_CASE("a stored publication past the limit is dropped at the start, and its record with it (DESIGN 7)") {
  Play play;
  play.publish("5");
  play.publish("7");
  play.counter.limit = 10;
  play.stage.restart();
  play.stage.settle();
  CHECK((play.sum() == 5 || play.sum() == 7));
  CHECK(play.stored() == 1);
}

TEST_CASE("records that cannot be read are skipped and stay in the store") {
  Play play;
  play.publish("5");
  const auto put = [&](const std::string& key, const std::string& value) {
    play.stage.memory.records[{alice, store::Kind::publication, key}] = value;
  };
  put("other 1", "");
  put("other 2", "");
  put("counter x", "");
  put("counter -x", "");
  put("counter 9", std::string("\1\1\1", 3));
  play.stage.restart();
  play.stage.settle();
  CHECK(play.sum() == 5);
  CHECK(play.stored() == 6);
  const std::string log = beckon::test::lines_of([&] { play.stage.directory().report_skipped(); });
  CHECK(std::ranges::count(log, '\n') == 2);
  CHECK(log.find("2 stored records of kind publication are of event package other") != std::string::npos);
  CHECK(log.find("3 stored records of kind publication cannot be read") != std::string::npos);
}

namespace {

/// A store that another node writes, too.
struct Shared : Play {
  explicit Shared(Settings settings = Stage::default_settings()) : Play(std::move(settings)) {
    stage.memory.is_shared = true;
  }
  /// The other node publishes `number` under `key` and `etag`; an empty text takes it back.
  void write(const std::string& key, std::uint64_t etag, const std::string& number,
             std::chrono::seconds expires = 600s) {
    store::RecordWriter writer;
    writer.number(etag).number(0).lifetime(expires, stage.clock_.at.mono + expires, stage.memory.scale);
    writer.flag(false).text(number);
    const store::Memory::RecordKey where{alice, store::Kind::publication, "counter " + key};
    if (number.empty())
      stage.memory.records.erase(where);
    else
      stage.memory.records[where] = std::move(writer).finish();
    stage.memory.versions[alice] = ++stage.memory.version;
  }
};

}  // namespace

TEST_CASE(
    "what another node published is taken over before a PUBLISH is applied, and announced (DESIGN 1.5)") {
  Shared play;
  const std::string etag = Play::etag_of(play.publish("1"));
  SUBCASE("a publication more") {
    play.write("2", 77, "10");
    CHECK(play.publish("2", etag).status() == 200);
    CHECK(play.counter.changes == Changes{1, 11, 12});
    CHECK(play.stored() == 2);
    SUBCASE("lives as long as it was granted") {
      play.stage.wait(599s);
      CHECK(play.sum() == 12);
      play.stage.wait(2s);
      CHECK(play.counter.changes.back() == 2);
      CHECK(play.stored() == 1);
    }
    SUBCASE("is known by its entity-tag") {
      const std::string other = etag.substr(0, etag.find('.') + 1) + "000000000000004d";
      CHECK(play.publish("20", other).status() == 200);
      CHECK(play.sum() == 22);
    }
  }
  SUBCASE("a change of ours") {
    play.write("1", 77, "10");
    CHECK(play.publish("2", etag).status() == 412);
    CHECK(play.counter.changes == Changes{1, 10});
  }
  SUBCASE("the end of ours") {
    play.write("1", 0, "");
    CHECK(play.publish("2", etag).status() == 412);
    CHECK(play.counter.changes == Changes{1, 0});
    CHECK(play.publish("3").status() == 200);
    CHECK(play.counter.changes.back() == 3);
  }
  SUBCASE("the end of ours, when ours is taken back") {
    play.write("1", 0, "");
    CHECK(play.publish("", etag, {"Expires: 0"}).status() == 412);
    CHECK(play.sum() == 0);
    CHECK(play.stage.directory().size() == 0);
  }
}

TEST_CASE("a lifetime that ends here while another node writes ends once, and takes nothing of the other's") {
  Shared play;
  play.publish("1", {}, {"Expires: 60"});
  play.write("2", 77, "10");
  play.stage.wait(61s);
  play.stage.settle();
  CHECK(play.sum() == 10);
  CHECK(play.stored() == 1);
  CHECK(play.counter.changes.back() == 10);
}

TEST_CASE("what another node published past the limit is dropped when it is taken over (DESIGN 7)") {
  Shared play;
  play.counter.limit = 20;
  const std::string etag = Play::etag_of(play.publish("5"));
  play.write("2", 77, "19");
  CHECK(play.publish("", etag).status() == 200);
  play.stage.settle();
  CHECK(play.sum() == 5);
  CHECK(play.stored() == 1);
}

TEST_CASE("a SUBSCRIBE to the presentity is no conflict for its PUBLISHes: its record is this node's alone") {
  Shared play;
  const std::string etag = Play::etag_of(play.publish("live 3", {}, {}, tls(7)));
  Device watcher(play.stage, alice, udp(5090));
  watcher.subscribe(alice, "presence.winfo");
  watcher.refresh(600);
  play.stage.drain();
  CHECK(play.publish("", etag, {}, tls(7)).status() == 200);
  play.stage.publications->each(
      *play.stage.directory().find(alice), play.counter,
      [&](const event::Publication& publication, auto&) { CHECK_FALSE(publication.incomplete); });
  CHECK(play.counter.changes == Changes{3});
}

TEST_CASE("a connection that closed while the PUBLISH was stored takes with it what lived on it") {
  Play play;
  std::uint64_t id = 0;
  SUBCASE("during the commit") {
    id = play.send("live 3", {}, {}, tls(7), false);
    play.stage.close_flow(7);
  }
  SUBCASE("before its turn came") {
    play.send("1", {}, {}, udp(5080), false);
    id = play.send("live 3", {}, {}, tls(7), false);
    play.stage.close_flow(7);
  }
  SUBCASE("before the request was handed over") {
    play.stage.close_flow(7);
    id = play.send("live 3", {}, {}, tls(7), false);
  }
  SUBCASE("afterwards") {
    id = play.send("live 3", {}, {}, tls(7));
    play.stage.close_flow(7);
  }
  SUBCASE("while a refresh moved it there") {
    const std::string etag = Play::etag_of(play.publish("live 3", {}, {}, tls(6)));
    id = play.send("", etag, {}, tls(7), false);
    play.stage.close_flow(7);
  }
  play.stage.settle();
  REQUIRE(play.stage.answer(id).status() == 200);
  const auto entry = play.stage.directory().find(alice);
  REQUIRE(entry);
  bool any = false;
  play.stage.publications->each(*entry, play.counter,
                                [&](const event::Publication& publication, auto& state) {
                                  any = any || state.flow() != 0;
                                  CHECK((publication.incomplete || publication.size == 1));
                                });
  CHECK_FALSE(any);
  CHECK(play.publish("", Play::etag_of(play.stage.answer(id)), {}, tls(8)).status() == 412);
}

TEST_CASE("what many presentities have on a trunk ends in slices when it closes") {
  constexpr std::size_t count = 300;
  Play play;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string user = "sip:u" + std::to_string(i) + "@example.org";
    Device(play.stage, user, tls(7))
        .send("PUBLISH", user, {"Event: counter", "Content-Type: text/plain"}, "live 1");
  }
  const auto incomplete = [&] {
    std::size_t found = 0;
    play.stage.publications->each_presentity([&](Entry& entry) {
      play.stage.publications->each(entry, play.counter,
                                    [&](const event::Publication& each, auto&) { found += each.incomplete; });
    });
    return found;
  };
  CHECK(incomplete() == 0);
  play.stage.directory().on_flow_closed(7, play.stage.clock_.at);
  play.stage.publications->on_flow_closed(7, play.stage.clock_.at);
  CHECK(incomplete() == Slice::visits_max);
  play.stage.wait(1us);
  CHECK(incomplete() == 2 * Slice::visits_max);
  play.stage.wait(1s);
  CHECK(incomplete() == count);
}

TEST_CASE("a refresh over a new connection keeps what lived on the old one") {
  Play play;
  const std::string etag = Play::etag_of(play.publish("live 3", {}, {}, tls(7)));
  SUBCASE("that closed before") {
    const auto id = play.send("", etag, {}, tls(8), false);
    play.stage.close_flow(7);
    REQUIRE(play.stage.answer(id).status() == 200);
  }
  SUBCASE("that closes after") {
    REQUIRE(play.publish("", etag, {}, tls(8)).status() == 200);
    play.stage.close_flow(7);
  }
  play.stage.publications->each(*play.stage.directory().find(alice), play.counter,
                                [&](const event::Publication& publication, auto& state) {
                                  CHECK(state.flow() == 8);
                                  CHECK_FALSE(publication.incomplete);
                                });
}

TEST_CASE("a PUBLISH that waits while its user is removed is answered 404 and never stored") {
  Play play;
  const auto written = play.send("3", {}, {}, udp(5080), /*settle=*/false);
  const auto waits = play.send("4", {}, {}, udp(5081), /*settle=*/false);
  play.stage.entry(alice)->refuse_waiting(store::Errc::user_gone);
  CHECK(play.stage.answer(waits).status() == 404);
  play.stage.settle();
  CHECK(play.stage.answer(written).status() == 200);
  CHECK(play.counter.changes == Changes{3});
  CHECK(play.stored() == 1);
  play.stage.end_user(alice, /*removed=*/true);
  CHECK(play.stored() == 0);
}
