#include "client/presence/subscriptions.hpp"

#include <algorithm>

#include "tests/client/bench.hpp"

using namespace beckon;
using namespace beckon::client;
using presence::Errc;
using sip::HeaderId;

namespace {

const std::string alice = "sip:alice@example.org";
const std::string bob = "sip:bob@example.org";

constexpr std::string_view presence_accept =
    "application/pidf+xml;q=0.5, application/pidf-diff+xml, multipart/related, application/rlmi+xml";

constexpr std::string_view open_document =
    R"(<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@example.org">)"
    R"(<tuple id="t"><status><basic>open</basic></status></tuple></presence>)";

/// The subscriptions of alice.
struct Fixture : Bench {
  Fixture() { dispatcher.add(subscriptions); }

  presence::Subscriptions subscriptions{
      context,
      {.is_verified = [](const std::string&, const crypto::Key32&) { return true; },
       .on_presence = [this](const std::string& of, const documents::Presence&, Now) { read.push_back(of); },
       .on_watchers = [this](const documents::WatcherInfo& info, Now) { versions.push_back(info.version); },
       .on_change = [this] { ++changes; }}};
  Ends ends;
  std::vector<std::string> read;
  std::vector<std::uint32_t> versions;
  int changes = 0;
  std::uint32_t notify_cseq = 0;
  std::vector<sip::Message> asked;  ///< Requests that left after the response to the last NOTIFY.

  Result<void> subscribe(const std::string& to, const std::string& package = "presence") {
    return subscriptions.subscribe(to, package, 600, ends.take(), now());
  }
  sip::Message accept() { return answer(200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}}); }
  /// The status that a NOTIFY in the dialog of `subscribe` gets.
  int notify(const sip::Message& subscribe, const std::string& state, std::string_view body = "",
             const std::string& tag = "") {
    const auto accepted = subscribe.values(HeaderId::accept);
    const std::string type = accepted.empty() ? std::string() : sip::media_type(accepted.front());
    return notify_typed(subscribe, state, type, body, tag).status();
  }
  sip::Message notify_typed(const sip::Message& subscribe, const std::string& state, std::string_view type,
                            std::string_view body, const std::string& tag = "") {
    const std::string number = std::to_string(++notify_cseq);
    auto builder = sip::Builder::request("NOTIFY", "sip:alice@192.0.2.1:40000");
    builder.add(HeaderId::via, "SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK" + number)
        .add(HeaderId::from, std::string(cut(subscribe.header(HeaderId::to), ';').first) + ";tag=server")
        .add(HeaderId::to, subscribe.header(HeaderId::from))
        .add(HeaderId::call_id, subscribe.call_id())
        .add(HeaderId::cseq, number + " NOTIFY")
        .add(HeaderId::contact, "<sip:server@192.0.2.9>")
        .add(HeaderId::event, subscribe.header(HeaderId::event))
        .add(HeaderId::subscription_state, state);
    if (!tag.empty()) builder.add(HeaderId::sip_etag, tag);
    auto sent = ask(*sip::Message::parse(share(std::move(builder).finish(type, body))));
    const sip::Message response = sent.at(0);
    asked.assign(sent.begin() + 1, sent.end());
    return response;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what cannot be subscribed or unsubscribed fails before anything is sent") {
  CHECK(subscribe(bob, "presence.winfo").error() == Errc::not_own_watchers);
  CHECK(subscriptions.unsubscribe(bob, "presence", ends.take(), now()).error() == Errc::not_subscribed);
  CHECK(wire.is_silent());
  REQUIRE(subscribe(bob).has_value());
  CHECK(subscribe(bob).error() == Errc::already_subscribed);
  accept();
  CHECK(ends.statuses == Statuses{200});
}

TEST_CASE_FIXTURE(Fixture,
                  "a NOTIFY whose body is not of the subscription's type gets 415 and changes nothing (RFC "
                  "3261 8.2.3)") {
  REQUIRE(subscribe(bob).has_value());
  const auto presence = accept();
  for (const std::string type : {"application/watcherinfo+xml", "text/plain", "unreadable"}) {
    CAPTURE(type);
    const auto response = notify_typed(presence, "active;expires=600", type, open_document);
    CHECK(response.status() == 415);
    CHECK(response.header(HeaderId::accept) == presence_accept);
  }
  CHECK(read.empty());
  CHECK(subscriptions.document_of(bob) == nullptr);
  CHECK(notify_typed(presence, "active;expires=600", "Application/PIDF+xml;charset=utf-8", open_document)
            .status() == 200);
  CHECK(read == std::vector{bob});
  CHECK(notify_typed(presence, "active;expires=600", "text/plain", "").status() == 200);
}

TEST_CASE_FIXTURE(
    Fixture, "each NOTIFY reaches the subscription of its dialog; another one gets 481 (RFC 6665 4.1.3)") {
  REQUIRE(subscribe(bob).has_value());
  const auto presence = accept();
  REQUIRE(subscribe(alice, "presence.winfo").has_value());
  const auto winfo = accept();
  CHECK(notify(presence, "active;expires=600", open_document) == 200);
  CHECK(read == std::vector{bob});
  CHECK_FALSE(subscriptions.watches_own());
  const int before = changes;
  CHECK(notify(winfo, "active;expires=600") == 200);
  CHECK(subscriptions.watches_own());
  CHECK(changes == before + 1);
  auto foreign = context.request("SUBSCRIBE", bob, bob, "other", "other", 1);
  foreign.add(HeaderId::event, "presence");
  CHECK(notify(*sip::Message::parse(share(std::move(foreign).finish())), "active") == 481);
}

TEST_CASE_FIXTURE(Fixture, "a document is current while its subscription is active") {
  REQUIRE(subscribe(bob).has_value());
  const auto request = accept();
  CHECK(subscriptions.document_of(bob) == nullptr);
  CHECK(notify(request, "pending;expires=600", open_document) == 200);
  CHECK(subscriptions.document_of(bob) == nullptr);
  CHECK(notify(request, "active;expires=600", open_document) == 200);
  REQUIRE(subscriptions.document_of(bob) != nullptr);
  CHECK(subscriptions.document_of(bob)->tuples.size() == 1);
  CHECK(subscriptions.presence_json().size() == 1);
  CHECK(notify(request, "terminated;reason=rejected") == 200);
  CHECK(subscriptions.document_of(bob) == nullptr);
  CHECK(last("presence").at("basic") == "unknown");
  CHECK(subscriptions.presence_json().empty());
  pass(1s);
  CHECK(subscriptions.subscriptions_json().empty());
}

TEST_CASE_FIXTURE(
    Fixture,
    "a NOTIFY that names the document we have instead of repeating it shows it again (RFC 5839 6.2)") {
  REQUIRE(subscribe(bob).has_value());
  const auto subscribe = accept();
  const auto shown = [&] {
    return std::ranges::count_if(events, [](const auto& event) { return event.at("event") == "presence"; });
  };
  CHECK(notify(subscribe, "active;expires=600", open_document, "t1") == 200);
  CHECK(shown() == 1);
  CHECK(notify(subscribe, "active;expires=600", "", "t1") == 200);
  CHECK(shown() == 2);
  CHECK(last("presence").at("basic") == "open");
  CHECK(notify(subscribe, "active;expires=600", "", "t2") == 200);
  CHECK(notify(subscribe, "active;expires=600") == 200);
  CHECK(shown() == 2);
}

TEST_CASE_FIXTURE(Fixture, "without a subscription to them no watchers are known") {
  REQUIRE(subscribe(alice, "presence.winfo").has_value());
  const auto request = accept();
  documents::WatcherInfo info;
  info.state = documents::WatcherInfo::State::full;
  info.lists.push_back({.resource = alice, .package = "presence", .watchers = {}, .extensions = {}});
  info.lists.front().watchers.push_back(
      {.id = "w1", .uri = bob, .display_name = {}, .expiration_seconds = {}, .subscribed_seconds = {}});
  info.permits.push_back({bob, ds1::Mode::automatic});
  CHECK(notify(request, "active;expires=600", print(info)) == 200);
  CHECK(subscriptions.watchers().watchers_json().size() == 1);
  CHECK(subscriptions.watchers().permits_json().size() == 1);
  REQUIRE(subscriptions.unsubscribe(alice, "presence.winfo", ends.take(), now()).has_value());
  accept();
  CHECK(notify(request, "terminated;reason=timeout") == 200);
  CHECK(subscriptions.watchers().watchers_json().empty());
  CHECK(subscriptions.watchers().permits_json().empty());
}

TEST_CASE_FIXTURE(Fixture, "a new connection refreshes every subscription, and the end stops every one") {
  REQUIRE(subscribe(bob).has_value());
  REQUIRE(subscribe(alice, "presence.winfo").has_value());
  for (int i = 0; i < 2; ++i) CHECK(notify(accept(), "active;expires=600") == 200);
  subscriptions.refresh_all(now());
  CHECK(wire.sent.size() == 2);
  for (int i = 0; i < 2; ++i) CHECK(accept().expires() == 600U);
  subscriptions.unsubscribe_all(now());
  for (int i = 0; i < 2; ++i) CHECK(accept().expires() == 0U);
}

namespace {

/// What alice receives of bob in parts (RFC 5263).
struct Partial : Fixture {
  Partial() {
    REQUIRE(subscribe(bob).has_value());
    request = accept();
  }
  int receive(std::string_view body, const std::string& tag = {}) {
    return notify_typed(request, "active;expires=600", documents::pidf_diff_type, body, tag).status();
  }
  int receive_full(std::uint32_t version, const std::string& basic = "open") {
    std::string text(open_document);
    text.replace(text.find("open"), 4, basic);
    return receive(documents::print_full(text, version), "t" + std::to_string(version));
  }
  int receive_diff(std::uint32_t version, std::string_view operations) {
    return receive(documents::print_diff(bob, operations, version), "t" + std::to_string(version));
  }
  /// The SUBSCRIBE that the last NOTIFY caused, answered.
  sip::Message accept_again() {
    REQUIRE(asked.size() == 1);
    const sip::Message again = asked.front();
    Bench::receive(reply_to(again, 200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}}));
    return again;
  }
  std::string shown() const { return std::string(last("presence").at("basic").as_string()); }

  static constexpr std::string_view close =
      R"x(<p:replace sel="*/tuple/status/basic/text()">closed</p:replace>)x";
  sip::Message request;
};

}  // namespace

TEST_CASE_FIXTURE(
    Partial, "changes are applied to the document that came before, and shown as a whole (RFC 5263 4.5)") {
  CHECK(request.header(HeaderId::accept) == presence_accept);
  CHECK(receive_full(1) == 200);
  CHECK(shown() == "open");
  CHECK(receive_diff(2, close) == 200);
  CHECK(shown() == "closed");
  CHECK(read == std::vector{bob, bob});
  REQUIRE(subscriptions.document_of(bob) != nullptr);
  CHECK(subscriptions.document_of(bob)->tuples.at(0).basic == documents::Basic::closed);
  CHECK(receive_diff(3, "") == 200);
  CHECK(shown() == "closed");
  CHECK(receive_full(7) == 200);  // full state makes up for what was missed
  CHECK(shown() == "open");
  CHECK(receive_diff(8, close) == 200);
  CHECK(shown() == "closed");
  CHECK(asked.empty());
}

TEST_CASE_FIXTURE(Partial,
                  "an older version is dropped; one that is too new makes the agent ask for full state") {
  CHECK(receive_full(5) == 200);
  const auto before = read.size();
  for (const std::uint32_t version : {5U, 4U, 1U}) CHECK(receive_diff(version, close) == 200);
  CHECK(receive_full(5, "closed") == 200);
  CHECK(read.size() == before);
  CHECK(asked.empty());
  CHECK(receive_diff(7, close) == 200);
  CHECK(read.size() == before);
  const auto again = accept_again();
  CHECK_FALSE(again.has(HeaderId::suppress_if_match));
  CHECK(sip::media_type(again.values(HeaderId::accept).at(1)) == documents::pidf_diff_type);
  CHECK(receive_full(8, "closed") == 200);
  CHECK(shown() == "closed");
}

TEST_CASE_FIXTURE(Partial, "a change before any full state makes the agent ask for it") {
  CHECK(receive_diff(1, close) == 200);
  CHECK(read.empty());
  accept_again();
  CHECK(receive_full(2) == 200);
  CHECK(shown() == "open");
}

TEST_CASE_FIXTURE(Partial,
                  "a change that cannot be applied makes the agent ask for whole documents from then on") {
  CHECK(receive_full(1) == 200);
  CHECK(receive_diff(2, R"x(<p:remove sel="*/tuple[@id='other']"/>)x") == 200);
  CHECK(shown() == "open");
  const auto again = accept_again();
  CHECK(again.header(HeaderId::accept) == documents::pidf_type);
  CHECK(notify_typed(again, "active;expires=600", documents::pidf_type, open_document).status() == 200);
  CHECK(shown() == "open");
  // A server that goes on with changes is understood when it begins with full state.
  CHECK(receive_full(4, "closed") == 200);
  CHECK(shown() == "closed");
}

TEST_CASE_FIXTURE(Partial, "the state in another format ends what changes could follow (RFC 5263 4.5)") {
  CHECK(receive_full(1) == 200);
  CHECK(notify_typed(request, "active;expires=600", documents::pidf_type, open_document).status() == 200);
  CHECK(receive_diff(2, close) == 200);
  CHECK(shown() == "open");
  accept_again();
  CHECK(receive_full(3, "closed") == 200);
  CHECK(shown() == "closed");
}

TEST_CASE_FIXTURE(Partial, "a server that never sends full state is asked for it some times, not for ever") {
  std::size_t asks = 0;
  for (std::uint32_t version = 1; version <= 50; ++version) {
    CHECK(receive_diff(version, close) == 200);
    asks += asked.size();
    for (const sip::Message& again : std::exchange(asked, {}))
      Bench::receive(reply_to(again, 200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}}));
  }
  CHECK(asks == presence::Subscription::reloads_max);
  CHECK(receive_full(51) == 200);  // it counts anew
  CHECK(receive_diff(53, close) == 200);
  CHECK_FALSE(accept_again().has(HeaderId::suppress_if_match));
}

TEST_CASE_FIXTURE(Fixture,
                  "a gap in the dialogs is filled by full state, whatever entity-tag it had (RFC 5839 5)") {
  REQUIRE(subscribe(bob, "dialog").has_value());
  const auto request = accept();
  documents::DialogInfo info;
  info.entity = bob;
  info.state = documents::DialogInfo::State::full;
  CHECK(notify(request, "active;expires=600", print(info), "t0") == 200);
  CHECK(asked.empty());
  info.state = documents::DialogInfo::State::partial;
  info.version = 3;
  CHECK(notify(request, "active;expires=600", print(info), "t3") == 200);
  REQUIRE(asked.size() == 1);
  CHECK_FALSE(asked.front().has(HeaderId::suppress_if_match));
}

TEST_CASE_FIXTURE(Fixture,
                  "a summary that the server names instead of repeating it is shown again (RFC 5839 5.5)") {
  REQUIRE(subscribe(bob, "message-summary").has_value());
  const auto request = accept();
  CHECK(notify(request, "active;expires=600", "Messages-Waiting: yes\r\n", "t1") == 200);
  CHECK(last("message-summary").at("waiting") == true);
  CHECK(notify(request, "active;expires=600", "", "t1") == 200);
  CHECK(count("message-summary") == 2);
  CHECK(last("message-summary").at("waiting") == true);
  CHECK(notify(request, "active;expires=600", "", "t2") == 200);
  CHECK(count("message-summary") == 2);
}

TEST_CASE_FIXTURE(
    Fixture, "registrations that begin with a partial document are asked for as a whole (RFC 3680 5.1)") {
  REQUIRE(subscribe(bob, "reg").has_value());
  const auto request = accept();
  documents::RegistrationInfo info;
  info.state = documents::RegistrationInfo::State::partial;
  info.version = 3;
  CHECK(notify(request, "active;expires=600", print(info)) == 200);
  CHECK(asked.size() == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "a list is watched by one SUBSCRIBE; a gap asks for full state (RFC 4662 4.1, 5.6.2)") {
  const std::string list = "sip:friends@example.org";
  REQUIRE(subscriptions.subscribe(list, "presence", 600, ends.take(), now()).has_value());
  const auto subscribe = accept();
  CHECK(subscribe.header(HeaderId::supported) == "eventlist");
  CHECK(subscribe.header(HeaderId::accept) == presence_accept);
  const auto body = [](const std::string& version, const std::string& full) {
    return "--b\r\nContent-Type: application/rlmi+xml\r\n\r\n"
           R"(<list xmlns="urn:ietf:params:xml:ns:rlmi" uri="sip:friends@example.org" version=")" +
           version + "\" fullState=\"" + full +
           R"("><resource uri="sip:bob@example.org"><instance id="1" state="active" cid="1@x"/></resource></list>)"
           "\r\n--b\r\nContent-Id: <1@x>\r\nContent-Type: application/pidf+xml\r\n\r\n" +
           std::string(open_document) + "\r\n--b--\r\n";
  };
  const std::string type = "multipart/related;type=\"application/rlmi+xml\";boundary=b";
  CHECK(notify_typed(subscribe, "active;expires=600", type, body("0", "true")).status() == 200);
  CHECK(asked.empty());
  CHECK(subscriptions.presence_json().size() == 1);
  CHECK(notify_typed(subscribe, "active;expires=600", type, body("2", "false")).status() == 200);
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].header(HeaderId::supported) == "eventlist");
  CHECK(notify_typed(subscribe, "terminated;reason=noresource", type, "").status() == 200);
  CHECK(subscriptions.presence_json().empty());
}
