#include "client/presence/publication.hpp"

#include "protocol/base/text.hpp"
#include "protocol/documents/rpid.hpp"
#include "tests/client/bench.hpp"

using namespace beckon;
using namespace beckon::client;
using sip::HeaderId;

namespace {

struct Fixture : Bench {
  explicit Fixture(transaction::Protocol protocol = transaction::Protocol::tls) : Bench(protocol) {}

  std::string kept;
  presence::Publication publication{
      context,
      [this](bool renew, Now) { return make_direct(renew); },
      {.etag = {}, .on_changed = [this](const std::string& etag) { kept = etag; }}};
  Ends ends;
  int epochs = 0;
  documents::Direct element;

  const documents::Direct* make_direct(bool renew) {
    if (renew || epochs == 0) ++epochs;
    element.mode = ds1::Mode::automatic;
    element.epoch = {0, 0, 0, static_cast<std::uint8_t>(epochs)};
    element.secret = crypto::Key32{};
    return &element;
  }
  void offer() { connection.direct = connection.flow; }
  void publish(ds1::Mode direct = ds1::Mode::automatic, const std::string& note = "here") {
    publication.publish({.open = true, .note = note, .activity = {}, .direct = direct}, ends.take(), now());
  }
  void remove() { publication.remove(ends.take(), now()); }
  /// The server's 200.
  sip::Message accept(const std::string& etag, Headers more = {}) {
    more.insert(more.end(), {{HeaderId::sip_etag, etag}, {HeaderId::expires, "600"}});
    return answer(200, more);
  }
  sip::Message accept_with_tag(const std::string& etag, Headers more = {}) {
    more.emplace_back(HeaderId::supported, "beckon-direct");
    return accept(etag, more);
  }
};

bool has_direct(const sip::Message& publish) {
  const bool inside = publish.body().find("secret>") != std::string_view::npos;
  // "MUST also carry Require: beckon-direct" (DIRECT_SESSIONS 3.1)
  CHECK(publish.lists(HeaderId::require, "beckon-direct") == inside);
  return inside;
}

std::string epoch_of(const sip::Message& publish) {
  const auto document = documents::parse_pidf(publish.body());
  REQUIRE(document.has_value());
  const auto direct = documents::find_direct(document->tuples.front());
  return direct ? to_hex(direct->epoch) : "";
}

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "do-not-disturb is published as RPID has it, with <busy> for those that do not know it") {
  publication.publish({.open = true, .note = {}, .activity = "dnd", .direct = ds1::Mode::off}, ends.take(),
                      now());
  const auto sent = documents::parse_pidf(accept("e1").body());
  REQUIRE(sent.has_value());
  CHECK(documents::activities(sent->persons.at(0)) == std::vector<std::string>{"busy", "do-not-disturb"});
  CHECK(documents::last_input(sent->tuples.at(0)).empty());
}

TEST_CASE_FIXTURE(Fixture, "which calls the user wants stands beside what the user is doing") {
  using Calls = presence::Shown::Calls;
  publication.publish({.activity = "away", .calls = Calls::none}, ends.take(), now());
  auto sent = documents::parse_pidf(accept("e1").body());
  REQUIRE(sent.has_value());
  CHECK(documents::activities(sent->persons.at(0)) == std::vector<std::string>{"away", "messages-only"});
  publication.publish({.calls = Calls::one}, ends.take(), now());
  sent = documents::parse_pidf(accept("e2").body());
  CHECK(documents::activities(sent->persons.at(0)) == std::vector<std::string>{"one-call"});
  publication.publish({}, ends.take(), now());
  CHECK(documents::parse_pidf(accept("e3").body())->persons.empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "when the device was last used is published where the user permits it (RFC 4480 3.14)") {
  publication.publish({.open = true, .note = {}, .activity = {}, .direct = ds1::Mode::off, .last_seen = true},
                      ends.take(), now());
  const auto sent = documents::parse_pidf(accept("e1").body());
  REQUIRE(sent.has_value());
  CHECK(documents::last_input(sent->tuples.at(0)) == print_time(now().wall));
}

TEST_CASE_FIXTURE(Fixture,
                  "a publication is made, refreshed without a body, replaced and removed (RFC 3903 4)") {
  publish(ds1::Mode::off);
  const auto first = accept("e1");
  CHECK_FALSE(first.has(HeaderId::sip_if_match));
  CHECK(first.expires() == 600U);
  CHECK(first.header(HeaderId::event) == "presence");
  CHECK(first.body().find("here") != std::string_view::npos);
  CHECK(last("publication").at("state") == "published");
  CHECK(publication.state_word() == std::string("published"));

  pass(550s);
  const auto refresh = accept("e2");
  CHECK(refresh.header(HeaderId::sip_if_match) == "e1");
  CHECK(refresh.body().empty());

  publish(ds1::Mode::off, "away");
  const auto change = accept("e3");
  CHECK(change.header(HeaderId::sip_if_match) == "e2");
  CHECK(change.body().find("away") != std::string_view::npos);

  remove();
  const auto removal = accept("");
  CHECK(removal.expires() == 0U);
  CHECK(removal.header(HeaderId::sip_if_match) == "e3");
  CHECK(last("publication").at("state") == "removed");
  CHECK(publication.state_word() == std::string("removed"));
  CHECK(ends.statuses == Statuses{200, 200, 200});
}

TEST_CASE("<direct> is sent only over TLS, to a server that offers direct sessions (DIRECT_SESSIONS 3.1)") {
  struct Row {
    transaction::Protocol protocol;
    bool offered;
    bool direct;
    const char* why;  ///< Why not.
  };
  using transaction::Protocol;
  for (const Row& row : {Row{Protocol::tls, true, true, ""},
                         Row{Protocol::tls, false, false, "the server does not offer direct sessions"},
                         Row{Protocol::tcp, true, false, "secrets are sent over TLS only"},
                         Row{Protocol::udp, true, false, "secrets are sent over TLS only"}}) {
    CAPTURE(static_cast<int>(row.protocol));
    CAPTURE(row.offered);
    Fixture fixture(row.protocol);
    if (row.offered) fixture.offer();
    fixture.publish();
    const auto request = row.offered ? fixture.accept_with_tag("e") : fixture.accept("e");
    CHECK(has_direct(request) == row.direct);
    const auto event = fixture.last("publication");
    CHECK(event.at("direct") == row.direct);
    if (!row.direct) CHECK(event.at("why_not_direct").as_string() == row.why);
    CHECK(fixture.wire.is_silent());
  }
}

TEST_CASE_FIXTURE(
    Fixture, "a server that offers direct sessions in its 2xx gets <direct> at once (DIRECT_SESSIONS 3.1)") {
  publish();
  CHECK_FALSE(has_direct(accept_with_tag("e1")));
  CHECK(has_direct(accept_with_tag("e2")));
  CHECK(wire.is_silent());
  CHECK(last("publication").at("direct") == true);
}

TEST_CASE_FIXTURE(Fixture, "what is published next does not change the report of what was published") {
  offer();
  publish();
  const auto first = wire.take().message;
  CHECK(has_direct(first));
  publish(ds1::Mode::off, "no calls now");
  receive(reply_to(first, 200, {{HeaderId::sip_etag, "e1"}, {HeaderId::supported, "beckon-direct"}}));
  CHECK(last("publication").at("direct") == true);
  CHECK_FALSE(has_direct(accept_with_tag("e2")));
  CHECK(last("publication").at("direct") == false);
}

TEST_CASE_FIXTURE(Fixture,
                  "no secret is sent on a new connection before the server offers direct sessions there") {
  offer();
  publish();
  const auto lost = wire.take().message;
  CHECK(has_direct(lost));
  layer.on_flow_closed(connection.flow, now());
  connection.flow = first_flow + 1;
  pass(10s);  // the machine tries again
  CHECK_FALSE(has_direct(accept("e1")));
  CHECK(ends.statuses == Statuses{0});
  offer();  // as the answer to REGISTER says
  publication.on_offer(now());
  const auto whole = accept_with_tag("e2");
  CHECK(has_direct(whole));
  CHECK(whole.header(HeaderId::sip_if_match) == "e1");
}

TEST_CASE_FIXTURE(Fixture,
                  "420 or 403: published again without <direct>, whose secret is changed; presence is not "
                  "lost (DIRECT_SESSIONS 3.1)") {
  offer();
  publish();
  int status = 0;
  SUBCASE("420") { status = 420; }
  SUBCASE("403") { status = 403; }
  CHECK(has_direct(answer(status)));
  CHECK(epochs == 2);
  CHECK_FALSE(has_direct(accept("e1")));
  CHECK(ends.statuses == Statuses{200});
  CHECK(last("publication").at("why_not_direct").as_string() == "refused: " + std::to_string(status));
  publish();  // still so on this connection
  CHECK_FALSE(has_direct(accept("e2")));

  connection.flow = first_flow + 1;
  offer();
  publication.update(now());
  CHECK(has_direct(accept_with_tag("e3")));
}

TEST_CASE_FIXTURE(Fixture, "a 403 that is not about <direct> is reported") {
  offer();
  publish();
  answer(403);
  answer(403);
  CHECK(ends.statuses == Statuses{403});
  CHECK(last("publication").at("state") == "failed");
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(Fixture, "a 2xx without the tag: published again without <direct> (DIRECT_SESSIONS 3.1)") {
  offer();
  publish();
  CHECK(has_direct(accept("e1")));
  CHECK(epochs == 2);
  CHECK_FALSE(has_direct(accept("e2")));
  CHECK(wire.is_silent());
  CHECK(last("publication").at("direct") == false);
}

TEST_CASE_FIXTURE(Fixture, "the reason why the server removed <direct> is reported (DIRECT_SESSIONS 3.2)") {
  offer();
  publish();
  accept_with_tag("e1", {{HeaderId::warning, "399 example.org \"direct removed: too large\""}});
  CHECK(last("publication").at("direct") == false);
  CHECK(last("publication").at("why_not_direct") == "too large");
}

TEST_CASE_FIXTURE(
    Fixture, "412: the whole document as an initial publication, under a new epoch (DIRECT_SESSIONS 3.3)") {
  offer();
  publish();
  CHECK(epoch_of(accept_with_tag("e1")) == "00000001");
  pass(550s);
  CHECK(answer(412).header(HeaderId::sip_if_match) == "e1");
  const auto initial = accept_with_tag("e2");
  CHECK_FALSE(initial.has(HeaderId::sip_if_match));
  CHECK(epoch_of(initial) == "00000002");
  CHECK(ends.statuses == Statuses{200});
}

TEST_CASE_FIXTURE(
    Fixture, "423: sent again with the server's minimum, and only that answer is reported (RFC 3903 6)") {
  publish();
  answer(423, {{HeaderId::min_expires, "1800"}});
  CHECK(ends.statuses.empty());
  CHECK(accept("e1").expires() == 1800U);
  CHECK(ends.statuses == Statuses{200});
}

TEST_CASE_FIXTURE(Fixture,
                  "every command has its own end: those given while a PUBLISH is in flight follow it") {
  publish(ds1::Mode::off, "one");
  publish(ds1::Mode::off, "two");
  publish(ds1::Mode::off, "three");
  accept("e1");
  CHECK(ends.statuses == Statuses{200});
  CHECK(accept("e2").body().find("three") != std::string_view::npos);
  CHECK(ends.statuses == Statuses{200, 200, 200});
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(Fixture, "what the machine sends next is sent, also while a command waits") {
  publish(ds1::Mode::off, "one");
  accept("e1");
  SUBCASE("after a 412 to a refresh") {
    pass(550s);
    publish(ds1::Mode::off, "two");
    answer(412);
    CHECK(ends.statuses == Statuses{200});
    const auto again = accept("e2");
    CHECK_FALSE(again.has(HeaderId::sip_if_match));
    CHECK(again.body().find("two") != std::string_view::npos);
  }
  SUBCASE("after a removal that is answered 412") {
    remove();
    publish(ds1::Mode::off, "two");
    answer(412);
    CHECK(ends.statuses == Statuses{200, 200});
    CHECK(accept("e2").body().find("two") != std::string_view::npos);
  }
  SUBCASE("after a change that is answered 423") {
    publish(ds1::Mode::off, "two");
    publish(ds1::Mode::off, "three");
    answer(423, {{HeaderId::min_expires, "1800"}});
    CHECK(accept("e2").body().find("three") != std::string_view::npos);
  }
  CHECK(ends.statuses.back() == 200);
  CHECK(last("publication").at("state") == "published");
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(Fixture, "a new command does not wait for the pause after a failure") {
  publish();
  answer(500);
  CHECK(ends.statuses == Statuses{500});
  SUBCASE("to publish") {
    publish();
    accept("e1");
    CHECK(ends.statuses == Statuses{500, 200});
  }
  SUBCASE("to remove what never was there") {
    remove();
    CHECK(wire.is_silent());
    CHECK(ends.statuses == Statuses{500, 200});
  }
}

TEST_CASE_FIXTURE(Fixture, "removal ends once, however the server sees it") {
  SUBCASE("nothing was published") {
    remove();
    CHECK(wire.is_silent());
    CHECK(ends.statuses == Statuses{200});
  }
  SUBCASE("the server has lost it: 412 is what was wanted") {
    publish();
    accept("e1");
    remove();
    answer(412);
    CHECK(ends.statuses == Statuses{200, 200});
    CHECK(last("publication").at("state") == "removed");
  }
  SUBCASE("while the first PUBLISH is in flight") {
    publish();
    remove();
    accept("e1");
    CHECK(ends.statuses == Statuses{200});
    CHECK(accept("").expires() == 0U);
    CHECK(ends.statuses == Statuses{200, 200});
  }
  SUBCASE("while a PUBLISH is in flight that is refused") {
    publish();
    remove();
    answer(403);
    CHECK(ends.statuses == Statuses{403, 200});
  }
  CHECK(wire.is_silent());
  pass(1h);
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(
    Fixture,
    "what an earlier run left published is changed or removed, not joined by another (RFC 3903 4.3)") {
  presence::Publication next{
      context,
      [this](bool renew, Now) { return make_direct(renew); },
      {.etag = "left", .on_changed = [this](const std::string& etag) { kept = etag; }}};
  SUBCASE("changed") {
    next.publish({.open = true, .note = "here", .activity = {}, .direct = ds1::Mode::off}, ends.take(),
                 now());
    CHECK(accept("new").header(HeaderId::sip_if_match) == "left");
    CHECK(kept == "new");
    SUBCASE("and removed") {
      next.remove(ends.take(), now());
      CHECK(answer(200, {{HeaderId::expires, "0"}}).header(HeaderId::sip_if_match) == "new");
      CHECK(kept.empty());
    }
  }
  SUBCASE("removed") {
    next.remove(ends.take(), now());
    const auto request = answer(200, {{HeaderId::expires, "0"}});
    CHECK(request.header(HeaderId::sip_if_match) == "left");
    CHECK(request.expires() == 0U);
    CHECK(kept.empty());
  }
  SUBCASE("it has ended meanwhile") {
    next.publish({.open = true, .note = "here", .activity = {}, .direct = ds1::Mode::off}, ends.take(),
                 now());
    CHECK(answer(412).header(HeaderId::sip_if_match) == "left");
    CHECK_FALSE(accept("new").has(HeaderId::sip_if_match));
    CHECK(kept == "new");
  }
  CHECK(ends.statuses.back() == 200);
}
