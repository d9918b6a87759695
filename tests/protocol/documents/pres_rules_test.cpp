#include "protocol/documents/pres_rules.hpp"

#include <doctest/doctest.h>

#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::documents;

namespace {

constexpr std::string_view bob = "sip:bob@example.org";

std::string ruleset(const std::string& rules) {
  return "<cr:ruleset xmlns='urn:ietf:params:xml:ns:common-policy' "
         "xmlns:cr='urn:ietf:params:xml:ns:common-policy' "
         "xmlns:pr='urn:ietf:params:xml:ns:pres-rules' xmlns:d='urn:beckon:params:xml:ns:direct:1'>" +
         rules + "</cr:ruleset>";
}

std::string rule(const std::string& id, const std::string& conditions, const std::string& handling,
                 const std::string& transformations = "") {
  return "<rule id='" + id + "'><conditions>" + conditions + "</conditions><actions><pr:sub-handling>" +
         handling + "</pr:sub-handling></actions><transformations>" + transformations +
         "</transformations></rule>";
}

std::string one(std::string_view id) { return "<identity><one id='" + std::string(id) + "'/></identity>"; }

Rules read(const std::string& text) {
  auto rules = parse_pres_rules(text);
  REQUIRE(rules.has_value());
  return *rules;
}

std::optional<SubHandling> handling(const Rules& rules, std::string_view aor,
                                    const char* now = "2026-11-21T04:00:00Z", std::string_view sphere = "") {
  return decide(rules, {aor, *parse_time(now), sphere}).handling;
}

}  // namespace

TEST_CASE("identity conditions choose the watchers (RFC 4745 7.1)") {
  struct Row {
    const char* conditions;
    const char* aor;
    bool match;
  };
  for (const Row& row : {
           Row{"<identity><one id='sip:bob@example.org'/></identity>", "sip:bob@example.org", true},
           Row{"<identity><one id='SIP:bob@EXAMPLE.org'/></identity>", "sip:bob@example.org", true},
           Row{"<identity><one id='sip:Bob@example.org'/></identity>", "sip:bob@example.org", false},
           Row{"<identity><one id='sips:bob@example.org'/></identity>", "sip:bob@example.org", false},
           Row{"<identity><one id='a:x'/><one id='sip:bob@example.org'/></identity>", "sip:bob@example.org",
               true},
           Row{"<identity><one id='tel:+15551234'/></identity>", "tel:+15551234", true},
           Row{"<identity><many/></identity>", "sip:bob@example.org", true},
           Row{"<identity><many domain='Example.org'/></identity>", "sip:bob@example.org", true},
           Row{"<identity><many domain='example.com'/></identity>", "sip:bob@example.org", false},
           Row{"<identity><many domain='::1'/></identity>", "sip:bob@[::1]", true},
           Row{"<identity><many><except id='sip:bob@example.org'/></many></identity>", "sip:bob@example.org",
               false},
           Row{"<identity><many><except domain='example.org'/></many></identity>", "sip:bob@example.org",
               false},
           Row{"<identity><many><except domain='example.com'/></many></identity>", "sip:bob@example.org",
               true},
           Row{"<identity/>", "sip:bob@example.org", false},
           Row{"<identity><x:group xmlns:x='urn:x'/></identity>", "sip:bob@example.org", false},
           Row{"", "sip:bob@example.org", true},
           Row{"<x:rain xmlns:x='urn:x'/>", "sip:bob@example.org", false},
       }) {
    CAPTURE(row.conditions);
    CAPTURE(row.aor);
    const auto rules = read(ruleset(rule("r", row.conditions, "allow")));
    CHECK(handling(rules, row.aor).has_value() == row.match);
  }
}

TEST_CASE("validity and sphere conditions hold in their time and state (RFC 4745 7.3, 7.4)") {
  const auto rules = read(
      ruleset(rule("v",
                   "<validity><from>2026-01-01T00:00:00Z</from><until>2026-02-01T00:00:00Z</until>"
                   "<from>2026-03-01T00:00:00+01:00</from><until>2026-04-01T00:00:00Z</until></validity>",
                   "allow")));
  CHECK(handling(rules, bob, "2026-01-15T00:00:00Z"));
  CHECK_FALSE(handling(rules, bob, "2026-02-01T00:00:00Z"));
  CHECK(handling(rules, bob, "2026-02-28T23:00:00Z"));
  CHECK_FALSE(handling(rules, bob, "2026-02-28T22:59:59Z"));
  const auto spheres = read(ruleset(rule("s", "<sphere value='work home'/>", "allow")));
  CHECK(handling(spheres, bob, "2026-01-01T00:00:00Z", "home"));
  CHECK_FALSE(handling(spheres, bob, "2026-01-01T00:00:00Z", "travel"));
  CHECK_FALSE(handling(spheres, bob));
}

TEST_CASE(
    "matching rules combine: handling and modes by maximum, permissions by union (RFC 4745 10, RFC 5025 "
    "3.3)") {
  const auto rules = read(ruleset(
      rule("a", one(bob), "confirm",
           "<pr:provide-services><pr:class>x</pr:class></pr:provide-services><pr:provide-note>true</"
           "pr:provide-note>"
           "<pr:provide-user-input>bare</pr:provide-user-input><d:provide-direct>auto</d:provide-direct>") +
      rule("b", "<identity><many domain='example.org'/></identity>", "allow",
           "<pr:provide-services><pr:class>y</pr:class></pr:provide-services><pr:provide-mood>1</"
           "pr:provide-mood>"
           "<pr:provide-class>false</pr:provide-class><pr:provide-persons><pr:all-persons/></"
           "pr:provide-persons>"
           "<pr:provide-user-input>full</pr:provide-user-input><d:provide-direct>ask</d:provide-direct>"
           "<pr:provide-unknown-attribute ns='urn:x' name='y'>true</pr:provide-unknown-attribute>") +
      rule("c", one("sip:carol@example.org"), "block", "<pr:provide-all-attributes/>")));
  const auto decision = decide(rules, {bob});
  CHECK(decision.handling == SubHandling::allow);
  const auto& t = decision.transformations;
  CHECK(t.direct == ds1::Mode::automatic);
  CHECK(t.services.selectors ==
        std::set<std::pair<std::string, std::string>>{{"class", "x"}, {"class", "y"}});
  CHECK(t.persons.all);
  CHECK_FALSE(t.devices.all);
  CHECK(t.attributes == std::set<std::string>{"mood", "note"});
  CHECK(t.user_input == "full");
  CHECK(t.unknown_attributes.contains({"urn:x", "y"}));
  CHECK_FALSE(t.all_attributes);
  CHECK(handling(rules, "sip:carol@example.org") == SubHandling::allow);
}

TEST_CASE("a direct mode takes effect only for watchers that are allowed (DIRECT_SESSIONS 3.4)") {
  for (const char* word : {"block", "confirm", "polite-block"}) {
    CAPTURE(word);
    const auto rules = read(ruleset(rule("a", one(bob), word, "<d:provide-direct>auto</d:provide-direct>")));
    CHECK(decide(rules, {bob}).transformations.direct == ds1::Mode::off);
  }
  const auto rules = read(ruleset(rule("a", one(bob), "allow")));
  CHECK(decide(rules, {bob}).transformations.direct == ds1::Mode::off);
  CHECK_FALSE(decide(Rules{}, {bob}).handling);
}

TEST_CASE("ambiguous rule documents are refused") {
  struct Row {
    std::string rules;
    Errc errc;
  };
  for (const Row& row :
       {Row{rule("", "", "allow"), Errc::missing_attribute}, Row{"<rule/>", Errc::missing_attribute},
        Row{rule("a", "", "allow") + rule("a", "", "block"), Errc::duplicate_id},
        Row{rule("a", "", "maybe"), Errc::bad_value},
        Row{rule("a", "<identity><one/></identity>", "allow"), Errc::missing_attribute},
        Row{rule("a", "<identity><many><except/></many></identity>", "allow"), Errc::missing_attribute},
        Row{rule("a", "<sphere/>", "allow"), Errc::missing_attribute},
        Row{rule("a", "<validity><from>2026-01-01T00:00:00Z</from></validity>", "allow"),
            Errc::bad_structure},
        Row{rule("a", "<validity><until>2026-01-01T00:00:00Z</until></validity>", "allow"),
            Errc::bad_structure},
        Row{rule("a", "<validity><from>soon</from></validity>", "allow"), Errc::bad_value},
        Row{rule("a", "", "allow", "<d:provide-direct>loud</d:provide-direct>"), Errc::bad_value},
        Row{rule("a", "", "allow", "<pr:provide-user-input>some</pr:provide-user-input>"), Errc::bad_value},
        Row{rule("a", "", "allow", "<pr:provide-unknown-attribute>true</pr:provide-unknown-attribute>"),
            Errc::missing_attribute}}) {
    CAPTURE(row.rules);
    CHECK(parse_pres_rules(ruleset(row.rules)).error() == row.errc);
  }
  CHECK(parse_pres_rules("<ruleset/>").error() == Errc::wrong_root);
}

TEST_CASE("rules print as they were written") {
  const auto text =
      ruleset(rule("a", one(bob), "allow", "<x:new xmlns:x='urn:x'> y </x:new>") + "<x:z xmlns:x='urn:x'/>");
  const auto rules = read(text);
  const auto printed = print(rules);
  CHECK(printed.find("<x:new xmlns:x='urn:x'> y </x:new>") != std::string::npos);
  CHECK(print(read(printed)) == printed);
  CHECK(decide(read(printed), {bob}) == decide(rules, {bob}));
}

TEST_CASE("a verdict on one watcher becomes the decision, whatever the rules were before") {
  struct Row {
    const char* what;
    std::string rules;
  };
  for (const Row& row :
       {Row{"nothing", ""},
        Row{"his own rule", rule("w1", one(bob), "allow", "<d:provide-direct>auto</d:provide-direct>")},
        Row{"a rule shared with carol",
            rule("s", "<identity><one id='sip:bob@example.org'/><one id='sip:carol@example.org'/></identity>",
                 "allow")},
        Row{"a rule for his domain", rule("m", "<identity><many domain='example.org'/></identity>", "allow",
                                          "<d:provide-direct>auto</d:provide-direct>")}}) {
    CAPTURE(row.what);
    for (const Verdict verdict :
         {Verdict{SubHandling::allow, ds1::Mode::ask}, Verdict{SubHandling::allow},
          Verdict{SubHandling::allow, ds1::Mode::automatic}, Verdict{SubHandling::block},
          Verdict{SubHandling::polite_block}, Verdict{SubHandling::confirm}}) {
      CAPTURE(to_string(verdict.handling));
      auto rules = read(ruleset(row.rules));
      const auto carol = decide(rules, {"sip:carol@example.org"});
      REQUIRE(set_watcher(rules, bob, verdict).has_value());
      for (const auto& checked : {rules, read(print(rules))}) {
        const auto decision = decide(checked, {bob});
        CHECK(decision.handling == verdict.handling);
        CHECK(decision.transformations.direct == verdict.direct);
        CHECK(decision.transformations.services.all == (verdict.handling == SubHandling::allow));
        CHECK(decide(checked, {"sip:carol@example.org"}) == carol);
      }
    }
  }
}

TEST_CASE("a rule for everyone that outvotes a verdict is an error and changes nothing") {
  auto rules = read(ruleset(rule("all", "", "allow")));
  CHECK(set_watcher(rules, bob, {SubHandling::block}).error() == Errc::rule_in_the_way);
  CHECK(rules.rules.size() == 1);
  CHECK(set_watcher(rules, bob, {SubHandling::allow, ds1::Mode::automatic}).has_value());
}

TEST_CASE("a verdict for a domain holds for everybody of it but for those that have a verdict of their own") {
  const std::string carol = "sip:carol@example.org", far = "sip:dan@elsewhere.example";
  Rules rules;
  REQUIRE(set_watcher(rules, bob, {SubHandling::block}).has_value());
  REQUIRE(set_watcher(rules, far, {SubHandling::block}).has_value());
  for (const Verdict verdict : {Verdict{SubHandling::allow, ds1::Mode::automatic},
                                Verdict{SubHandling::confirm}, Verdict{SubHandling::block}}) {
    CAPTURE(to_string(verdict.handling));
    REQUIRE(set_domain(rules, "example.org", verdict).has_value());
    for (const auto& checked : {rules, read(print(rules))}) {
      CHECK(decide(checked, {carol}).handling == verdict.handling);
      CHECK(decide(checked, {carol}).transformations.direct == verdict.direct);
      CHECK(handling(checked, bob) == SubHandling::block);
      CHECK(handling(checked, far) == SubHandling::block);
      CHECK(checked.rules.size() == 3);
    }
  }
  // Whoever is allowed stays allowed.
  REQUIRE(set_watcher(rules, bob, {SubHandling::allow}).has_value());
  CHECK(handling(rules, bob) == SubHandling::allow);
  forget_domain(rules, "example.org");
  CHECK_FALSE(handling(rules, carol));
  CHECK(handling(rules, bob) == SubHandling::allow);
}

TEST_CASE("a domain is excepted from a rule for all domains, and is in the way of none for everyone") {
  auto rules = read(ruleset(
      rule("any", "<identity><many/></identity>", "allow") +
      rule("two", "<identity><many domain='example.org'/><one id='sip:x@y'/></identity>", "confirm")));
  REQUIRE(set_domain(rules, "example.org", {SubHandling::block}).has_value());
  CHECK(handling(rules, bob) == SubHandling::block);
  CHECK(handling(rules, "sip:bob@elsewhere.example") == SubHandling::allow);
  CHECK(rules.rules.size() == 3);  // the one that names a user, too, stays for that one
  auto all = read(ruleset(rule("all", "", "allow")));
  CHECK(set_domain(all, "example.org", {SubHandling::block}).error() == Errc::rule_in_the_way);
}

TEST_CASE("after a watcher is forgotten no rule names it, and nobody is allowed more than before") {
  auto rules = read(ruleset(
      rule("s", "<identity><one id='sip:bob@example.org'/><one id='sip:carol@example.org'/></identity>",
           "allow") +
      rule("m", "<identity><many domain='example.org'/></identity>", "allow")));
  REQUIRE(set_watcher(rules, bob, {SubHandling::block}).has_value());
  forget_watcher(rules, bob);
  CHECK_FALSE(handling(rules, bob));
  CHECK(handling(rules, "sip:carol@example.org") == SubHandling::allow);
  CHECK(rules.rules.size() == 2);
  CHECK(print(rules).find("<one id='sip:bob@example.org'/>") == std::string::npos);
}

TEST_CASE("successive verdicts keep one rule for each watcher, with distinct ids") {
  Rules rules;
  for (const auto aor : {"sip:a@x", "sip:b@x", "sip:c@x", "sip:b@x", "sip:a@x", "sip:\"<&@x"}) {
    REQUIRE(set_watcher(rules, aor, {SubHandling::allow, ds1::Mode::ask}).has_value());
  }
  CHECK(rules.rules.size() == 4);
  CHECK(read(print(rules)).rules.size() == 4);
  CHECK(handling(rules, "sip:\"<&@x") == SubHandling::allow);
}
