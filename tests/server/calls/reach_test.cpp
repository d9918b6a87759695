#include "server/calls/reach.hpp"

#include "server/xcap/documents.hpp"
#include "tests/server/calls/exchange.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

/// bob has a phone, and says in a presence document what he does.
class Office : public Exchange {
 public:
  explicit Office(Settings settings = lamp_settings()) : Exchange(1, std::move(settings)) {
    enter_bob();
    node().shard(0).room<calls::Reach>().set_on_missed(
        [this](const std::string& callee, const std::string& caller, Now) {
          CHECK(callee == bob);
          CHECK(caller == alice);
          ++missed;
        });
  }

  void says(const std::string& activities) {
    Ask ask{.method = "PUBLISH",
            .uri = bob,
            .from = bob,
            .call_id = "p",
            .cseq = ++publishes_ * 2,
            .lines = {"Event: presence", "Content-Type: application/pidf+xml"},
            .body =
                "<presence xmlns='urn:ietf:params:xml:ns:pidf' "
                "xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' "
                "xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' entity='sip:bob@example.org'><tuple "
                "id='t'><status><basic>open</basic></status></tuple><dm:person id='p'><r:activities>" +
                activities + "</r:activities></dm:person></presence>"};
    if (!etag_.empty()) ask.lines.push_back("SIP-If-Match: " + etag_);
    const auto answer = tell(udp(5080), ask, "bob");
    REQUIRE(answer.status() == 200);
    etag_ = std::string(answer.header(HeaderId::sip_etag));
  }
  void rules(const std::string& handling) {
    beckon::xcap::Request request;
    request.method = beckon::xcap::Method::put;
    request.target = "/xcap/pres-rules/users/" + bob + "/index";
    request.headers = {{"Content-Type", "application/auth-policy+xml"}};
    request.body =
        "<cr:ruleset xmlns='urn:ietf:params:xml:ns:pres-rules' "
        "xmlns:cr='urn:ietf:params:xml:ns:common-policy'><cr:rule id='a'><cr:conditions><cr:identity>"
        "<cr:one id='sip:alice@example.org'/></cr:identity></cr:conditions><cr:actions><sub-handling>" +
        handling + "</sub-handling></cr:actions></cr:rule></cr:ruleset>";
    unsigned status = 0;
    node().shard(0).room<server::xcap::Documents>().handle(
        request, {bob, true}, [&](const beckon::xcap::Response& response) { status = response.status; });
    wait(10ms);
    REQUIRE(status == 201);
  }

  /// What becomes of a request of alice's: "rings", or the answer with its Reason.
  std::string ask_bob(Ask request) {
    request.call_id = "c" + std::to_string(++asked_);
    wire.sent.clear();
    const auto challenge = ask(udp(5070), request);
    REQUIRE((challenge.status() == 407 || challenge.status() == 401));
    request.lines.push_back(credentials(challenge, request, "alice", "secret"));
    request.cseq++;
    receive(udp(5070), text_of(request));
    if (has(5080, request.method)) return "rings";
    const auto answer = answer_to(udp(5070), request);
    std::string text = std::to_string(answer.status());
    if (answer.has(HeaderId::reason)) text += ' ' + std::string(answer.header(HeaderId::reason));
    return text;
  }
  std::string call() { return ask_bob(invite); }
  std::string write() { return ask_bob(hello); }

  int missed = 0;

 private:
  std::string etag_;
  unsigned publishes_ = 0;
  int asked_ = 0;
};

const std::string dnd = "<r:busy/><r:other>do-not-disturb</r:other>";

}  // namespace

TEST_CASE("who does not want to be disturbed is not called, and is told; messages are not brought") {
  Office office;
  CHECK(office.call() == "rings");
  office.says(dnd);
  CHECK(office.call() == "480 Q.850;cause=21;text=\"Do not disturb\"");
  CHECK(office.missed == 1);
  CHECK(office.write() == "202");
  CHECK(office.missed == 1);
  office.says("<r:working/>");
  office.settle();
  CHECK(office.has(5080, "MESSAGE"));  // what waited
  CHECK(office.call() == "rings");
  CHECK(office.missed == 1);
}

TEST_CASE("what a user publishes decides about calls (DESIGN 6)") {
  struct {
    std::string activities;
    std::string call;
  } const rows[] = {
      {"<r:away/>", "rings"},
      {"<r:meeting/>", "rings"},
      {"<r:busy/>", "486 Q.850;cause=17;text=\"User busy\""},
      {"<r:away/><r:other>messages-only</r:other>", "480 Q.850;cause=21;text=\"Messages only\""},
      {"<r:on-the-phone/>", "rings"},  // phones publish that by themselves, and have call waiting
      {"<r:on-the-phone/><r:other>one-call</r:other>", "486 Q.850;cause=17;text=\"User busy\""},
      {"<r:other>one-call</r:other>", "rings"},
      {"<r:other>reading the other busy book</r:other>", "rings"},
  };
  Office office;
  for (const auto& row : rows) {
    CAPTURE(row.activities);
    office.says(row.activities);
    CHECK(office.call() == row.call);
    CHECK(office.write() == "rings");
  }
}

TEST_CASE("who wants one call at a time is called again after it") {
  Office office;
  office.says("<r:other>one-call</r:other>");
  const Sent first = office.talk();
  CHECK(office.call() == "486 Q.850;cause=17;text=\"User busy\"");
  CHECK(office.missed == 1);
  office.hang_up(first);
  office.settle();
  CHECK(office.call() == "rings");
}

TEST_CASE("a call that takes over one of the user's goes through, and not one that only says so (RFC 3891)") {
  Office office;
  const Sent call = office.talk();
  office.says(dnd);
  Ask pickup = invite;
  pickup.lines.push_back("Replaces: " + std::string(call.message.call_id()) + ";to-tag=b1;from-tag=from1");
  CHECK(office.ask_bob(pickup) == "rings");
  pickup.lines.back() = "Replaces: other;to-tag=b1;from-tag=from1";
  CHECK(office.ask_bob(pickup) == "480 Q.850;cause=21;text=\"Do not disturb\"");
}

TEST_CASE("what follows in a call is not asked for again") {
  Office office;
  const Sent call = office.talk();
  office.says(dnd);
  office.accept_with(office.in_talk(call, "INVITE"));
  office.hang_up(call);
}

TEST_CASE("a message that is not stored does not disturb, either: 480") {
  Office office;
  office.says(dnd);
  const std::string refused = "480 Q.850;cause=21;text=\"Do not disturb\"";
  Ask typing = hello;
  typing.lines = {"Content-Type: application/im-iscomposing+xml"};
  CHECK(office.ask_bob(typing) == refused);
  Ask tagged = hello;
  tagged.to = "<sip:bob@example.org>;tag=x";
  CHECK(office.ask_bob(tagged) == refused);
}

TEST_CASE("a To tag of the sender's making is no dialog: whom a user blocks does not come through by one") {
  Office office;
  office.rules("block");
  for (Ask stray : {invite, hello}) {
    CAPTURE(stray.method);
    stray.to = "<sip:bob@example.org>;tag=x";
    CHECK(office.ask_bob(stray) == "403");
  }
}

TEST_CASE("whom a user blocks does not reach that user, and is not noted") {
  Office office;
  office.says(dnd);
  SUBCASE("blocked") {
    office.rules("block");
    CHECK(office.call() == "403");
    CHECK(office.write() == "403");
  }
  SUBCASE("politely: as one who is offline; a message is not stored for nobody") {
    office.rules("polite-block");
    CHECK(office.call() == "480");
    CHECK(office.write() == "480");
  }
  CHECK(office.missed == 0);
}

namespace {

/// What is for one device, whatever the event package.
std::string gruu_of_phone(Office& office) {
  const auto answer =
      office.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080", ";+sip.instance=\"<urn:uuid:1>\"");
  std::string gruu(sip::find_parameter(answer.first(HeaderId::contact), "pub-gruu").value_or(""));
  std::erase(gruu, '"');
  return gruu;
}

Ask for_device(const std::string& method, const std::string& uri) {
  return {.method = method,
          .uri = uri,
          .from = alice,
          .to = bob,
          .lines = {"Contact: <sip:alice@192.0.2.9:5070>", "Event: presence",
                    "Refer-To: <sip:carol@example.org>"}};
}

}  // namespace

TEST_CASE("whom a user blocks reaches that user's devices by no method; to hang up is not refused") {
  Office office;
  const std::string gruu = gruu_of_phone(office);
  REQUIRE(gruu.starts_with("sip:"));
  const auto reached = [&] {
    std::map<std::string, std::string> all;
    for (const char* method : {"INVITE", "REFER", "OPTIONS", "NOTIFY", "INFO", "UPDATE", "X-NEW"})
      all[method] = office.ask_bob(for_device(method, bob));
    for (const char* method : {"MESSAGE", "SUBSCRIBE", "PUBLISH"})
      all[method] = office.ask_bob(for_device(method, gruu));
    return all;
  };
  for (const auto& [method, what] : reached()) {
    CAPTURE(method);
    CHECK(what == "rings");
  }
  std::string refused;
  SUBCASE("blocked") {
    office.rules("block");
    refused = "403";
  }
  SUBCASE("politely") {
    office.rules("polite-block");
    refused = "480";
  }
  for (const auto& [method, what] : reached()) {
    CAPTURE(method);
    CHECK(what == refused);
  }
  // From before a restart: their Route proves nothing any more.
  for (const char* method : {"INFO", "INVITE", "BYE"}) {
    CAPTURE(method);
    Ask late = for_device(method, "sip:bob@192.0.2.9:5080");
    late.to = "<sip:bob@example.org>;tag=b1";
    late.lines.push_back("Route: <sip:bk000.x@192.0.2.1;lr>");
    CHECK(office.ask_bob(late) == (late.method == "BYE" ? "rings" : refused));
  }
}

TEST_CASE("a Route that looks like ours takes a request past no package and no rule") {
  Office office;
  const std::string token =
      "bk000r1-2-3~0_0_c6336407-13c4_c0000201-13c4~0_0_c6336407-13c4_c0000201-13c4~00112233445566778899";
  for (const std::string& user : {std::string("bk000.x"), token}) {
    for (const std::string to_tag : {"", ";tag=x"}) {
      for (const char* method : {"SUBSCRIBE", "PUBLISH", "REGISTER"}) {
        CAPTURE(user);
        CAPTURE(method);
        CAPTURE(to_tag);
        Ask forged = for_device(method, bob);
        forged.to = "<sip:bob@example.org>" + to_tag;
        forged.lines.push_back("Route: <sip:" + user + "@192.0.2.1;lr>");
        CHECK(office.ask_bob(forged) != "rings");
      }
    }
  }
  // A message is kept for who wants to be left alone, as it is without such a Route.
  office.says(dnd);
  Ask note = hello;
  note.lines.push_back("Route: <sip:bk000.x@192.0.2.1;lr>");
  CHECK(office.ask_bob(note) == "202");
  office.rules("block");
  CHECK(office.ask_bob(note) == "403");
}

TEST_CASE("a message of a sender who was blocked meanwhile is refused, and not stored behind earlier ones") {
  Office office;
  office.says(dnd);
  CHECK(office.write() == "202");
  office.says("<r:working/>");
  office.wire.sent.clear();  // it is under way, and not answered
  CHECK(office.write() == "202");
  office.rules("block");
  CHECK(office.write() == "403");
}

TEST_CASE("a rule about seeing only lets calls through") {
  Office office;
  SUBCASE("confirm") { office.rules("confirm"); }
  SUBCASE("allow") { office.rules("allow"); }
  CHECK(office.call() == "rings");
  CHECK(office.write() == "rings");
}

TEST_CASE("a user's own devices reach each other, whatever the user says to others") {
  Office office;
  office.says(dnd);
  Ask note = hello;
  note.from = bob;
  const auto challenge = office.ask(udp(5080), note);
  note.lines.push_back(Office::credentials(challenge, note, "bob", "secret"));
  office.receive(udp(5080), office.text_of(note));
  CHECK(office.has(5080, "MESSAGE"));
}

TEST_CASE("without calls.obey_presence everybody reaches everybody") {
  Settings settings = Office::lamp_settings();
  settings.presence_routes = false;
  Office office(settings);
  office.says(dnd);
  office.rules("block");
  CHECK(office.call() == "rings");
  CHECK(office.write() == "rings");
}
