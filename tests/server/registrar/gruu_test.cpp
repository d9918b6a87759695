#include "server/shard/gruu.hpp"

#include "protocol/sip/header_value.hpp"
#include "server/registrar/registrar.hpp"
#include "tests/server/world.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

const std::string instance = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const std::string device = ";+sip.instance=\"<" + instance + ">\"";
const std::string public_uri = "sip:alice@example.org;gr=" + instance;

/// alice's devices, which say that they know GRUUs.
struct Home : World {
  explicit Home(unsigned shards = 1) : World(open_settings(), shards) {}

  sip::Message register_from(const Hop& hop, const std::string& call_id, const std::string& contact) {
    return ask(hop, {.call_id = call_id,
                     .cseq = ++cseq,
                     .lines = {"Contact: " + contact, "Supported: gruu, outbound, path"}});
  }
  /// Is it a temporary GRUU that is valid?
  bool is_valid(const std::string& uri) {
    const auto view = sip::view_uri(uri);
    REQUIRE(view.has_value());
    const auto callee = registrar(alice).callee_of(*view);
    return callee && registrar(alice).is_valid(*callee);
  }
  unsigned cseq = 0;
};

std::vector<sip::Contact> contacts_of(const sip::Message& answer) {
  REQUIRE(answer.status() == 200);
  const auto read = answer.contacts();
  REQUIRE(read.has_value());
  std::vector<sip::Contact> all;
  for (const auto& address : *read) all.push_back({address});
  return all;
}
std::string temporary_in(const sip::Message& answer) { return contacts_of(answer).at(0).temp_gruu(); }

}  // namespace

TEST_CASE("a device that says it supports GRUUs gets a public and a temporary one (RFC 5627 5.2)") {
  Home home;
  const auto answer = home.register_from(udp(5070), "call-1", "<sip:alice@192.0.2.9:5070>" + device);
  const auto contact = contacts_of(answer).at(0);
  CHECK(contact.pub_gruu() == public_uri);
  CHECK(contact.instance() == instance);
  CHECK(home.is_valid(contact.temp_gruu()));
  CHECK_FALSE(answer.lists(HeaderId::supported, "gruu"));
  CHECK_FALSE(answer.lists(HeaderId::require, "gruu"));
  SUBCASE("every REGISTER brings a new temporary one, and the earlier ones stay valid") {
    const auto again = home.register_from(udp(5070), "call-1", "<sip:alice@192.0.2.9:5070>" + device);
    CHECK(contacts_of(again).at(0).pub_gruu() == public_uri);
    CHECK(temporary_in(again) != contact.temp_gruu());
    CHECK(home.is_valid(temporary_in(again)));
    CHECK(home.is_valid(contact.temp_gruu()));
  }
  SUBCASE("a query shows the latest") {
    const auto query = home.ask(udp(5070), {.call_id = "query", .lines = {"Supported: gruu"}});
    CHECK(temporary_in(query) == contact.temp_gruu());
  }
  SUBCASE("who does not say so gets none") {
    const auto plain = home.ask(udp(5070), {.call_id = "query"});
    CHECK(contacts_of(plain).at(0).pub_gruu().empty());
    CHECK(contacts_of(plain).at(0).temp_gruu().empty());
  }
}

TEST_CASE("Require: gruu is accepted, and a contact without instance gets no GRUU (RFC 5627 5.1)") {
  Home home;
  const auto answer = home.ask(
      udp(5070), {.lines = {"Contact: <sip:alice@192.0.2.9:5070>", "Require: gruu", "Supported: gruu"}});
  CHECK(contacts_of(answer).at(0).pub_gruu().empty());
  CHECK(contacts_of(answer).at(0).temp_gruu().empty());
}

TEST_CASE("an instance ID that is no URN gets a temporary GRUU only") {
  Home home;
  const auto answer =
      home.register_from(udp(5070), "call-1", "<sip:alice@192.0.2.9:5070>;+sip.instance=\"<x>\"");
  CHECK(contacts_of(answer).at(0).pub_gruu().empty());
  CHECK(home.is_valid(temporary_in(answer)));
}

TEST_CASE(
    "temporary GRUUs end with the Call-ID and with the last contact of their device (RFC 5627 5.1, 5.3)") {
  Home home;
  const std::string contact = "<sip:alice@192.0.2.9:5070>" + device;
  const std::string first = temporary_in(home.register_from(udp(5070), "call-1", contact));
  SUBCASE("another Call-ID") {
    const std::string next = temporary_in(home.register_from(udp(5070), "call-2", contact));
    CHECK_FALSE(home.is_valid(first));
    CHECK(home.is_valid(next));
  }
  SUBCASE("a failed REGISTER changes nothing") {
    CHECK(home.register_from(udp(5070), "call-2", contact + ";expires=1").status() == 423);
    CHECK(home.is_valid(first));
  }
  SUBCASE("unregistered, and back with the same Call-ID") {
    home.register_from(udp(5070), "call-1", contact + ";expires=0");
    CHECK_FALSE(home.is_valid(first));
    const auto back = home.register_from(udp(5070), "call-1", contact);
    CHECK_FALSE(home.is_valid(first));
    CHECK(home.is_valid(temporary_in(back)));
    CHECK(contacts_of(back).at(0).pub_gruu() == public_uri);
  }
  SUBCASE("run out") {
    home.wait(2h);
    CHECK_FALSE(home.is_valid(first));
  }
  SUBCASE("another device of the same user has its own") {
    const auto both = contacts_of(
        home.register_from(udp(5071), "call-2", "<sip:alice@192.0.2.8:5071>;+sip.instance=\"<urn:uuid:2>\""));
    REQUIRE(both.size() == 2);
    const std::string other = both[1].temp_gruu();
    CHECK(both[0].temp_gruu() == first);
    home.register_from(udp(5070), "call-3", contact);
    CHECK(home.is_valid(other));
    CHECK_FALSE(home.is_valid(first));
  }
}

TEST_CASE("the flows of a device share its temporary GRUUs (RFC 5627 4.2, 5.1)") {
  Home home;
  const auto flow = [&](int reg_id) {
    return "<sip:alice@192.0.2.9:5070;transport=tls>" + device + ";reg-id=" + std::to_string(reg_id);
  };
  const std::string one = temporary_in(home.register_from(tls(1), "call-1", flow(1)));
  home.wait(1s);
  const auto both = contacts_of(home.register_from(tls(2), "call-2", flow(2)));
  REQUIRE(both.size() == 2);
  // "The most recently created temporary GRUU for that AOR and instance ID" stands at both.
  const std::string two = both[0].temp_gruu();
  CHECK(both[1].temp_gruu() == two);
  CHECK(two != one);
  SUBCASE("they stay valid while one flow is registered") {
    home.node().on_flow_closed(1);
    home.run();
    CHECK(home.registrar(alice).bindings(alice).size() == 1);
    CHECK(home.is_valid(one));
    CHECK(home.is_valid(two));
  }
  SUBCASE("another Call-ID on one flow ends those of all, over a restart too") {
    const std::string three = temporary_in(home.register_from(tls(1), "call-3", flow(1)));
    CHECK_FALSE(home.is_valid(one));
    CHECK_FALSE(home.is_valid(two));
    home.node().on_flow_closed(1);
    home.run();
    CHECK(home.is_valid(three));
    home.restart(1);
    CHECK_FALSE(home.is_valid(one));
    CHECK(home.is_valid(three));
  }
}

TEST_CASE("the flow refreshed last stands for its device, and the others follow it (RFC 5626 7)") {
  Home home;
  const auto enter = [&](transaction::FlowId flow, const std::string& of, int reg_id) {
    home.register_from(tls(flow), "call-" + std::to_string(flow),
                       "<sip:alice@192.0.2.9:5070;transport=tls>" + of + ";reg-id=" + std::to_string(reg_id));
    home.wait(1s);
  };
  const std::string other = ";q=0.5;+sip.instance=\"<urn:uuid:2>\"";
  enter(1, device, 1);
  enter(3, other, 1);
  enter(2, device, 2);
  const auto flows = [&](const Callee& callee) {
    std::vector<transaction::FlowId> found;
    for (const auto& binding : home.registrar(alice).targets(callee, home.clock.now()))
      found.push_back(binding.flow());
    return found;
  };
  using Flows = std::vector<transaction::FlowId>;
  CHECK(flows({.aor = alice}) == Flows{2, 1, 3});
  enter(1, device, 1);
  CHECK(flows({.aor = alice}) == Flows{1, 2, 3});
  CHECK(flows({.aor = alice, .instance = instance}) == Flows{1, 2});
  CHECK(flows({.aor = alice, .instance = "urn:uuid:2"}) == Flows{3});
  home.node().on_flow_closed(1);
  home.run();
  CHECK(flows({.aor = alice, .instance = instance}) == Flows{2});
}

TEST_CASE("GRUUs are the same after kill -9, whatever the number of shards") {
  Home home(2);
  const auto before =
      contacts_of(home.register_from(udp(5070), "call-1", "<sip:alice@192.0.2.9:5070>" + device));
  home.restart(1);
  CHECK(home.is_valid(before.at(0).temp_gruu()));
  const auto query =
      contacts_of(home.ask(udp(5070), {.call_id = "query", .cseq = 1, .lines = {"Supported: gruu"}}));
  CHECK(query.at(0).temp_gruu() == before.at(0).temp_gruu());
  CHECK(query.at(0).pub_gruu() == public_uri);
  const auto refreshed = home.register_from(udp(5070), "call-1", "<sip:alice@192.0.2.9:5070>" + device);
  CHECK(home.is_valid(temporary_in(refreshed)));
  CHECK(home.is_valid(before.at(0).temp_gruu()));
}

TEST_CASE("a contact that would lead back to its user is refused with 403 (RFC 5627 5.1)") {
  Home home;
  const std::string temporary =
      temporary_in(home.register_from(udp(5070), "call-1", "<sip:alice@192.0.2.9:5070>" + device));
  struct Row {
    const char* name;
    std::string contact;
    int status;
  };
  const Row rows[] = {
      {"the address-of-record", "<sip:alice@example.org>" + device, 403},
      {"with other letters of the host", "<sip:alice@EXAMPLE.org>" + device, 403},
      {"a public GRUU of the user", "<" + public_uri + ">" + device, 403},
      {"a temporary one", "<" + temporary + ">" + device, 403},
      {"no SIP URI", "<tel:+15551234>" + device, 403},
      {"a GRUU of another user", "<sip:bob@example.org;gr=urn:uuid:2>" + device, 200},
      {"the user's name at a port of the domain's host", "<sip:alice@example.org:5070>" + device, 200},
      {"another user of the domain", "<sip:bob@example.org>" + device, 200},
      {"to be removed", "<sip:alice@example.org>" + device + ";expires=0", 200},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(home.register_from(udp(5070), "call-1", row.contact).status() == row.status);
  }
}
