#include "server/shard/sips.hpp"

#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

/// bob with one device, reached over TLS, UDP or a WebSocket.
class House : public World {
 public:
  House() : World(open_settings()) {}
  sip::Message enter(const Hop& hop, const std::string& uri, const std::string& contact,
                     std::vector<std::string> lines = {}) {
    lines.push_back("Contact: <" + contact + '>');
    return ask(hop, {.uri = uri, .from = bob, .call_id = "reg-" + contact, .lines = std::move(lines)});
  }
  Sent send(const Hop& hop, Ask request) {
    receive(hop, text_of(request));
    return take();
  }
};

Ask message_to(const std::string& uri) {
  Ask request = hello;
  request.uri = uri;
  return request;
}

std::string warning_of(const sip::Message& answer) {
  return std::string(answer.header(HeaderId::warning).substr(0, 3));
}

const std::string sips_device = "sips:bob@192.0.2.9:40000";
const std::string sip_device = "sip:bob@192.0.2.9:40000;transport=tls";

}  // namespace

TEST_CASE("the scheme of a contact decides whether a SIPS or SIP request may go to it (RFC 5630 5.3)") {
  struct Row {
    std::string name, asked, contact;
    Hop device;
    int status;  ///< 0: it goes on, with
    std::string forwarded, warning;
  };
  const Row rows[] = {
      {"SIPS to a SIPS contact", "sips:bob@example.org", sips_device, tls(1), 0, sips_device, ""},
      {"SIPS to a SIP contact, though over TLS", "sips:bob@example.org", sip_device, tls(1), 480, "", "380"},
      {"SIPS to a UDP device", "sips:bob@example.org", "sip:bob@192.0.2.9:5070", udp(5070), 480, "", "380"},
      {"SIP to a SIPS contact: as SIP, over TLS", bob, sips_device, tls(1), 0, "sip:bob@192.0.2.9:40000", ""},
      {"SIP to a SIP contact", bob, sip_device, tls(1), 0, sip_device, ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    House house;
    const bool sips = row.contact.starts_with("sips:");
    REQUIRE(house.enter(row.device, sips ? "sips:example.org" : "sip:example.org", row.contact).status() ==
            200);
    const Sent sent = house.send(tls(2), message_to(row.asked));
    if (row.status != 0) {
      CHECK(sent.to.flow == 2);
      CHECK(sent.message.status() == row.status);
      CHECK(warning_of(sent.message) == row.warning);
    } else {
      CHECK(sent.to == row.device);
      CHECK(sent.message.request_uri_text() == row.forwarded);
    }
  }
}

TEST_CASE("a request that asks for SIPS must arrive over a secured hop: 480 with 380 (RFC 3261 26.2.2)") {
  Hop ws = tls(3), wss = tls(4), tcp = tls(5);
  ws.protocol = Protocol::ws;
  wss.protocol = Protocol::wss;
  tcp.protocol = Protocol::tcp;
  struct Row {
    std::string name;
    Hop from;
    bool refused;
  };
  for (const Row& row : {Row{"UDP", udp(5070), true}, Row{"TCP", tcp, true}, Row{"WebSocket", ws, true},
                         Row{"TLS", tls(1), false}, Row{"secure WebSocket", wss, false}}) {
    CAPTURE(row.name);
    House house;
    Ask options{.method = "OPTIONS", .uri = "sips:example.org", .call_id = "o"};
    const auto answer = house.ask(row.from, options);
    CHECK(answer.status() == (row.refused ? 480 : 200));
    if (row.refused) CHECK(warning_of(answer) == "380");
    // A SIPS Route of ours says the same of the way to us.
    Ask routed{.method = "OPTIONS",
               .uri = "sip:example.org",
               .call_id = "r",
               .lines = {"Route: <sips:192.0.2.1;lr>"}};
    CHECK(house.ask(row.from, routed).status() == (row.refused ? 480 : 200));
  }
}

TEST_CASE("a SIPS contact is bound only when its whole path is SIPS, else 400 (RFC 5630 5.2)") {
  struct Row {
    std::string name, uri, path;
    int status;
  };
  for (const Row& row :
       {Row{"all SIPS", "sips:example.org", "", 200}, Row{"SIP Request-URI", "sip:example.org", "", 400},
        Row{"SIPS Path", "sips:example.org", "Path: <sips:edge.example.org;lr>", 200},
        Row{"SIP Path", "sips:example.org", "Path: <sips:a.example.org;lr>, <sip:b;lr>", 400}}) {
    CAPTURE(row.name);
    House house;
    std::vector<std::string> lines;
    if (!row.path.empty()) lines.push_back(row.path);
    CHECK(house.enter(tls(1), row.uri, sips_device, lines).status() == row.status);
  }
  House house;
  CHECK(house.enter(tls(1), "sips:example.org", sips_device, {"Contact: <sip:bob@192.0.2.9>"}).status() ==
        400);
}

TEST_CASE("SIP and SIPS of one contact replace each other (RFC 5630 5.1.1.1)") {
  House house;
  REQUIRE(house.enter(tls(1), "sip:example.org", "sip:bob@192.0.2.9:40000").status() == 200);
  const auto answer = house.enter(tls(1), "sips:example.org", sips_device);
  REQUIRE(answer.status() == 200);
  CHECK(answer.values(HeaderId::contact).size() == 1);
  CHECK(answer.header(HeaderId::contact).starts_with("<sips:"));
}

TEST_CASE(
    "a SIPS INVITE gets SIPS Record-Routes, without transport=tls (RFC 3261 16.6 step 4, RFC 5630 5.3)") {
  for (const bool sips : {true, false}) {
    CAPTURE(sips);
    House house;
    REQUIRE(house.enter(tls(1), "sips:example.org", sips_device).status() == 200);
    Ask call = message_to(sips ? "sips:bob@example.org" : bob);
    call.method = "INVITE";
    call.lines = {sips ? "Contact: <sips:alice@192.0.2.9>" : "Contact: <sip:alice@192.0.2.9>"};
    const Sent sent = house.send(tls(2), call);
    const auto routes = sent.message.values(HeaderId::record_route);
    REQUIRE_FALSE(routes.empty());
    for (const auto route : routes) {
      CHECK(route.starts_with(sips ? "<sips:" : "<sip:"));
      CHECK((route.find("transport=tls") == route.npos) == sips);
    }
  }
}

TEST_CASE("a contact that ends in .invalid is reached down its WebSocket and nowhere else (RFC 7118 5)") {
  House house;
  Hop ws = tls(9);
  ws.protocol = Protocol::ws;
  const std::string contact = "sip:x1@df7jal23ls0d.invalid;transport=ws";
  REQUIRE(house.enter(ws, "sip:example.org", contact).status() == 200);
  const Sent sent = house.send(udp(5070), message_to(bob));
  CHECK(sent.to == ws);
  CHECK(sent.message.request_uri_text() == contact);
  house.node().on_flow_closed(9);
  house.run();
  CHECK(house.take().message.status() == 202);  // the one that was on its way
  Ask late = message_to(bob);
  late.call_id = "late";
  CHECK(house.send(udp(5070), late).message.status() == 202);  // waits behind it
}
