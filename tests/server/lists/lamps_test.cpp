#include "protocol/documents/dialoginfo.hpp"
#include "tests/server/lists/street.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using namespace std::chrono_literals;
using sip::HeaderId;

// Lists of dialogs: the lamps of a panel (RFC 4235 in RFC 4662).

namespace {

/// The states of all dialogs of a member, in their order, as the panel has pieced them together.
std::string lamp(Street& street, const std::string& member) {
  if (street.copy.state(member) != "active") return street.copy.state(member);
  CHECK(street.copy.rows[member].type == "application/dialog-info+xml");
  const auto info = documents::parse_dialoginfo(street.copy.rows[member].body);
  REQUIRE(info.has_value());
  // A watcher that gets one list document need not have had the one before.
  CHECK(info->state == documents::DialogInfo::State::full);
  CHECK(info->entity == member);
  std::string states;
  for (const auto& dialog : info->dialogs) states += documents::to_string(dialog.state) + std::string(" ");
  return states;
}

struct Panel {
  Panel() {
    for (const auto& member : {bob, carol}) street.put(member, "pres-rules/index", rules(alice, "allow"));
    street.put(dave, "pres-rules/index", rules(alice, "block"));
    street.put(alice, "rls-services/index", services(service(friends, {bob, carol, dave})));
    auto lines = Street::supported();
    lines.push_back("Accept: application/dialog-info+xml");
    CHECK(street.subscribe(friends, lines, {}, "dialog").status() == 200);
  }
  /// One dialog of `who`, as the phone tells it.
  void tell(const std::string& who, const std::string& state) {
    Ask ask{.method = "PUBLISH", .uri = who, .to = who, .call_id = "publish" + who};
    ask.lines = {"Event: dialog", "Content-Type: application/dialog-info+xml"};
    if (!etags[who].empty()) ask.lines.push_back("SIP-If-Match: " + etags[who]);
    ask.body =
        R"(<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity=")" + who +
        R"("><dialog id="d" call-id="c-)" + who + R"(" local-tag="l" remote-tag="r"><state>)" + state +
        "</state></dialog></dialog-info>";
    const auto answer = street.send(ask, who, tls(9));
    REQUIRE(answer.status() == 200);
    etags[who] = std::string(answer.header(HeaderId::sip_etag));
    street.pass(2s);  // dialogs are told once a second at most (RFC 4235 3.10)
  }
  std::map<std::string, std::string> etags;
  Street street{3};
};

}  // namespace

TEST_CASE("a panel follows all of its lamps in one subscription; who hides dialogs shows none") {
  Panel panel;
  Street& street = panel.street;
  CHECK(street.copy.full == 1);
  CHECK(lamp(street, bob) == "");
  CHECK(lamp(street, dave) == "terminated;rejected");
  panel.tell(bob, "trying");
  CHECK(lamp(street, bob) == "trying ");
  CHECK(lamp(street, carol) == "");
  panel.tell(bob, "early");
  panel.tell(carol, "confirmed");
  panel.tell(dave, "confirmed");
  CHECK(lamp(street, bob) == "early ");
  CHECK(lamp(street, carol) == "confirmed ");
  CHECK(lamp(street, dave) == "terminated;rejected");
  panel.tell(bob, "confirmed");
  CHECK(lamp(street, bob) == "confirmed ");
  panel.tell(bob, "terminated");
  const std::string over = lamp(street, bob);
  CHECK((over.empty() || over == "terminated "));
  CHECK(street.copy.full == 1);

  street.put(carol, "pres-rules/index", rules(alice, "block"));
  CHECK(lamp(street, carol) == "terminated;rejected");
  CHECK(street.copy.rows[carol].body.empty());
}
