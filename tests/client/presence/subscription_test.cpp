#include "client/presence/subscription.hpp"

#include <optional>

#include "tests/client/bench.hpp"

using namespace beckon;
using namespace beckon::client;
using event::Subscriber;
using sip::HeaderId;

namespace {

const std::string bob = "sip:bob@example.org";

struct Fixture : Bench {
  Fixture() {
    subscription.emplace(
        context, bob, "presence", "application/pidf+xml", 600,
        [this](const sip::Message& notify, Now) { documents.emplace_back(notify.body()); },
        [this](Now) { states.emplace_back(subscription->state_word()); });
  }

  std::optional<presence::Subscription> subscription;
  Ends started, stopped;
  std::vector<std::string> documents, states;
  std::uint32_t notify_cseq = 0;

  void start() { subscription->start(started.take(), now()); }
  void stop() { subscription->stop(stopped.take(), now()); }
  sip::Message accept(std::uint32_t expires = 600) {
    return answer(
        200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}, {HeaderId::expires, std::to_string(expires)}});
  }
  /// A NOTIFY of the server in the dialog of `subscribe`.
  sip::Message make_notify(const sip::Message& subscribe, const std::string& state,
                           const std::string& body = "", const std::string& package = "presence",
                           const std::string& tag = "") {
    const std::string number = std::to_string(++notify_cseq);
    auto builder = sip::Builder::request("NOTIFY", "sip:alice@192.0.2.1:40000");
    builder.add(HeaderId::via, "SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK" + number)
        .add(HeaderId::from, "<" + bob + ">;tag=server")
        .add(HeaderId::to, subscribe.header(HeaderId::from))
        .add(HeaderId::call_id, subscribe.call_id())
        .add(HeaderId::cseq, number + " NOTIFY")
        .add(HeaderId::contact, "<sip:server@192.0.2.9>")
        .add(HeaderId::event, package)
        .add(HeaderId::subscription_state, state);
    if (!tag.empty()) builder.add(HeaderId::sip_etag, tag);
    return *sip::Message::parse(share(std::move(builder).finish("application/pidf+xml", body)));
  }
  /// What the agent would answer.
  int notify(const sip::Message& subscribe, const std::string& state, const std::string& body = "") {
    const auto message = make_notify(subscribe, state, body);
    return subscription->matches(message) ? subscription->on_notify(message, now()) : 481;
  }
  /// Started, accepted, active.
  sip::Message establish() {
    start();
    const auto subscribe = accept();
    REQUIRE(notify(subscribe, "active;expires=600", "one") == 200);
    return subscribe;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a subscription goes from pending to active as the server says (RFC 6665 4.1)") {
  start();
  const auto subscribe = accept();
  CHECK(subscribe.header(HeaderId::event) == "presence");
  CHECK(subscribe.header(HeaderId::accept) == "application/pidf+xml");
  CHECK(subscribe.expires() == 600U);
  CHECK(started.statuses == Statuses{200});
  CHECK(notify(subscribe, "pending;expires=600") == 200);
  CHECK(last("subscription").at("state") == "pending");
  CHECK(notify(subscribe, "active;expires=600", "one") == 200);
  CHECK(last("subscription").at("state") == "active");
  CHECK(last("subscription").at("expires") == 600);
  CHECK(documents == std::vector<std::string>{"one"});
  CHECK(subscription->is_active());
}

TEST_CASE_FIXTURE(Fixture, "a NOTIFY that overtakes the 200 is taken (RFC 6665 4.1.2.4)") {
  start();
  const auto subscribe = wire.take().message;
  CHECK(notify(subscribe, "active;expires=600", "early") == 200);
  CHECK(documents == std::vector<std::string>{"early"});
  receive(
      reply_to(subscribe, 200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}, {HeaderId::expires, "600"}}));
  CHECK(started.statuses == Statuses{200});
  CHECK(notify(subscribe, "active;expires=600", "late") == 200);
}

TEST_CASE_FIXTURE(Fixture,
                  "the 200 of another fork does not move the dialog of the NOTIFY that was first (RFC 6665 "
                  "4.1.2.4)") {
  start();
  const auto subscribe = wire.take().message;
  CHECK(notify(subscribe, "active;expires=600", "one") == 200);
  auto other = sip::Builder::reply(subscribe, 200, "fork-b");
  other.add(HeaderId::contact, "<sip:other@192.0.2.10>").add(HeaderId::expires, 600U);
  receive(*sip::Message::parse(share(std::move(other).finish())));
  CHECK(started.statuses == Statuses{200});
  subscription->refresh(now());
  const auto refresh = wire.take().message;
  CHECK(refresh.to_tag() == "server");
  CHECK(refresh.request_uri_text() == "sip:server@192.0.2.9");
}

TEST_CASE_FIXTURE(Fixture, "a NOTIFY that is not this subscription's matches nothing: 481 (RFC 6665 4.1.3)") {
  const auto subscribe = establish();
  SUBCASE("another dialog") {
    auto other = make_notify(subscribe, "active");
    const std::string text(other.text());
    const auto from = text.find("tag=server");
    CHECK_FALSE(subscription->matches(
        *sip::Message::parse(share(text.substr(0, from) + "tag=forked" + text.substr(from + 10)))));
  }
  SUBCASE("another package") {
    CHECK_FALSE(subscription->matches(make_notify(subscribe, "active", "", "dialog")));
  }
  SUBCASE("the same with an id, which the SUBSCRIBE had not (RFC 6665 8.2.1)") {
    CHECK_FALSE(subscription->matches(make_notify(subscribe, "active", "", "presence;id=1")));
    CHECK(subscription->matches(make_notify(subscribe, "active", "", "presence;new=1")));
  }
  SUBCASE("after the end") {
    CHECK(notify(subscribe, "terminated;reason=rejected") == 200);
    CHECK(notify(subscribe, "active;expires=600", "ghost") == 481);
    CHECK(documents == std::vector<std::string>{"one"});
  }
}

TEST_CASE_FIXTURE(Fixture, "a NOTIFY out of order gets 500 and changes nothing (RFC 3261 12.2.2)") {
  const auto subscribe = establish();
  notify_cseq = 0;
  CHECK(notify(subscribe, "terminated;reason=rejected", "old") == 500);
  CHECK(subscription->is_active());
  CHECK(documents == std::vector<std::string>{"one"});
}

TEST_CASE_FIXTURE(Fixture, "a NOTIFY without a readable Subscription-State gets 400") {
  start();
  const auto subscribe = accept();
  CHECK(notify(subscribe, "") == 400);
  CHECK(documents.empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "a subscription is refreshed within its dialog before it expires (RFC 6665 4.1.2.2)") {
  const auto subscribe = establish();
  pass(550s);
  const auto refresh = accept();
  CHECK(refresh.call_id() == subscribe.call_id());
  CHECK(refresh.to_tag() == "server");
  CHECK(refresh.request_uri_text() == "sip:server@192.0.2.9");
  CHECK(refresh.cseq()->number == subscribe.cseq()->number + 1);
  CHECK(started.statuses == Statuses{200});
}

TEST_CASE_FIXTURE(Fixture, "after a challenge and an early NOTIFY the CSeq still rises (RFC 3261 12.2.1.1)") {
  start();
  const auto bare = wire.take().message;
  CHECK(notify(bare, "pending") == 200);
  receive(reply_to(bare, 401, {challenge("n1")}));
  const auto subscribe = accept();
  CHECK(subscribe.cseq()->number == bare.cseq()->number + 1);
  subscription->refresh(now());
  CHECK(wire.take().message.cseq()->number == subscribe.cseq()->number + 1);
}

TEST_CASE_FIXTURE(Fixture, "481 to a refresh: a new dialog at once (RFC 6665 4.1.2.2)") {
  const auto subscribe = establish();
  pass(550s);
  answer(481);
  pass(0s);
  const auto again = accept();
  CHECK(again.to_tag().empty());
  CHECK(again.call_id() != subscribe.call_id());
  CHECK(notify(subscribe, "active;expires=600") == 481);
  CHECK(notify(again, "active;expires=600", "two") == 200);
  CHECK(documents == std::vector<std::string>{"one", "two"});
}

TEST_CASE_FIXTURE(Fixture, "rejected is final: it is reported and not tried again (RFC 6665 4.1.3)") {
  const auto subscribe = establish();
  CHECK(notify(subscribe, "terminated;reason=rejected") == 200);
  CHECK(subscription->state() == Subscriber::State::ended);
  CHECK(last("subscription").at("state") == "terminated");
  CHECK(last("subscription").at("reason") == "rejected");
  pass(2h);
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(Fixture, "a refused SUBSCRIBE ends with its status") {
  start();
  answer(404);
  CHECK(started.statuses == Statuses{404});
  CHECK(subscription->state() == Subscriber::State::ended);
  CHECK(last("subscription").at("status") == 404);
}

TEST_CASE_FIXTURE(
    Fixture,
    "423: sent again with the server's minimum, and only that answer is reported (RFC 6665 4.1.2.1)") {
  start();
  answer(423, {{HeaderId::min_expires, "1200"}});
  CHECK(started.statuses.empty());
  CHECK(accept(1200).expires() == 1200U);
  CHECK(started.statuses == Statuses{200});
}

TEST_CASE_FIXTURE(Fixture, "an end that overtakes the 200 ends the command, once") {
  start();
  const auto subscribe = wire.take().message;
  CHECK(notify(subscribe, "terminated;reason=rejected") == 200);
  CHECK(started.statuses == Statuses{200});
  receive(reply_to(subscribe, 200));
  CHECK(started.statuses == Statuses{200});
}

TEST_CASE_FIXTURE(Fixture,
                  "unsubscribing ends with the last NOTIFY, and each command ends once (RFC 6665 4.1.2.3)") {
  const auto subscribe = establish();
  stop();
  stop();
  const auto last_one = accept(0);
  CHECK(last_one.expires() == 0U);
  CHECK(stopped.statuses.empty());
  CHECK(notify(subscribe, "terminated;reason=timeout") == 200);
  CHECK(stopped.statuses == Statuses{200, 200});
  CHECK(states.back() == "terminated");
}

TEST_CASE_FIXTURE(Fixture, "unsubscribing ends without the last NOTIFY, too") {
  establish();
  SUBCASE("it never comes") {
    stop();
    accept(0);
    pass(32s);
    CHECK(stopped.statuses == Statuses{200});
  }
  SUBCASE("no answer") {
    stop();
    pass(32s);
    CHECK(stopped.statuses == Statuses{0});
  }
  SUBCASE("the server knows nothing of it") {
    stop();
    answer(481);
    CHECK(stopped.statuses == Statuses{200});
  }
  CHECK(subscription->state() == Subscriber::State::ended);
}

TEST_CASE_FIXTURE(Fixture, "stopped while the first SUBSCRIBE is in flight: both are answered") {
  start();
  stop();
  const auto subscribe = accept();
  CHECK(started.statuses == Statuses{200});
  CHECK(accept(0).expires() == 0U);
  CHECK(notify(subscribe, "terminated") == 200);
  CHECK(stopped.statuses == Statuses{200});
}

TEST_CASE_FIXTURE(Fixture, "a subscription may be destroyed while its request is in flight") {
  start();
  const auto subscribe = wire.take().message;
  subscription.reset();
  SUBCASE("answered") { receive(reply_to(subscribe, 200)); }
  SUBCASE("challenged") { receive(reply_to(subscribe, 401, {challenge("n1")})); }
  SUBCASE("lost") { layer.on_flow_closed(first_flow, now()); }
  pass(1h);
  CHECK(started.statuses.empty());
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(Fixture,
                  "a document that is there is not sent again: Suppress-If-Match and 204 (RFC 5839 5)") {
  start();
  const auto subscribe = accept();
  CHECK_FALSE(subscribe.has(HeaderId::suppress_if_match));
  const auto told = [&](const std::string& state, const std::string& body, const std::string& tag) {
    return subscription->on_notify(make_notify(subscribe, state, body, "presence", tag), now());
  };
  CHECK(told("active;expires=600", "one", "ega23") == 200);

  SUBCASE("a refresh answered with 204 prolongs the subscription") {
    subscription->refresh(now());
    const auto again = answer(204, {{HeaderId::expires, "600"}});
    CHECK(again.header(HeaderId::suppress_if_match) == "ega23");
    CHECK(subscription->is_active());
  }
  SUBCASE("unsubscribing is over with 204, no NOTIFY is awaited (5.7)") {
    stop();
    CHECK(answer(204).header(HeaderId::suppress_if_match) == "ega23");
    CHECK(subscription->state() == Subscriber::State::ended);
    CHECK(stopped.statuses == Statuses{200});
  }
  SUBCASE("a subscription that was lost is resumed in a new dialog without the document (5.5)") {
    CHECK(told("terminated;reason=deactivated", "", "") == 200);
    pass(0s);
    const auto resumed = accept();
    CHECK(resumed.to_tag().empty());
    CHECK(resumed.header(HeaderId::suppress_if_match) == "ega23");
  }
  SUBCASE("a NOTIFY without body under the tag we have changes nothing (6.2)") {
    CHECK(told("active;expires=600", "", "ega23") == 200);
    subscription->refresh(now());
    CHECK(accept().header(HeaderId::suppress_if_match) == "ega23");
    CHECK(documents == std::vector<std::string>{"one"});
  }
  SUBCASE("a document without a tag cannot be named") {
    CHECK(told("active;expires=600", "two", "") == 200);
    subscription->refresh(now());
    CHECK_FALSE(accept().has(HeaderId::suppress_if_match));
  }
  SUBCASE("after a gap the document is asked for, whatever we have") {
    subscription->reload(now());
    CHECK_FALSE(accept().has(HeaderId::suppress_if_match));
  }
}

TEST_CASE_FIXTURE(Fixture, "rates stand in Event (RFC 6446 4.1)") {
  subscription.emplace(
      context, bob, "presence", "application/pidf+xml", 600, [](const sip::Message&, Now) {}, [](Now) {},
      sip::Rates{.max = sip::Rates::per_second / 5});
  start();
  CHECK(accept().header(HeaderId::event) == "presence;max-rate=0.2");
}

TEST_CASE_FIXTURE(Fixture, "the GRUU is the Contact of each SUBSCRIBE, as it is by then (RFC 5627 4.4)") {
  connection.gruu = "sip:alice@example.org;gr=urn:uuid:1";
  CHECK(establish().header(HeaderId::contact) == "<sip:alice@example.org;gr=urn:uuid:1>");
  connection.gruu.clear();
  subscription->refresh(now());
  CHECK(accept().header(HeaderId::contact) == context.contact());
}
