#include "protocol/documents/compiled_rules.hpp"

#include <doctest/doctest.h>

#include <array>

#include "protocol/base/random.hpp"

using namespace beckon;
using namespace beckon::documents;

namespace {

/// Rules and watchers of a small world, in which much meets: names that differ in case alone, other schemes,
/// URIs without host, domains that are excepted.
class Deck {
 public:
  explicit Deck(std::uint64_t seed) : random_(seed) {}

  std::string user() {
    return one_of({"sip:bob@example.org", "SIP:bob@EXAMPLE.org", "sip:Bob@example.org",
                   "sips:bob@example.org", "sip:carol@example.org", "sip:carol@example.net", "tel:+123",
                   "sip:example.org", "bob@example.org", "sip:a@b@example.org", ""});
  }
  std::string domain() { return one_of({"example.org", "EXAMPLE.net", "", "other.example"}); }

  Rule rule() {
    Rule made;
    if (below(4) != 0) {
      Identity identity;
      for (auto count = below(4); count > 0; --count) identity.ones.push_back(user());
      for (auto count = below(3); count > 0; --count) {
        Identity::Many many{.domain = domain(), .except_ids = {}, .except_domains = {}};
        for (auto excepted = below(3); excepted > 0; --excepted) many.except_ids.push_back(user());
        if (below(3) == 0) many.except_domains.push_back(domain());
        identity.manys.push_back(std::move(many));
      }
      made.conditions.identity = std::move(identity);
    }
    if (below(4) == 0) made.conditions.spheres = {one_of({"work", "home"})};
    if (below(4) == 0) made.conditions.validity = {{time(), time()}};
    made.conditions.reciprocal = below(4) == 0;
    made.conditions.unknown = below(8) == 0;
    if (below(4) != 0)
      made.handling = std::array{SubHandling::block, SubHandling::confirm, SubHandling::polite_block,
                                 SubHandling::allow}[below(4)];
    made.transformations.attributes = {one_of({"note", "mood"})};
    made.transformations.services.all = below(2) == 0;
    made.transformations.user_input = one_of({"", "bare", "full"});
    made.transformations.direct = below(2) == 0 ? ds1::Mode::automatic : ds1::Mode::off;
    return made;
  }
  WallTime time() { return WallTime{std::chrono::seconds(below(4))}; }
  std::string sphere() { return one_of({"work", "home", ""}); }
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_.below(limit)); }

 private:
  std::string one_of(std::initializer_list<const char*> texts) {
    return *(texts.begin() + below(texts.size()));
  }
  SeededRandom random_;
};

}  // namespace

TEST_CASE("compiled rules say of every watcher what the rules say, whatever its time, sphere and favour") {
  std::size_t decided = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    Deck deck(seed);
    Rules rules;
    for (auto count = deck.below(6); count > 0; --count) rules.rules.push_back(deck.rule());
    const CompiledRules compiled(rules.rules);
    CHECK(compiled.rules().size() == rules.rules.size());
    for (int i = 0; i < 20; ++i) {
      const std::string watcher = deck.user(), sphere = deck.sphere();
      const Asker asker{.aor = watcher, .now = deck.time(), .sphere = sphere, .lets_see = deck.below(2) == 0};
      CAPTURE(watcher);
      const Decision decision = compiled.decide(asker);
      CHECK(decision == decide(rules, asker));
      decided += decision.handling ? 1U : 0U;
    }
  }
  CHECK(decided > 2000);
}

TEST_CASE("compiled rules know what they ask for besides the watcher") {
  Rule sphere, reciprocal;
  sphere.conditions.spheres = {"work"};
  reciprocal.conditions.reciprocal = true;
  CHECK_FALSE(CompiledRules().ask_for_sphere());
  CHECK(CompiledRules({reciprocal, sphere}).ask_for_sphere());
  CHECK(CompiledRules({Rule(), reciprocal}).ask_for_reciprocity());
  CHECK_FALSE(CompiledRules({Rule(), sphere}).ask_for_reciprocity());
  CHECK_FALSE(CompiledRules().decide({.aor = "sip:bob@example.org"}).handling.has_value());
}
