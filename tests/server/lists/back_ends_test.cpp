#include <set>

#include "protocol/documents/dialoginfo.hpp"
#include "protocol/documents/reginfo.hpp"
#include "tests/server/lists/street.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using namespace std::chrono_literals;
using sip::HeaderId;

namespace {

namespace dns = locate::test;

const std::string ed = "sip:ed@example.net";
/// A connection that the server of example.net has made.
const Hop far_flow{Protocol::tls, *parse_address("198.51.100.1:40000"), *parse_address("192.0.2.1:5061"), 7};

Settings federated() {
  Settings settings = Street::quick();
  settings.foreign = ForeignPolicy::forward;
  settings.federation.domains = {"example.net"};
  return settings;
}

/// The server of example.net, by hand: what it is asked for, and what it says.
class Far {
 public:
  explicit Far(Street& street) : street_(street) {
    street.world.zone.set("_sips._tcp.example.net", locate::Type::srv,
                          dns::services({{1, 0, 5061, "a.example.net"}}, 3600s));
    street.world.zone.set("a.example.net", locate::Type::a, dns::addresses({"198.51.100.1"}, 3600s));
    street.elsewhere = [this](const Sent& sent) { return take(sent); };
    connect();
  }
  void connect() { street_.world.node().shard(0).on_peer_verified(far_flow.flow, {"example.net"}); }

  struct Asked {
    Hop to;
    sip::Message subscribe;
    std::string resource() const { return sip::canonical_aor(subscribe.to()->uri); }
    std::uint32_t expires() const { return subscribe.expires().value_or(0); }
  };
  std::vector<Asked> asked;
  std::vector<int> answers;  ///< To its NOTIFYs.
  int status = 200;          ///< Of its answers; 0: it is silent.
  std::uint32_t granted = 600;

  /// Sends a NOTIFY in the dialog of that SUBSCRIBE, and gives the answer to it.
  int notify(const Asked& of, const std::string& state, const std::string& body = {},
             const std::string& type = "application/pidf+xml", const Hop& from = far_flow) {
    std::string contact(of.subscribe.header(HeaderId::contact));
    const std::string call_id(of.subscribe.call_id());
    const std::string number = std::to_string(++number_);
    std::string text =
        "NOTIFY " + contact.substr(1, contact.find('>') - 1) +
        " SIP/2.0\r\nVia: SIP/2.0/TLS 198.51.100.1:5061;branch=z9hG4bKfar" + number +
        "\r\nMax-Forwards: 70\r\nFrom: <" + of.resource() +
        ">;tag=far\r\nTo: " + std::string(of.subscribe.header(HeaderId::from)) + "\r\nCall-ID: " + call_id +
        "\r\nCSeq: " + number + " NOTIFY\r\nContact: <sip:s@198.51.100.1:5061;transport=tls>\r\nEvent: " +
        std::string(of.subscribe.header(HeaderId::event)) + "\r\nSubscription-State: " + state + "\r\n";
    if (!body.empty()) text += "Content-Type: " + type + "\r\n";
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    answers.clear();
    street_.world.receive(from, text);
    street_.pass();
    return answers.empty() ? 0 : answers.front();
  }
  /// What is asked for in the time; each counts once.
  std::size_t asks_within(Duration time) {
    const std::size_t before = asked.size();
    street_.pass(time);
    return asked.size() - before;
  }

 private:
  bool take(const Sent& sent) {
    const sip::Message& message = sent.message;
    if (!message.is_request()) {
      if (message.method() != sip::Method::notify) return false;
      answers.push_back(message.status());
      return true;
    }
    if (message.method() != sip::Method::subscribe) return false;
    if (!seen_.insert(std::string(message.header(HeaderId::via))).second) return true;
    asked.push_back({sent.to, message});
    if (status == 0) return true;
    auto reply = sip::Builder::reply(message, status, "far", "");
    if (status == 200)
      reply.add(HeaderId::contact, "<sip:s@198.51.100.1:5061;transport=tls>")
          .add(HeaderId::expires, std::min(granted, message.expires().value_or(granted)));
    street_.world.receive(sent.to, reply.finish());
    return true;
  }

  Street& street_;
  std::set<std::string> seen_;
  int number_ = 0;
};

}  // namespace

TEST_CASE("a member of another domain is followed there, in the watcher's name (RFC 4662 6, 7.3)") {
  for (const unsigned shards : {1U, 3U}) {
    CAPTURE(shards);
    Street street(shards, federated());
    Far far(street);
    street.publish(bob, "here");
    street.put(alice, "rls-services/index", services(service(friends, {bob, ed})));
    CHECK(street.subscribe(friends).status() == 200);
    street.pass(1s);
    // Messages 3 to 8 of the RFC: the first document names the member, and knows nothing of it yet.
    CHECK(street.copy.full == 1);
    CHECK(street.copy.note(bob) == "here");
    CHECK(street.copy.state(ed) == "");
    REQUIRE(far.asked.size() == 1);
    const Far::Asked first = far.asked.front();
    CHECK(first.to.protocol == Protocol::tls);
    CHECK(first.to.name == "example.net");
    CHECK(first.subscribe.request_uri_text() == ed);
    CHECK(sip::canonical_aor(first.subscribe.from()->uri) == alice);
    CHECK(first.subscribe.header(HeaderId::accept) == "application/pidf+xml");
    CHECK_FALSE(first.subscribe.has(HeaderId::authorization));
    CHECK_FALSE(first.subscribe.has(HeaderId::p_asserted_identity));  // it is not in our trust domain
    CHECK(far.notify(first, "pending;expires=600") == 200);
    CHECK(street.copy.state(ed) == "pending");
    CHECK(far.notify(first, "active;expires=600", pidf(ed, "at home")) == 200);
    CHECK(street.copy.state(ed) == "active");
    CHECK(street.copy.note(ed) == "at home");
    CHECK(far.notify(first, "active;expires=590", pidf(ed, "away")) == 200);
    CHECK(street.copy.note(ed) == "away");
    CHECK(street.copy.full == 1);

    // It is refreshed in its dialog, at the remote target.
    CHECK(far.asks_within(560s) == 1);
    CHECK(far.asked.back().subscribe.to_tag() == "far");
    CHECK(far.asked.back().subscribe.request_uri_text() == "sip:s@198.51.100.1:5061;transport=tls");
    CHECK(far.asked.back().to.name == "example.net");
    CHECK(far.notify(far.asked.back(), "active;expires=600", pidf(ed, "back")) == 200);
    CHECK(street.copy.note(ed) == "back");

    // It ends with the list.
    CHECK(street.refresh(0).status() == 200);
    CHECK(far.asked.back().expires() == 0);
    CHECK(far.notify(far.asked.back(), "terminated;reason=timeout") == 200);
    CHECK(street.size() == 0);
  }
}

TEST_CASE("a NOTIFY that overtakes the 200 is taken; one that is not the subscription's is 481") {
  Street street(2, federated());
  Far far(street);
  far.status = 0;
  street.put(alice, "rls-services/index", services(service(friends, {ed})));
  street.subscribe(friends);
  street.pass(1s);
  REQUIRE(far.asked.size() == 1);
  CHECK(far.notify(far.asked[0], "active;expires=600", pidf(ed, "early")) == 200);
  CHECK(street.copy.note(ed) == "early");
  Far::Asked other = far.asked[0];
  auto text = sip::Splice(other.subscribe).replace(HeaderId::call_id, "another").finish();
  other.subscribe = *sip::Message::parse(share(std::move(text)));
  CHECK(far.notify(other, "active;expires=600", pidf(ed, "forged")) == 481);
  // Another domain speaks for its own users only, and a connection that has proven none for nobody.
  Hop stranger = far_flow;
  stranger.flow = 8;
  CHECK(far.notify(far.asked[0], "active;expires=600", pidf(ed, "forged"), "application/pidf+xml",
                   stranger) == 403);
  CHECK(street.copy.note(ed) == "early");
  // What was not asked for is not passed on.
  CHECK(far.notify(far.asked[0], "active;expires=600", "<html/>", "text/html") == 200);
  CHECK(street.copy.note(ed) == "early");
}

TEST_CASE("lists of one watcher share the subscription to a member; the last one ends it") {
  Street street(2, federated());
  Far far(street);
  const std::string others = "sip:others@example.org";
  street.put(alice, "rls-services/index", services(service(friends, {ed}) + service(others, {ed})));
  street.subscribe(others);
  REQUIRE(far.asked.size() == 1);
  far.notify(far.asked[0], "active;expires=600", pidf(ed, "once"));
  CHECK(street.copy.note(ed) == "once");
  street.subscribe(friends);
  CHECK(far.asked.size() == 1);
  CHECK(street.copy.note(ed) == "once");  // at once
  street.refresh(0);
  CHECK(far.asked.size() == 1);
  street.put(alice, "rls-services/index", services(""));
  CHECK(far.asked.size() == 2);
  CHECK(far.asked.back().expires() == 0);
  far.notify(far.asked.back(), "terminated;reason=timeout");
  CHECK(street.size() == 0);
}

TEST_CASE(
    "one that is refused is shown so, and asked for again with a SUBSCRIBE to the list, after a while") {
  struct Row {
    int status;
    std::string state, word;
  };
  for (const Row& row :
       {Row{403, "", "terminated;rejected"}, Row{404, "", "terminated;noresource"},
        Row{421, "", "terminated;noresource"}, Row{200, "terminated;reason=rejected", "terminated;rejected"},
        Row{200, "terminated;reason=noresource", "terminated;noresource"}}) {
    CAPTURE(row.status);
    CAPTURE(row.state);
    Street street(2, federated());
    Far far(street);
    far.status = row.status;
    street.put(alice, "rls-services/index", services(service(friends, {ed})));
    street.subscribe(friends);
    if (!row.state.empty()) far.notify(far.asked[0], row.state);
    CHECK(street.copy.state(ed) == row.word);
    CHECK(far.asks_within(59s) == 0);
    CHECK(street.refresh(600).status() == 200);
    CHECK(far.asked.size() == 1);
    CHECK(far.asks_within(61s) == 0);
    CHECK(street.refresh(600).status() == 200);
    CHECK(far.asked.size() == 2);
    street.refresh(0);
    street.pass(62s);
    if (row.status == 200) far.notify(far.asked.back(), "terminated;reason=timeout");
    CHECK(street.size() == 0);
  }
}

TEST_CASE("what may pass is tried again, after a growing pause, and shown as on probation meanwhile") {
  Street street(2, federated());
  Far far(street);
  SUBCASE("the server is busy") { far.status = 500; }
  SUBCASE("it is silent") { far.status = 0; }
  SUBCASE("it says so") { far.status = 200; }
  street.put(alice, "rls-services/index", services(service(friends, {ed})));
  street.subscribe(friends);
  if (far.status == 200) far.notify(far.asked[0], "terminated;reason=probation;retry-after=1");
  street.pass(33s);
  if (far.status != 200) CHECK(street.copy.state(ed) == "terminated;probation");
  const std::size_t soon = far.asks_within(60s);
  CHECK(soon >= 1);
  CHECK(soon <= 4);
  CHECK(far.asks_within(1000s) <= 8);
  far.status = 200;
  const std::size_t before = far.asked.size();
  for (int i = 0; i < 180 && far.asked.size() == before; ++i) street.pass(10s);
  far.notify(far.asked.back(), "active;expires=600", pidf(ed, "at last"));
  CHECK(street.copy.note(ed) == "at last");
}

TEST_CASE("one that is over without a fault is made anew at once, and nothing is seen of it") {
  Street street(2, federated());
  Far far(street);
  street.put(alice, "rls-services/index", services(service(friends, {ed})));
  street.subscribe(friends);
  far.notify(far.asked[0], "active;expires=600", pidf(ed, "here"));
  street.pass(70s);
  const int before = street.copy.partial;
  far.notify(far.asked[0], "terminated;reason=deactivated");
  REQUIRE(far.asked.size() == 2);
  CHECK(far.asked[1].subscribe.to_tag().empty());
  CHECK(far.asked[1].subscribe.call_id() != far.asked[0].subscribe.call_id());
  CHECK(street.copy.partial == before);
  CHECK(street.copy.note(ed) == "here");
  CHECK(far.notify(far.asked[0], "active;expires=600", pidf(ed, "old")) == 481);
  far.notify(far.asked[1], "active;expires=600", pidf(ed, "new"));
  CHECK(street.copy.note(ed) == "new");
}

TEST_CASE("members of other domains are bounded, in a list and for a domain; SUBSCRIBEs go out in turns") {
  Settings settings = federated();
  std::vector<std::string> members;
  for (int i = 0; i < 40; ++i) members.push_back("sip:u" + std::to_string(i) + "@example.net");
  SUBCASE("in a list") {
    settings.list_foreign_members = 3;
    Street street(1, settings);
    Far far(street);
    street.put(alice, "rls-services/index", services(service(friends, members)));
    street.subscribe(friends);
    street.pass(1s);
    CHECK(far.asked.size() == 3);
    CHECK(street.copy.state(members[2]) == "");
    CHECK(street.copy.state(members[3]) == "terminated;giveup");
    // One goes, and another one is followed.
    street.put(alice, "rls-services/index",
               services(service(friends, {members[1], members[2], members[3], bob})));
    CHECK(far.asked.back().resource() == members[3]);
    CHECK(far.asked.size() >= 4);
  }
  SUBCASE("for a domain") {
    settings.federation.subscriptions = 5;
    Street street(1, settings);
    Far far(street);
    street.put(alice, "rls-services/index", services(service(friends, members)));
    street.subscribe(friends);
    street.pass(1s);
    CHECK(far.asked.size() == 5);
    CHECK(street.copy.state(members[39]) == "terminated;giveup");
  }
  SUBCASE("in turns") {
    Street street(1, settings);
    Far far(street);
    far.status = 0;
    street.put(alice, "rls-services/index", services(service(friends, members)));
    street.subscribe(friends);
    CHECK(far.asked.size() == lists::BackEnds::at_once);
    street.refresh(0);  // those that wait are not sent at all
    far.status = 200;
    CHECK(far.asks_within(60s) == 0);
    CHECK(street.size() == 0);
  }
}

TEST_CASE("nobody is followed where requests may not go") {
  Settings settings = federated();
  SUBCASE("no requests leave") { settings.foreign = ForeignPolicy::refuse; }
  SUBCASE("the domain may not send NOTIFYs") { settings.federation.domains = {"example.com"}; }
  Street street(2, settings);
  Far far(street);
  street.put(alice, "rls-services/index", services(service(friends, {ed})));
  CHECK(street.subscribe(friends).status() == 200);
  CHECK(far.asked.empty());
  CHECK(street.copy.state(ed) == "terminated;noresource");
}

TEST_CASE("dialogs of other domains: what changes is pieced together, what was missed is asked for") {
  Street street(2, federated());
  Far far(street);
  street.put(alice, "rls-services/index", services(service(friends, {ed})));
  auto lines = Street::supported();
  lines.push_back("Accept: application/dialog-info+xml");
  CHECK(street.subscribe(friends, lines, {}, "dialog").status() == 200);
  REQUIRE(far.asked.size() == 1);
  CHECK(far.asked[0].subscribe.header(HeaderId::accept) == "application/dialog-info+xml");
  const auto dialogs = [](unsigned version, const std::string& state, const std::string& inside) {
    return R"(<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version=")" + std::to_string(version) +
           R"(" state=")" + state + R"(" entity=")" + ed + "\">" + inside + "</dialog-info>";
  };
  const auto one = [](const std::string& id, const std::string& state) {
    return "<dialog id=\"" + id + "\"><state>" + state + "</state></dialog>";
  };
  const auto notify = [&](const std::string& body) {
    return far.notify(far.asked[0], "active;expires=600", body, "application/dialog-info+xml");
  };
  const auto shown = [&] {
    const auto info = documents::parse_dialoginfo(street.copy.rows[ed].body);
    REQUIRE(info.has_value());
    CHECK(info->state == documents::DialogInfo::State::full);
    std::string text;
    for (const auto& dialog : info->dialogs)
      text += dialog.id + ' ' + documents::to_string(dialog.state) + ' ';
    return text;
  };
  CHECK(notify(dialogs(0, "full", one("a", "confirmed"))) == 200);
  CHECK(shown() == "a confirmed ");
  CHECK(notify(dialogs(1, "partial", one("b", "early"))) == 200);
  CHECK(shown() == "a confirmed b early ");
  CHECK(notify(dialogs(2, "partial", one("a", "terminated"))) == 200);
  CHECK(shown() == "a terminated b early ");
  // One is missing.
  CHECK(notify(dialogs(4, "partial", one("c", "early"))) == 200);
  CHECK(shown() == "a terminated b early ");
  REQUIRE(far.asked.size() == 2);
  CHECK(far.asked[1].subscribe.to_tag() == "far");
  // It is not asked again for each of them.
  CHECK(notify(dialogs(5, "partial", one("c", "confirmed"))) == 200);
  CHECK(far.asked.size() == 2);
  CHECK(notify(dialogs(6, "full", one("c", "confirmed"))) == 200);
  CHECK(shown() == "c confirmed ");
  CHECK(notify(dialogs(7, "partial", one("c", "terminated"))) == 200);
  CHECK(notify(dialogs(8, "partial", one("d", "trying"))) == 200);
  CHECK(shown() == "d trying ");
}

TEST_CASE("registrations of other domains are followed likewise") {
  Street street(2, federated());
  Far far(street);
  street.put(alice, "rls-services/index", services(service(friends, {ed})));
  CHECK(street.subscribe(friends, Street::supported(), {}, "reg").status() == 200);
  REQUIRE(far.asked.size() == 1);
  CHECK(far.asked[0].subscribe.header(HeaderId::accept) == "application/reginfo+xml");
  const auto document = [](unsigned version, const std::string& state, const std::string& contact,
                           const std::string& contact_state) {
    return R"(<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version=")" + std::to_string(version) +
           R"(" state=")" + state + R"("><registration aor=")" + ed +
           R"(" id="r" state="active"><contact id=")" + contact + R"(" state=")" + contact_state +
           R"(" event="registered"><uri>sip:)" + contact +
           "@192.0.2.7</uri></contact></registration></reginfo>";
  };
  const auto notify = [&](const std::string& body) {
    return far.notify(far.asked[0], "active;expires=600", body, "application/reginfo+xml");
  };
  CHECK(notify(document(1, "full", "one", "active")) == 200);
  CHECK(notify(document(2, "partial", "two", "active")) == 200);
  const auto info = documents::parse_reginfo(street.copy.rows[ed].body);
  REQUIRE(info.has_value());
  CHECK(info->state == documents::RegistrationInfo::State::full);
  REQUIRE(info->registrations.size() == 1);
  CHECK(info->registrations[0].contacts.size() == 2);
}

TEST_CASE("many subscriptions that end while they wait for their turn leave the others theirs") {
  Settings settings = federated();
  settings.list_foreign_members = 200;
  Street street(1, settings);
  Far far(street);
  far.status = 0;
  std::vector<std::string> members;
  for (int i = 0; i < 60; ++i) members.push_back("sip:u" + std::to_string(i) + "@example.net");
  street.put(alice, "rls-services/index", services(service(friends, members)));
  street.subscribe(friends);
  CHECK(far.asked.size() == lists::BackEnds::at_once);
  // All but the last one leave the list.
  street.put(alice, "rls-services/index", services(service(friends, {members.back()})));
  far.status = 200;
  street.pass(60s);
  const auto asked = std::ranges::find(far.asked, members.back(), &Far::Asked::resource);
  REQUIRE(asked != far.asked.end());
  far.notify(*asked, "active;expires=600", pidf(members.back(), "there"));
  CHECK(street.copy.note(members.back()) == "there");
  street.refresh(0);
  far.notify(*asked, "terminated;reason=timeout");
  street.pass(120s);
  CHECK(street.size() == 0);
}

TEST_CASE("a domain that is admitted no more is followed no more") {
  Settings settings = federated();
  Street street(2, settings);
  Far far(street);
  street.put(alice, "rls-services/index", services(service(friends, {ed})));
  street.subscribe(friends);
  far.notify(far.asked[0], "active;expires=600", pidf(ed, "here"));
  settings.federation.domains.clear();
  street.world.node().each([settings](Shard& shard) { shard.set_settings(settings); });
  street.pass();
  CHECK(street.copy.state(ed) == "terminated;noresource");
  CHECK(far.asked.back().expires() == 0);
}

TEST_CASE("after kill -9 the list asks anew; what the dialog of before says is 481") {
  Street street(3, federated());
  Far far(street);
  street.put(alice, "rls-services/index", services(service(friends, {bob, ed})));
  street.subscribe("sip:rls@example.org", Street::carried(), Street::recipients({bob, ed}));
  far.notify(far.asked[0], "active;expires=600", pidf(ed, "before"));
  CHECK(street.copy.note(ed) == "before");
  street.world.restart(2);
  far.connect();
  street.copy = {};
  street.pass(2s);
  REQUIRE(far.asked.size() == 2);
  CHECK(far.asked[1].subscribe.to_tag().empty());
  CHECK(far.notify(far.asked[0], "active;expires=500", pidf(ed, "before")) == 481);
  far.notify(far.asked[1], "active;expires=600", pidf(ed, "after"));
  street.refresh(600);
  CHECK(street.copy.note(ed) == "after");
}

TEST_CASE("grants of direct sessions go no further where the way to the watcher can be read") {
  const std::string direct =
      R"(<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:ed@example.net"><tuple id="t"><status>)"
      R"(<basic>open</basic><direct xmlns="urn:beckon:params:xml:ns:direct:1"><grant/></direct>)"
      R"(</status></tuple></presence>)";
  for (const bool is_secure : {false, true}) {
    CAPTURE(is_secure);
    Street street(2, federated());
    Far far(street);
    if (!is_secure) street.hop = udp(5070);
    street.put(alice, "rls-services/index", services(service(friends, {ed})));
    street.subscribe(friends);
    far.notify(far.asked[0], "active;expires=600", direct);
    REQUIRE(street.copy.state(ed) == "active");
    CHECK((street.copy.rows[ed].body.find("grant") != std::string::npos) == is_secure);
  }
}

TEST_CASE("a list that ends while it waits for its members says so at once") {
  Street street(2, federated());
  Far far(street);
  far.status = 0;
  street.put(alice, "rls-services/index", services(service(friends, {ed})));
  street.subscribe(friends);
  CHECK(street.states.empty());
  CHECK(street.refresh(0).status() == 200);
  REQUIRE_FALSE(street.states.empty());
  CHECK(street.states.back().starts_with("terminated"));
  far.status = 200;
  street.pass(40s);
  CHECK(street.size() == 0);
}
