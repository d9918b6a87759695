#include "protocol/documents/direct.hpp"

#include "protocol/crypto/crypto.hpp"
#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

const std::string key_text = "Cmc3Z4rRrJ3V2aW9SObRq2B3aZU4gzcE4k+at9v/Dh8=";
const std::string secret_text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const std::string other_secret = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

crypto::Key32 key_of(const std::string& text) {
  crypto::Key32 key{};
  const auto octets = from_base64(text).value();
  std::copy(octets.begin(), octets.end(), key.begin());
  return key;
}

std::string direct(const std::string& mode = "auto", const std::string& epoch = "3f9a11c2",
                   const std::string& secret = secret_text, const std::string& version = "1") {
  return "<d:direct xmlns:d=\"urn:beckon:params:xml:ns:direct:1\" v=\"" + version + "\" mode=\"" + mode +
         "\" profile=\"sealed\" epoch=\"" + epoch +
         "\"><d:media kind=\"audio\"><d:codec pt=\"111\" name=\"opus\" clock=\"48000\" ch=\"2\"/></d:media>"
         "<d:cand type=\"host\" prio=\"1\" ip=\"192.0.2.10\" port=\"40000\"/><d:key>" +
         key_text + "</d:key><d:secret>" + secret + "</d:secret></d:direct>";
}

const std::vector<std::string> required{"Require: beckon-direct"};

documents::Direct direct_in(const Notified& notified) {
  const auto presence = notified.presence();
  REQUIRE(presence.tuples.size() == 1);
  auto found = documents::find_direct(presence.tuples[0]);
  REQUIRE(found.has_value());
  return *found;
}

bool has_direct(const Notified& notified) {
  return notified.message.body().find("beckon:params:xml:ns:direct") != std::string_view::npos;
}

/// Everything that a stolen store shows.
std::string all_records(const Stage& stage) {
  std::string text;
  for (const auto& [key, value] : stage.memory.records) text += value;
  for (const auto& [request, answer] : stage.memory.answers) text += answer.response;
  return text;
}

/// alice on a laptop with TLS flow 10; bob watches over TLS flow 5 and may call directly.
struct Couple {
  explicit Couple(const std::string& permitted = "auto") {
    REQUIRE(stage.put_rules(rule_for(bob, "allow", permitted)) == 201);
    laptop.register_(3600, "urn:uuid:laptop");
    watcher.subscribe(alice);
    stage.take();
  }
  Stage stage;
  Device laptop{stage, alice, tls(10)};
  Device watcher{stage, bob, tls(5)};
};

}  // namespace

TEST_CASE(
    "a permitted watcher over TLS gets <direct> with its own grant, never the secret (DIRECT_SESSIONS 3.5, "
    "3.6)") {
  Couple couple;
  const auto answer = couple.laptop.publish(pidf("here", "laptop", direct()), required);
  CHECK(answer.status() == 200);
  CHECK(answer.lists(HeaderId::supported, "beckon-direct"));
  CHECK_FALSE(answer.has(HeaderId::warning));
  const Notified told = couple.stage.take();
  const auto seen = direct_in(told);
  CHECK(seen.mode == ds1::Mode::automatic);
  CHECK(seen.key == key_of(key_text));
  CHECK_FALSE(seen.secret.has_value());
  CHECK(told.message.body().find(secret_text) == std::string_view::npos);
  REQUIRE(seen.grant.has_value());
  const auto permission = ds1::open_ticket(key_of(secret_text), seen.epoch, seen.grant->ticket);
  REQUIRE(permission.has_value());
  CHECK(permission->aor == bob);
  CHECK(permission->mode == ds1::Mode::automatic);
  CHECK(ds1::ticket_psk(key_of(secret_text), seen.grant->ticket) == seen.grant->psk);
  // The grant is the last child, before the end tag.
  const std::string_view body = told.message.body();
  const auto end = body.find("grant></d:direct>");
  CHECK(end != std::string_view::npos);
}

TEST_CASE("a grant stays the same for the epoch and is new with the next one (DIRECT_SESSIONS 3.6)") {
  Couple couple;
  couple.laptop.publish(pidf("here", "laptop", direct()), required);
  const auto first = direct_in(couple.stage.take());
  couple.watcher.refresh(3600);
  CHECK(direct_in(couple.stage.take()).grant->ticket == first.grant->ticket);
  couple.laptop.publish(pidf("away", "laptop", direct()), required);
  CHECK(direct_in(couple.stage.take()).grant->ticket == first.grant->ticket);
  couple.laptop.publish(pidf("away", "laptop", direct("auto", "aabbccdd", other_secret)), required);
  const auto next = direct_in(couple.stage.take());
  CHECK(next.grant->ticket != first.grant->ticket);
  CHECK(ds1::open_ticket(key_of(other_secret), next.epoch, next.grant->ticket).has_value());
  CHECK_FALSE(ds1::open_ticket(key_of(secret_text), next.epoch, next.grant->ticket).has_value());
}

TEST_CASE("what a watcher may do is the lesser of published mode and rule (DIRECT_SESSIONS 3.4, 3.5)") {
  struct {
    const char* published;
    const char* permitted;
    const char* shown;  // empty: no <direct>
  } const rows[] = {{"auto", "auto", "auto"}, {"auto", "ask", "ask"}, {"ask", "auto", "ask"},
                    {"auto", "off", ""},      {"auto", "", ""},       {"off", "auto", ""}};
  for (const auto& row : rows) {
    CAPTURE(row.published);
    CAPTURE(row.permitted);
    Couple couple(row.permitted);
    couple.laptop.publish(pidf("here", "laptop", direct(row.published)), required);
    const Notified told = couple.stage.take();
    CHECK(has_direct(told) == (*row.shown != '\0'));
    if (*row.shown == '\0') continue;
    const auto seen = direct_in(told);
    CHECK(std::string(ds1::to_string(seen.mode)) == row.shown);
    CHECK(ds1::open_ticket(key_of(secret_text), seen.epoch, seen.grant->ticket)->mode == seen.mode);
  }
}

TEST_CASE(
    "a watcher that is not reached over TLS, not permitted or not active gets no <direct> (DIRECT_SESSIONS "
    "3.4, 3.5)") {
  Couple couple;
  Device open_hop(couple.stage, bob, udp(5071)), stranger(couple.stage, carol, tls(6));
  open_hop.subscribe(alice);
  couple.stage.take();
  stranger.subscribe(alice);
  couple.stage.take();
  couple.laptop.publish(pidf("here", "laptop", direct()), required);
  REQUIRE(couple.stage.notifies.size() == 2);  // carol is pending
  CHECK(has_direct(couple.stage.take()));
  const Notified unsafe = couple.stage.take();
  CHECK(unsafe.to.protocol == Protocol::udp);
  CHECK_FALSE(has_direct(unsafe));
  couple.stage.put_rules(rule_for(bob, "polite-block", "auto"));
  while (!couple.stage.notifies.empty()) CHECK_FALSE(has_direct(couple.stage.take()));
}

TEST_CASE("hard state offers no direct session: no device stands behind it") {
  struct Shelf final : presence::HardState {
    const presence::Document* hard_state(const Entry&) const override {
      return static_cast<const presence::Document*>(reading.state.get());
    }
    publication::Reading reading =
        presence::read_document(pidf("on vacation", "hard", direct()),
                                {.secure = true, .requires_direct = true, .flow = 10}, 100, false);
  };
  Shelf shelf;
  Stage stage;
  REQUIRE(static_cast<const presence::Document*>(shelf.reading.state.get())->offers().size() == 1);
  REQUIRE(stage.put_rules(rule_for(bob, "allow", "auto")) == 201);
  stage.presentities->set_hard_state(shelf);
  Device watcher(stage, bob, tls(5));
  watcher.subscribe(alice);
  const Notified seen = stage.take();
  CHECK(seen.basic() == "open");
  CHECK_FALSE(has_direct(seen));
}

TEST_CASE("a secret that came over a hop without TLS is 403 (DIRECT_SESSIONS 3.1)") {
  Stage stage;
  Device laptop(stage, alice, udp(5080));
  CHECK(laptop.publish(pidf("here", "laptop", direct()), required).status() == 403);
  CHECK(laptop.publish(pidf("here", "laptop", direct("auto", "3f9a11c2", secret_text, "2")), required)
            .status() == 403);
  CHECK(laptop.publish(pidf("here"), required).status() == 200);
}

TEST_CASE(
    "a fault in <direct> costs the <direct> and nothing else; a Warning says why (DIRECT_SESSIONS 3.2)") {
  struct {
    const char* what;
    std::string element;
    std::vector<std::string> lines;
  } const rows[] = {
      {"no Require", direct(), {}},
      {"version 2", direct("auto", "3f9a11c2", secret_text, "2"), required},
      {"short secret", direct("auto", "3f9a11c2", "AAEC"), required},
      {"bad epoch", direct("auto", "3f9a"), required},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Couple couple;
    const auto answer = couple.laptop.publish(pidf("here", "laptop", row.element), row.lines);
    CHECK(answer.status() == 200);
    const auto warning = answer.header(HeaderId::warning);
    CHECK(warning.substr(0, 32) == "399 example.org \"direct removed:");
    const Notified told = couple.stage.take();
    CHECK_FALSE(has_direct(told));
    CHECK(told.basic() == "open");
  }
}

TEST_CASE("secrets, grants and <direct> itself never reach the store (DIRECT_SESSIONS 3.3)") {
  Couple couple;
  couple.laptop.publish(pidf("here", "laptop", direct()), required);
  const auto seen = direct_in(couple.stage.take());
  const std::string kept = all_records(couple.stage);
  REQUIRE(kept.find("here") != std::string::npos);
  for (const std::string& word : {secret_text, key_text, to_base64(seen.grant->psk),
                                  to_base64(seen.grant->ticket), std::string("192.0.2.10")}) {
    CAPTURE(word);
    CHECK(kept.find(word) == std::string::npos);
  }
}

TEST_CASE(
    "when the publisher's connection closes <direct> is removed at once, and must be published anew "
    "(DIRECT_SESSIONS 3.8)") {
  Couple couple;
  couple.laptop.publish(pidf("here", "laptop", direct()), required);
  couple.stage.take();
  couple.stage.close_flow(10);
  REQUIRE_FALSE(couple.stage.notifies.empty());
  const Notified told = couple.stage.take();
  CHECK_FALSE(has_direct(told));
  CHECK(told.presence().tuples.at(0).notes.at(0).text == "here");
  couple.laptop.move(tls(11));
  CHECK(couple.laptop.publish("").status() == 412);
}

TEST_CASE(
    "a connection that closes while its PUBLISH is being stored leaves no offer (DIRECT_SESSIONS 3.8)") {
  Couple couple;
  SUBCASE("an initial one") {}
  SUBCASE("a modification, whose document before had an offer") {
    couple.laptop.publish(pidf("before", "laptop", direct()), required);
    couple.stage.take();
  }
  std::vector<std::string> lines{"Event: presence", "Content-Type: application/pidf+xml", required.front()};
  if (!couple.laptop.etag.empty()) lines.push_back("SIP-If-Match: " + couple.laptop.etag);
  const auto id = couple.laptop.send("PUBLISH", alice, lines, pidf("here", "laptop", direct()), false);
  couple.stage.close_flow(10);
  couple.stage.settle();
  REQUIRE(couple.stage.answer(id).status() == 200);
  REQUIRE_FALSE(couple.stage.notifies.empty());
  Notified last = couple.stage.take();
  while (!couple.stage.notifies.empty()) last = couple.stage.take();
  CHECK_FALSE(has_direct(last));
  couple.laptop.etag = std::string(couple.stage.answer(id).header(HeaderId::sip_etag));
  couple.laptop.move(tls(11));
  CHECK(couple.laptop.publish("").status() == 412);
}

TEST_CASE("a refresh over another connection moves the offer there") {
  Couple couple;
  couple.laptop.publish(pidf("here", "laptop", direct()), required);
  couple.stage.take();
  couple.laptop.move(tls(11));
  CHECK(couple.laptop.publish("").status() == 200);
  couple.stage.close_flow(10);
  for (const Notified& told : couple.stage.notifies) CHECK(has_direct(told));
  couple.stage.drain();
  couple.stage.close_flow(11);
  CHECK(couple.stage.notifies.size() <= 1);
}

TEST_CASE(
    "after a restart: state without <direct>, 412 for its refresh, replaced in one step (DIRECT_SESSIONS "
    "3.3)") {
  Couple couple;
  couple.laptop.publish(pidf("here", "laptop", direct()), required);
  couple.stage.take();
  couple.stage.restart();
  couple.watcher.move(tls(25));
  couple.watcher.refresh(3600);
  const Notified told = couple.stage.take();
  CHECK_FALSE(has_direct(told));
  CHECK(told.presence().tuples.at(0).notes.at(0).text == "here");
  couple.laptop.move(tls(30));
  CHECK(couple.laptop.publish("").status() == 412);
  couple.laptop.etag.clear();
  SUBCASE("by a device that registered again") {
    couple.laptop.register_(3600, "urn:uuid:laptop");
    couple.stage.drain();
    CHECK(
        couple.laptop.publish(pidf("back", "another-id", direct("auto", "aabbccdd", other_secret)), required)
            .status() == 200);
  }
  SUBCASE("by the same tuple of a device that has not registered yet") {
    CHECK(couple.laptop.publish(pidf("back", "laptop", direct("auto", "aabbccdd", other_secret)), required)
              .status() == 200);
  }
  REQUIRE(couple.stage.notifies.size() == 1);
  const auto seen = direct_in(couple.stage.take());  // one tuple: the old one is gone in the same step
  CHECK(ds1::open_ticket(key_of(other_secret), seen.epoch, seen.grant->ticket).has_value());
}

TEST_CASE("without authentication no watcher gets a grant, as From proves nothing (DIRECT_SESSIONS 3.5)") {
  Settings settings = Stage::default_settings();
  settings.authentication = Authentication::none;
  Stage stage(settings);
  stage.put_rules(rule_for(bob, "allow", "auto"));
  Device watcher(stage, bob, tls(5)), laptop(stage, alice, tls(10));
  watcher.subscribe(alice);
  stage.take();
  laptop.publish(pidf("here", "laptop", direct()), required);
  CHECK_FALSE(has_direct(stage.take()));
}
