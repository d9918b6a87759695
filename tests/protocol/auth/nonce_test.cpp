#include "protocol/auth/nonce.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::auth;

namespace {

using Mark = NonceFactory::Verdict;
using Use = NonceWindow::Verdict;

}  // namespace

TEST_CASE("a nonce shows its age without being stored, and a nonce of another server is not accepted") {
  SeededRandom random(1);
  crypto::Key32 key{};
  random.fill(key);
  const NonceFactory factory(key, 60s);
  const Time t0 = Time{} + 1000s;
  const auto nonce = factory.make("bk07f.", "example.org", t0, random);
  CHECK(nonce.starts_with("bk07f."));
  CHECK(nonce != factory.make("bk07f.", "example.org", t0, random));

  CHECK(factory.check(nonce, "example.org", t0).verdict == Mark::fresh);
  CHECK(factory.check(nonce, "example.org", t0).minted == t0);
  CHECK(factory.check(nonce, "example.org", t0 + 60s).verdict == Mark::fresh);
  CHECK(factory.check(nonce, "example.org", t0 + 60s + 1us).verdict == Mark::stale);
  CHECK(factory.check(nonce, "example.net", t0).verdict == Mark::forged);
  CHECK(factory.check("", "example.org", t0).verdict == Mark::forged);

  crypto::Key32 other{};
  random.fill(other);
  CHECK(NonceFactory(other, 60s).check(nonce, "example.org", t0).verdict == Mark::forged);

  for (std::size_t i = 0; i < nonce.size(); ++i) {
    CAPTURE(i);
    auto changed = nonce;
    changed[i] = changed[i] == '0' ? '1' : '0';
    CHECK(factory.check(changed, "example.org", t0).verdict == Mark::forged);
    CHECK(factory.check(nonce.substr(0, i), "example.org", t0).verdict == Mark::forged);
  }
}

TEST_CASE("each count of a nonce is accepted once, also out of order within the last 64 (RFC 7616 3.4.5)") {
  NonceWindow window(60s);
  const Time t0{};
  CHECK(window.use("n", t0, 1, t0) == Use::fresh);
  CHECK(window.use("n", t0, 1, t0) == Use::replayed);
  CHECK(window.use("n", t0, 3, t0) == Use::fresh);
  CHECK(window.use("n", t0, 2, t0) == Use::fresh);
  CHECK(window.use("n", t0, 2, t0) == Use::replayed);
  CHECK(window.use("n", t0, 0, t0) == Use::replayed);
  CHECK(window.use("n", t0, 66, t0) == Use::fresh);
  CHECK(window.use("n", t0, 4, t0) == Use::fresh);
  CHECK(window.use("n", t0, 2, t0) == Use::replayed);
  CHECK(window.use("n", t0, 200, t0) == Use::fresh);
  CHECK(window.use("n", t0, 136, t0) == Use::replayed);
  CHECK(window.use("n", t0, 137, t0) == Use::fresh);
  CHECK(window.use("n", t0, 66, t0) == Use::replayed);
  CHECK(window.use("m", t0, 1, t0) == Use::fresh);
}

TEST_CASE("a count does not leap: one request cannot use up all that are left of a nonce") {
  NonceWindow window(60s);
  const Time t0{};
  constexpr auto leap = NonceWindow::leap_max;
  CHECK(window.use("n", t0, 1, t0) == Use::fresh);
  CHECK(window.use("n", t0, 0xffffffff, t0) == Use::replayed);
  CHECK(window.use("n", t0, 2 + leap, t0) == Use::replayed);
  CHECK(window.use("n", t0, 2, t0) == Use::fresh);
  CHECK(window.use("n", t0, 2 + leap, t0) == Use::fresh);
  CHECK(window.use("n", t0, 3 + 2 * leap, t0) == Use::replayed);
  // COMPAT: a client that goes on counting when its nonce changes.
  CHECK(window.use("m", t0, 100'000, t0) == Use::fresh);
  CHECK(window.use("m", t0, 100'001, t0) == Use::fresh);
}

TEST_CASE("a nonce serves the user that used it first, and its counts nobody else") {
  NonceWindow window(60s);
  const Time t0{};
  CHECK(window.use("n", t0, 1, t0, 7) == Use::fresh);
  CHECK(window.use("n", t0, 2, t0, 8) == Use::stale);
  CHECK(window.use("n", t0, 2, t0, 7) == Use::fresh);
  window.distrust("n", t0);
  CHECK_FALSE(window.is_of(7, "n", t0));
  CHECK(window.use("n", t0, 3, t0, 8) == Use::stale);
  CHECK(window.use("n", t0, 3, t0, 7) == Use::fresh);
}

TEST_CASE("a nonce is forgotten at the end of its life") {
  NonceWindow window(60s);
  const Time t0{};
  CHECK(window.use("n", t0, 1, t0) == Use::fresh);
  CHECK(window.use("m", t0 + 30s, 1, t0 + 61s) == Use::fresh);
  CHECK(window.size() == 1);
}

TEST_CASE("a full table evicts its oldest nonce, which is not accepted again") {
  NonceWindow window(60s, 2);
  const Time t0{};
  CHECK(window.use("a", t0, 1, t0) == Use::fresh);
  CHECK(window.use("b", t0 + 1s, 1, t0 + 1s) == Use::fresh);
  CHECK(window.use("c", t0 + 2s, 1, t0 + 2s) == Use::fresh);
  CHECK(window.size() == 2);
  CHECK(window.use("a", t0, 1, t0 + 3s) == Use::stale);
  CHECK(window.use("never used, as old", t0, 1, t0 + 3s) == Use::stale);
  CHECK(window.use("b", t0 + 1s, 1, t0 + 3s) == Use::replayed);
  CHECK(window.use("b", t0 + 1s, 2, t0 + 3s) == Use::fresh);
}

TEST_CASE("a nonce's first cnonce is kept, if it is not too long (RFC 7616 3.4.2)") {
  NonceWindow window(60s);
  const Time t0{};
  CHECK(window.session_cnonce("n", t0).empty());
  window.use("n", t0, 1, t0);
  CHECK(window.session_cnonce("n", t0).empty());
  window.use("n", t0, 1, t0, 0, "replayed");
  CHECK(window.session_cnonce("n", t0).empty());
  window.use("n", t0, 2, t0, 0, "a");
  window.use("n", t0, 3, t0, 0, "b");
  CHECK(window.session_cnonce("n", t0) == "a");
  window.use("long", t0, 1, t0, 0, std::string(NonceWindow::session_cnonce_max + 1, 'x'));
  CHECK(window.session_cnonce("long", t0).empty());
  window.use("long", t0, 2, t0, 0, "b");  // not the first
  CHECK(window.session_cnonce("long", t0).empty());
  window.use("m", t0 + 61s, 1, t0 + 61s);
  CHECK(window.session_cnonce("n", t0).empty());
}
