#include "client/agent/agent.hpp"

#include <boost/json/array.hpp>
#include <fstream>
#include <iterator>

#include "media/direct/hello.hpp"
#include "protocol/documents/direct.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/documents/reginfo.hpp"
#include "protocol/documents/watch_log.hpp"
#include "protocol/ds1/ticket.hpp"
#include "protocol/stun/message.hpp"
#include "tests/client/agent/fixture.hpp"

using namespace beckon;
using namespace beckon::agent_test;
using client::Agent;
using sip::HeaderId;

namespace {

std::string read_data(const std::string& name) {
  std::ifstream file(BECKON_TEST_DATA "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::vector<std::vector<std::string>> every_command{
    {"register"},
    {"publish", "open", "--note", "here", "--activity", "busy", "--direct", "auto"},
    {"subscribe", "alice@example.org"},
    {"subscribe", "bob@example.org", "--package", "presence.winfo"},
    {"subscribe", "alice@example.org"},
    {"subscribe", "alice@example.org", "--package", "presence.winfo"},
    {"subscribe", "alice@example.org", "--package", "dialog"},
    {"subscribe", "bob@example.org", "--package", "message-summary"},
    {"watchers", "--log"},
    {"welcome", "alice@example.org", "carol@example.org", "--text", "hello"},
    {"welcome", "alice@example.org", "--text", "again"},
    {"allow", "alice@example.org", "--direct", "auto"},
    {"block", "carol@example.org"},
    {"forget", "carol@example.org"},
    {"message", "alice@example.org", "hi"},
    {"message", "alice@example.org", std::string(2000, 'x')},
    {"message", "--receipts", "ask", "alice@example.org", "hi"},
    {"typing", "alice@example.org"},
    {"typing", "alice@example.org", "--stop"},
    {"inbox"},
    {"rooms"},
    {"room", "add", "lunch@example.org", "--topic", "soup", "--member", "carol@example.org"},
    {"room", "members", "lunch@example.org"},
    {"room", "invite", "lunch@example.org", "--member", "carol@example.org", "--owner"},
    {"room", "invite", "lunch@example.org"},
    {"room", "join", "lunch@example.org"},
    {"room", "topic", "lunch@example.org", "--topic", "pizza", "--open", "yes"},
    {"room", "topic", "lunch@example.org"},
    {"room", "history", "lunch@example.org", "--since", "2026-11-21"},
    {"room", "erase", "lunch@example.org", "--message", "7"},
    {"room", "remove", "lunch@example.org", "--member", "carol@example.org"},
    {"room", "leave", "lunch@example.org"},
    {"room", "end", "lunch@example.org"},
    {"subscribe", "lunch@example.org", "--package", "conference"},
    {"media", "--play", "", "--record", ""},
    {"call", "alice@example.org"},
    {"talk", "alice@example.org", "--for", "10s"},
    {"answer", "1"},
    {"reject", "1"},
    {"hangup", "one"},
    {"statistics", "1"},
    {"accept-key", "alice@example.org"},
    {"safety-number", "alice@example.org"},
    {"snapshot"},
    {"unsubscribe", "alice@example.org"},
    {"unsubscribe", "alice@example.org", "--package", "presence.winfo"},
    {"unpublish"},
    {"unregister"},
    {"quit"},
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "the first line names the account and the contract") {
  CHECK(events.front().at("event") == "ready");
  CHECK(events.front().at("account").as_string() == bob);
  CHECK(events.front().at("contract") == 1);
}

TEST_CASE("every command ends with exactly one result, whatever becomes of its requests") {
  enum class Server { serves, refuses, challenges, is_silent, hangs_up };
  for (const auto server :
       {Server::serves, Server::refuses, Server::challenges, Server::is_silent, Server::hangs_up}) {
    CAPTURE(static_cast<int>(server));
    Fixture fixture;
    for (const auto& words : every_command) {
      CAPTURE(words.front());
      const auto id = fixture.execute(words);
      if (server == Server::serves) {
        fixture.serve();
        fixture.serve_http(200);
      } else if (server == Server::refuses || server == Server::challenges) {
        while (!fixture.wire.is_silent()) {
          server == Server::refuses ? fixture.answer(403) : fixture.answer(401, {client::challenge("n")});
        }
        fixture.serve_http(403);
      } else if (server == Server::hangs_up) {
        fixture.agent->on_flow_closed(fixture.server.flow, fixture.now());
        fixture.agent->on_flow_opened(fixture.server, fixture.now());
        fixture.serve_http(503);
      }
      fixture.pass(40s);
      while (!fixture.wire.is_silent() && server != Server::serves) fixture.wire.take();
      fixture.serve_http(503);
      if (server == Server::hangs_up || server == Server::is_silent) continue;
      const auto result = fixture.result(id);
      CHECK(result.at("command").as_string() == words.front());
      CHECK(result.at("ok").as_bool() == (result.at("cause") == "done"));
    }
    fixture.pass(5min);
    for (int id = 1; id <= fixture.last_id; ++id) {
      CAPTURE(id);
      CHECK(fixture.results(std::to_string(id)).size() == 1);
    }
    CHECK(fixture.agent->is_finished());
  }
}

TEST_CASE_FIXTURE(Fixture, "the cause of a result follows the failure") {
  SUBCASE("name or password") {
    const auto id = execute({"register"});
    answer(401, {client::challenge("n1")});
    answer(401, {client::challenge("n2")});
    CHECK(result(id).at("cause") == "credentials");
    CHECK(result(id).at("status") == 401);
  }
  SUBCASE("no such user") {
    const auto id = execute({"message", "nobody@example.org", "hi"});
    answer(404);
    CHECK(result(id).at("cause") == "not-found");
    CHECK(result(id).at("reason") == "Not Found");
  }
  SUBCASE("no answer") {
    const auto id = execute({"message", "alice@example.org", "hi"});
    pass(32s);
    CHECK(result(id).at("cause") == "unreachable");
  }
  SUBCASE("no permission to call") {
    const auto id = execute({"call", "alice@example.org"});
    CHECK(result(id).at("cause") == "no-direct");
  }
  SUBCASE("unreadable line") {
    const auto refused = client::control::parse_command(R"({"id":"x","command":"fly"})");
    agent->refuse(refused.error(), now());
    CHECK(result("x").at("cause") == "usage");
  }
  SUBCASE("a rate that is none (RFC 6446 5.1)") {
    const auto id = execute({"subscribe", "alice@example.org", "--max-rate", "0"});
    CHECK(result(id).at("cause") == "usage");
    CHECK(wire.is_silent());
  }
  SUBCASE("another user's watchers") {
    const auto id = execute({"subscribe", "alice@example.org", "--package", "presence.winfo"});
    CHECK(result(id).at("cause") == "usage");
    CHECK(wire.is_silent());
  }
}

TEST_CASE_FIXTURE(Fixture, "another device's unreadable Contact in the 200 does not cost the registration") {
  const auto id = execute({"register", "--expires", "600"});
  const auto request = wire.take().message;
  const auto own = cut(request.header(HeaderId::contact), '>').first;
  reply(request, 200, {{HeaderId::contact, "<sip:a b@>, " + std::string(own) + ">;expires=100"}});
  CHECK(result(id).at("status") == 200);
  CHECK(last("registration").at("expires") == 100);
}

TEST_CASE_FIXTURE(Fixture, "the snapshot reports the whole state") {
  execute({"register"});
  execute({"publish", "open"});
  execute({"subscribe", "alice@example.org"});
  serve();
  execute({"snapshot"});
  const auto snapshot = last("snapshot");
  CHECK(snapshot.at("registration") == "registered");
  CHECK(snapshot.at("publication") == "published");
  REQUIRE(snapshot.at("subscriptions").as_array().size() == 1);
  CHECK(snapshot.at("subscriptions").as_array()[0].as_object().at("state") == "active");
}

TEST_CASE_FIXTURE(Fixture, "quit ends subscriptions, then the publication, then the registration") {
  execute({"register"});
  execute({"publish", "open"});
  execute({"subscribe", "alice@example.org"});
  serve();
  const auto id = execute({"quit"});
  CHECK(serve() == std::vector<std::string>{"SUBSCRIBE 0", "PUBLISH 0", "REGISTER 0"});
  CHECK(result(id).at("ok") == true);
  CHECK(agent->is_finished());
}

TEST_CASE_FIXTURE(
    Fixture,
    "a presence document is shown, its identity pinned on first use, and closed with the subscription") {
  execute({"subscribe", "alice@example.org"});
  const auto subscribe = answer(200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}});
  CHECK(notify(subscribe, "active;expires=3600", read_data("direct/notify.xml")).status() == 200);
  CHECK(last("trust").at("state") == "pinned");
  auto shown = last("presence");
  CHECK(shown.at("of").as_string() == alice);
  CHECK(shown.at("basic") == "open");
  CHECK(shown.at("tuples").as_array()[0].as_object().at("direct").as_object().at("verified") == true);
  CHECK(result(execute({"safety-number", "alice@example.org"})).contains("safety_number"));

  CHECK(notify(subscribe, "terminated;reason=rejected").status() == 200);
  shown = last("presence");
  CHECK(shown.at("basic") == "unknown");
  CHECK(last("subscription").at("reason") == "rejected");
  SUBCASE("a new subscription begins at once") { execute({"subscribe", "alice@example.org"}); }
  SUBCASE("or later") {
    pass(1s);
    execute({"subscribe", "alice@example.org"});
  }
  CHECK(wire.take().message.header(HeaderId::event) == "presence");
}

TEST_CASE_FIXTURE(Fixture,
                  "a document that cannot be read is answered and not shown, and the user is warned") {
  execute({"subscribe", "alice@example.org"});
  const auto subscribe = answer(200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}});
  CHECK(notify(subscribe, "active;expires=3600", "<presence").status() == 200);
  CHECK(last("presence").empty());
  CHECK(last("warning").at("text").as_string().starts_with("the presence of " + alice));
}

TEST_CASE_FIXTURE(Fixture, "each winfo document reports the watchers; a gap is refreshed (RFC 3857 4.9)") {
  execute({"subscribe", "bob@example.org", "--package", "presence.winfo"});
  const auto subscribe = answer(200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}});
  documents::WatcherInfo info;
  info.state = documents::WatcherInfo::State::full;
  info.lists.push_back({.resource = bob, .package = "presence", .watchers = {}, .extensions = {}});
  info.lists.front().watchers.push_back(
      {.id = "w1", .uri = alice, .display_name = {}, .expiration_seconds = {}, .subscribed_seconds = {}});
  info.permits.push_back({alice, ds1::Mode::automatic});
  CHECK(notify(subscribe, "active;expires=3600", print(info)).status() == 200);
  const auto watchers = last("watchers");
  CHECK(watchers.at("watchers").as_array()[0].as_object().at("status") == "pending");
  CHECK(watchers.at("permits").as_array()[0].as_object().at("mode") == "auto");
  CHECK(wire.is_silent());
  info.state = documents::WatcherInfo::State::partial;
  info.version = 5;
  CHECK(notify(subscribe, "active;expires=3600", print(info)).status() == 200);
  CHECK(last("watchers").at("version") == 0);
  CHECK(wire.take().message.method() == sip::Method::subscribe);
}

TEST_CASE_FIXTURE(Fixture, "a call by INVITE is refused, and the user hears of it") {
  CHECK(ask(request_text("INVITE")).status() == 405);
  CHECK(last("warning").at("text").as_string().starts_with("sip:alice@example.org called with INVITE"));
}

TEST_CASE_FIXTURE(Fixture, "a file that cannot be played is refused when it is chosen") {
  const auto id = execute({"media", "--play", "/nonexistent.wav"});
  CHECK(result(id).at("cause") == "usage");
  CHECK(result(id).at("reason").as_string().starts_with("play: /"));
}

TEST_CASE_FIXTURE(Fixture, "dialog documents report the calls of a user; a gap is refreshed (RFC 4235 4.3)") {
  execute({"subscribe", "alice@example.org", "--package", "dialog"});
  CHECK(wire.sent.front().message.values(HeaderId::accept).front() == "application/dialog-info+xml");
  const auto subscribe = answer(200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}});
  documents::Dialog dialog{.id = "d1", .call_id = "c", .state = documents::DialogState::early};
  dialog.direction = documents::DialogDirection::recipient;
  dialog.code = 180;
  dialog.duration_seconds = 3;
  dialog.remote.emplace().identity = {"sip:carol@example.org", "Carol"};
  CHECK(
      notify(subscribe, "active;expires=3600", print(documents::DialogInfo{.dialogs = {dialog}})).status() ==
      200);
  CHECK(last("dialogs").at("of").as_string() == alice);
  CHECK(last("dialogs").at("document") == "full");
  CHECK(client::control::print_for_people(last("dialogs")) ==
        "sip:alice@example.org            ringing, from Carol (sip:carol@example.org)\n");
  CHECK(wire.is_silent());
  dialog.state = documents::DialogState::terminated;
  dialog.event = documents::DialogEvent::remote_bye;
  const documents::DialogInfo later{
      .version = 5, .state = documents::DialogInfo::State::partial, .dialogs = {dialog}};
  CHECK(notify(subscribe, "active;expires=3600", print(later)).status() == 200);
  CHECK(client::control::print_for_people(last("dialogs")) ==
        "sip:alice@example.org            call ended (remote-bye), from Carol (sip:carol@example.org)\n");
  CHECK(wire.take().message.method() == sip::Method::subscribe);
  CHECK(notify(subscribe, "active;expires=3600", print(documents::DialogInfo{.version = 6})).status() == 200);
  CHECK(client::control::print_for_people(last("dialogs")) == "sip:alice@example.org            idle\n");
  CHECK(notify(subscribe, "active;expires=3600", "<dialog-info").status() == 200);
  CHECK(last("warning").at("text").as_string().starts_with("the dialogs of " + alice));
}

TEST_CASE_FIXTURE(
    Fixture,
    "each device that registers brings its user the welcome once, whoever else registers (RFC 3680)") {
  const auto id = execute({"welcome", "alice@example.org", "carol@example.org", "--text", "hello"});
  CHECK(wire.sent.front().message.header(HeaderId::event) == "reg");
  CHECK(wire.sent.front().message.values(HeaderId::accept).front() == documents::reginfo_type);
  const auto subscribe = answer(200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}});
  CHECK(results(id).empty());  // carol's is not answered yet
  answer(403);
  CHECK(result(id).at("cause") == "refused");

  documents::RegistrationInfo info;
  auto& contacts = info.registrations.emplace_back().contacts;
  info.registrations.front().aor = alice;
  info.registrations.front().id = "r";
  contacts.push_back({.id = "1", .uri = "sip:old@192.0.2.7"});
  CHECK(notify(subscribe, "active;expires=3600", print(info)).status() == 200);
  CHECK(wire.is_silent());  // it was registered before
  info.version = 1;
  info.state = documents::RegistrationInfo::State::partial;
  contacts.assign(1, {.id = "2", .uri = "sip:new@192.0.2.7"});
  CHECK(notify(subscribe, "active;expires=3600", print(info)).status() == 200);
  const auto message = answer(200);
  CHECK(message.method() == sip::Method::message);
  CHECK(message.request_uri_text() == alice);
  CHECK(message.body() == "hello");
  CHECK(last("welcome").at("contact").as_string() == "sip:new@192.0.2.7");
  CHECK(client::control::print_for_people(last("welcome")) ==
        alice + " registered sip:new@192.0.2.7: welcome sent\n");
  info.version = 2;
  contacts.front().event = documents::ContactEvent::refreshed;
  CHECK(notify(subscribe, "active;expires=3600", print(info)).status() == 200);
  CHECK(wire.is_silent());

  SUBCASE("a text that is given later counts") {
    CHECK(result(execute({"welcome", "alice@example.org", "--text", "hi again"})).at("ok").as_bool());
    info.version = 3;
    contacts.assign(1, {.id = "3", .uri = "sip:third@192.0.2.7"});
    CHECK(notify(subscribe, "active;expires=3600", print(info)).status() == 200);
    CHECK(answer(480).body() == "hi again");
    CHECK(last("welcome").at("status") == 480);
    CHECK(client::control::print_for_people(last("welcome")).find("welcome not sent (") != std::string::npos);
  }
  SUBCASE("versions that were missed are asked for") {
    info.version = 9;
    CHECK(notify(subscribe, "active;expires=3600", print(info)).status() == 200);
    CHECK(wire.take().message.method() == sip::Method::subscribe);
  }
  SUBCASE("a document that cannot be read") {
    CHECK(notify(subscribe, "active;expires=3600", "<reginfo").status() == 200);
    CHECK(last("warning").at("text").as_string().starts_with("the registrations of " + alice));
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "the watchers are shown with what they are shown; with --log also what was before") {
  const documents::WatchLog log{
      .entity = bob,
      .lines = {{alice, "pending", "nothing", "2026-11-21T04:00:00Z", "2026-11-21T05:00:00Z"},
                {alice, "all", "open, note", "2026-11-21T05:00:00Z", ""}}};
  const auto ask_for = [&](const std::vector<std::string>& words) {
    const auto id = execute(words);
    REQUIRE(http.waiting.size() == 1);
    auto [request, done] = std::move(http.waiting.front());
    http.waiting.pop_front();
    xcap::Response response;
    response.status = 200;
    response.body = print(log);
    done(std::move(response), now());
    CHECK(result(id).at("ok").as_bool());
    return client::control::print_for_people(last("watch-log"));
  };
  const std::string present = "2026-11-21T05:00:00Z  sip:alice@example.org  open, note\n";
  CHECK(ask_for({"watchers"}) == present);
  CHECK(ask_for({"watchers", "--log"}) ==
        "2026-11-21T04:00:00Z  sip:alice@example.org  nothing (pending), "
        "until 2026-11-21T05:00:00Z\n" +
            present);
}

TEST_CASE_FIXTURE(
    Fixture, "after a lost connection everything is requested again (RFC 5626 4.5, DIRECT_SESSIONS 3.1)") {
  const client::Headers offers{{HeaderId::supported, "beckon-direct"}};
  execute({"register"});
  execute({"subscribe", "alice@example.org"});
  serve(offers);
  execute({"publish", "open", "--direct", "auto"});
  CHECK(wire.sent.front().message.body().find("secret>") != std::string_view::npos);
  serve(offers);
  agent->on_flow_closed(server.flow, now());
  CHECK(last("connection").at("state") == "down");
  pass(1s);
  server.flow = 8;
  agent->on_flow_opened(server, now());
  CHECK(last("connection").at("state") == "up");
  CHECK(wire.sent.size() == 1);
  answer(200, offers);
  REQUIRE(wire.sent.size() == 2);
  CHECK(wire.sent[0].message.method() == sip::Method::subscribe);
  CHECK(wire.sent[1].message.body().find("secret>") != std::string_view::npos);
}

TEST_CASE_FIXTURE(Fixture, "requests that no room serves are refused") {
  struct Row {
    std::string request;
    int status;
  };
  for (const Row& row :
       {Row{request_text("OPTIONS"), 200}, Row{request_text("BYE"), 405},
        Row{request_text("NOTIFY", "Event: presence\r\nSubscription-State: active\r\n"), 481},
        Row{request_text("MESSAGE", "Content-Type: text/plain\r\n", "hi"), 200},
        Row{request_text("MESSAGE", "Content-Type: image/png\r\n", "hi"), 415},
        Row{request_text("MESSAGE", "Require: teleportation\r\n", "hi"), 420},
        Row{request_text("MESSAGE", "Call-ID: twice\r\n", "hi"), 400}}) {
    CAPTURE(row.request);
    Fixture fresh;
    const auto response = fresh.ask(row.request);
    CHECK(response.status() == row.status);
    if (row.status == 420) CHECK(response.header(HeaderId::unsupported) == "teleportation");
    if (row.status == 405) CHECK(response.lists(HeaderId::allow, "MESSAGE"));
  }
}

TEST_CASE_FIXTURE(Fixture, "what is wrong with a command names the value, what is allowed, and what to do") {
  struct Row {
    std::vector<std::string> words;
    const char* cause;
    const char* reason;
  };
  for (const Row& row :
       {Row{{"publish", "open", "--sessions", "0"}, "usage", "sessions: 0 is not a number from 1 to 200"},
        Row{{"subscribe", "alice@example.org", "--max-rate", "fast"},
            "usage",
            "max-rate: fast is not so many notifications a second, as 0.2"},
        Row{{"watch", "@"}, "usage", "list: @ is neither a group of your contacts nor NAME@DOMAIN"},
        Row{{"history", "all", "--since", "yesterday"},
            "usage",
            "since: yesterday is not a time, as 2026-11-21 or 2026-11-21T04:00:00Z"},
        Row{{"room", "invite", "lunch@example.org"}, "usage", "whom? room invite ROOM --member USER@DOMAIN"},
        Row{{"room", "topic", "lunch@example.org"},
            "usage",
            "nothing to change: --topic TEXT, --open yes|no or --invites yes|no"},
        Row{{"room", "history", "lunch@example.org", "--since", "noon"},
            "usage",
            "since: noon is not a time, as 2026-11-21 or 2026-11-21T04:00:00Z"},
        Row{{"media", "--play", "/nowhere/voice.wav"},
            "usage",
            "play: /nowhere/voice.wav: file cannot be opened"},
        Row{{"dtmf", "1", "12x"}, "usage", "digits: 12x is not of 0123456789*#ABCD"},
        Row{{"dtmf", "1", "12"}, "not-found", "call: there is no 1; there are no calls"},
        Row{{"answer", "1"}, "not-found", "call: there is no 1; there are no calls"},
        Row{{"hold", "1"}, "not-found", "call: there is no 1; there are no calls"},
        Row{{"statistics", "1"}, "not-found", "call: there is no 1; there are no calls"},
        Row{{"accept-key", "alice@example.org"},
            "not-found",
            "this user has shown no identity; subscribe to it first"},
        Row{{"safety-number", "alice@example.org"},
            "not-found",
            "no identity of this user is known; subscribe to it first"},
        Row{{"wait", "presence", "alice@example.org", "open", "--within", "soon"},
            "usage",
            "within: soon is not a time, as 5s, 500ms or 2m"},
        Row{{"wait", "message", "--matching", "(("},
            "usage",
            "matching: (( is not a regular expression, as yes|no"},
        Row{{"wait", "audio", "50"}, "usage", "tone: 50 is not a number from 100 to 4000"}}) {
    CAPTURE(row.reason);
    const auto said = result(execute(row.words));
    CHECK(said.at("cause").as_string() == row.cause);
    CHECK(said.at("reason").as_string() == row.reason);
  }
}

TEST_CASE_FIXTURE(Fixture, "unpublish removes what is published, and fails where nothing is") {
  CHECK(result(execute({"unpublish"})).at("cause") == "not-found");
  CHECK(last("result").at("reason") == "this device publishes nothing");
  CHECK(wire.is_silent());
  execute({"publish", "open"});
  const auto early = execute({"unpublish"});  // the PUBLISH is not answered yet
  serve();
  CHECK(result(early).at("cause") == "done");
  CHECK(result(execute({"unpublish"})).at("cause") == "not-found");
}

TEST_CASE_FIXTURE(Fixture, "no session rings while the device does not publish one (DIRECT_SESSIONS 9)") {
  const client::Headers offers{{HeaderId::supported, "beckon-direct"}};
  execute({"register"});
  serve(offers);
  execute({"publish", "open", "--direct", "ask"});
  const auto document = documents::parse_pidf(wire.sent.front().message.body());
  REQUIRE(document.has_value());
  const auto offered = documents::find_direct(document->tuples.front());
  REQUIRE(offered.has_value());
  REQUIRE(offered->secret.has_value());
  serve(offers);
  const auto caller = crypto::make_x25519(random);
  direct::HelloBody body;
  body.tag = {1, 2, 3};
  body.want = ds1::Mode::ask;
  body.media = {{direct::MediaKind::audio, direct::Direction::sendrecv, 111, 7}};
  body.ephemeral = crypto::make_x25519(random).pub;
  const auto grant = ds1::make_grant(*offered->secret, offered->epoch, {ds1::Mode::ask, alice}, random);
  const auto hello = direct::seal_hello({keyring.device.pub, offered->epoch, grant}, caller,
                                        crypto::make_x25519(random), body);
  REQUIRE(hello.has_value());
  const auto datagram = stun::Writer(stun::Class::request, stun::binding, stun::TransactionId{})
                            .add(stun::attribute::direct_hello, hello->attribute)
                            .add_fingerprint();
  const auto ring = [&] {
    agent->on_datagram(*parse_address("192.0.2.66:4000"), datagram.bytes(), now());
    CHECK(port.sent > 0);  // the HELLO is answered in any case
  };
  SUBCASE("it is published") {
    ring();
    CHECK(last("call").at("state") == "ringing");
    CHECK(last("call").at("peer").as_string() == alice);
  }
  SUBCASE("it is no longer published") {
    execute({"unpublish"});
    serve(offers);
    ring();
    CHECK(last("call").empty());
    CHECK(result(execute({"answer", "1"})).at("cause") == "not-found");
  }
  SUBCASE("presence is published without it") {
    execute({"publish", "open"});
    serve(offers);
    ring();
    CHECK(last("call").empty());
  }
}
