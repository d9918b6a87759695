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
  settings.federation.domains = {"friend.example"};
  return settings;
}

documents::CompiledRules rules(const std::string& handling) {
  const std::string text =
      "<ruleset xmlns=\"urn:ietf:params:xml:ns:common-policy\" xmlns:p=\"urn:ietf:params:xml:ns:pres-rules\""
      " xmlns:d=\"urn:beckon:params:xml:ns:direct:1\"><rule id=\"a\"><conditions><identity><many/></identity>"
      "</conditions><actions><p:sub-handling>" +
      handling +
      "</p:sub-handling></actions><transformations>"
      "<p:provide-services><p:all-services/></p:provide-services><d:provide-direct>auto</d:provide-direct>"
      "</transformations></rule></ruleset>";
  return documents::CompiledRules(documents::parse_pres_rules(text).value().rules);
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
  std::vector<documents::Rule> all(2);
  all[0].conditions.validity = {{at(100), at(200)}, {at(300), at(400)}};
  const documents::CompiledRules timed(std::move(all));
  CHECK(next_change(nullptr, at(0)) == WallTime::max());
  CHECK(next_change(&timed, at(0)) == at(100));
  CHECK(next_change(&timed, at(100)) == at(200));
  CHECK(next_change(&timed, at(250)) == at(300));
  CHECK(next_change(&timed, at(400)) == WallTime::max());
}

TEST_CASE("a decision has a reason: the rules' ids, the policy, the domain, or that it is one's own") {
  Settings settings;
  settings.domains = {"example.org"};
  const auto parsed = documents::parse_pres_rules(
      "<cr:ruleset xmlns='urn:ietf:params:xml:ns:pres-rules' xmlns:cr='urn:ietf:params:xml:ns:common-policy'>"
      "<cr:rule id='friends'><cr:conditions><cr:identity><cr:one id='sip:bob@example.org'/></cr:identity>"
      "</cr:conditions><cr:actions><sub-handling>allow</sub-handling></cr:actions></cr:rule>"
      "<cr:rule id='all'><cr:conditions><cr:identity><cr:many domain='example.org'/></cr:identity>"
      "</cr:conditions><cr:actions><sub-handling>confirm</sub-handling></cr:actions></cr:rule></cr:ruleset>");
  REQUIRE(parsed.has_value());
  const documents::CompiledRules rules(parsed->rules);
  const auto reason = [&](const std::string& watcher, const documents::CompiledRules* by) {
    return reason_of(settings, by, "sip:alice@example.org", watcher, {});
  };
  CHECK(reason("sip:alice@example.org", &rules).by == Reason::By::own);
  CHECK(reason("sip:eve@example.net", &rules).by == Reason::By::foreign_domain);
  CHECK(reason("sip:bob@example.org", nullptr).by == Reason::By::default_policy);
  CHECK(reason("sip:bob@example.org", &rules).rules == std::vector<std::string>{"friends", "all"});
  CHECK(reason("sip:carol@example.org", &rules).rules == std::vector<std::string>{"all"});
  CHECK(std::string(to_string(Reason::By::rules)) == "rules");
}
