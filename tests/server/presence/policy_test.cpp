#include "server/presence/policy.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::presence;

namespace {

const std::string alice = "sip:alice@example.org";
const std::string bob = "sip:bob@example.org";

Settings settings() {
  Settings settings;
  settings.domains = {"example.org"};
  settings.trusted_domains = {"friend.example"};
  return settings;
}

documents::Rules rules(const std::string& handling) {
  const std::string text =
      "<ruleset xmlns=\"urn:ietf:params:xml:ns:common-policy\" xmlns:p=\"urn:ietf:params:xml:ns:pres-rules\""
      " xmlns:d=\"urn:beckon:params:xml:ns:direct:1\"><rule id=\"a\"><conditions><identity><many/></identity>"
      "</conditions><actions><p:sub-handling>" +
      handling +
      "</p:sub-handling></actions><transformations>"
      "<p:provide-services><p:all-services/></p:provide-services><d:provide-direct>auto</d:provide-direct>"
      "</transformations></rule></ruleset>";
  return documents::parse_pres_rules(text).value();
}

}  // namespace

TEST_CASE(
    "the rule's sub-handling becomes the permission; direct counts with allow only (RFC 5025 3.2.1, "
    "DIRECT_SESSIONS 3.4)") {
  struct {
    const char* handling;
    Permission permission;
    ds1::Mode direct;
  } const rows[] = {{"block", Permission::block, ds1::Mode::off},
                    {"confirm", Permission::confirm, ds1::Mode::off},
                    {"polite-block", Permission::polite_block, ds1::Mode::off},
                    {"allow", Permission::allow, ds1::Mode::automatic}};
  for (const auto& row : rows) {
    CAPTURE(row.handling);
    const auto given = rules(row.handling);
    const View view = decide(settings(), &given, alice, bob, {});
    CHECK(view.permission == row.permission);
    CHECK(view.direct() == row.direct);
  }
}

TEST_CASE("a watcher of a domain that is an IPv6 address is one of this server's") {
  Settings settings;
  settings.domains = {"::1"};
  CHECK(is_welcome(settings, "sip:bob@[::1]"));
  CHECK_FALSE(is_welcome(settings, "sip:bob@[::2]"));
}

TEST_CASE("without a rule the configuration decides, and never grants direct sessions (DESIGN 6)") {
  Settings open = settings();
  open.watcher_policy = WatcherPolicy::allow;
  CHECK(decide(settings(), nullptr, alice, bob, {}).permission == Permission::confirm);
  CHECK(decide(open, nullptr, alice, bob, {}).permission == Permission::allow);
  CHECK(decide(open, nullptr, alice, bob, {}).direct() == ds1::Mode::off);
}

TEST_CASE(
    "a presentity always sees its own state, users of other domains see nothing whatever a rule says (DESIGN "
    "6)") {
  const auto block = rules("block");
  const auto allow = rules("allow");
  CHECK(decide(settings(), &block, alice, alice, {}).permission == Permission::allow);
  CHECK(decide(settings(), &allow, alice, "sip:eve@elsewhere.example", {}).permission == Permission::block);
  CHECK(decide(settings(), &allow, alice, "sip:dan@friend.example", {}).permission == Permission::allow);
  CHECK_FALSE(is_welcome(settings(), "sip:eve@example.org.evil"));
  CHECK_FALSE(is_welcome(settings(), ""));
}

TEST_CASE("the next change of rules is the nearest edge of a time they name (RFC 4745 7.4)") {
  const auto at = [](int seconds) { return WallTime{std::chrono::seconds(seconds)}; };
  documents::Rules timed;
  timed.rules.resize(2);
  timed.rules[0].conditions.validity = {{at(100), at(200)}, {at(300), at(400)}};
  CHECK(next_change(nullptr, at(0)) == WallTime::max());
  CHECK(next_change(&timed, at(0)) == at(100));
  CHECK(next_change(&timed, at(100)) == at(200));
  CHECK(next_change(&timed, at(250)) == at(300));
  CHECK(next_change(&timed, at(400)) == WallTime::max());
}
