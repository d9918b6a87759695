#include "client/message/peers.hpp"

#include <doctest/doctest.h>

#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::client::message;

namespace {

const std::string bob = "sip:bob@example.org";
const WallTime now = *parse_time("2026-11-21T04:00:00Z");

}  // namespace

TEST_CASE("what a peer has shown is remembered over a restart") {
  Peers peers;
  CHECK(peers.form_of(bob, now) == Peers::Form::unknown);
  CHECK(peers.takes_receipts(bob, now));
  CHECK(peers.takes_typing(bob, now));
  CHECK(peers.set_form(bob, Peers::Form::plain, now));
  CHECK_FALSE(peers.set_form(bob, Peers::Form::plain, now));
  CHECK(peers.refuse_receipts(bob, now));
  CHECK(peers.refuse_typing(bob, now));
  const Peers again = Peers::parse(peers.print());
  CHECK(again.form_of(bob, now) == Peers::Form::plain);
  CHECK_FALSE(again.takes_receipts(bob, now));
  CHECK_FALSE(again.takes_typing(bob, now));
  CHECK(peers.set_form(bob, Peers::Form::cpim, now));
  CHECK(Peers::parse(peers.print()).form_of(bob, now) == Peers::Form::cpim);
}

TEST_CASE("it is believed for 30 days: peers get new programs") {
  Peers peers;
  peers.set_form(bob, Peers::Form::plain, now);
  peers.refuse_typing(bob, now);
  CHECK(peers.form_of(bob, now + std::chrono::days(29)) == Peers::Form::plain);
  const WallTime later = now + std::chrono::days(30);
  CHECK(peers.form_of(bob, later) == Peers::Form::unknown);
  CHECK(peers.takes_typing(bob, later));
  CHECK(peers.form_of(bob, now - std::chrono::hours(1)) == Peers::Form::unknown);  // the clock was set back
  CHECK(peers.set_form(bob, Peers::Form::plain, later));
  CHECK(peers.takes_typing(bob, later));
}

TEST_CASE("of too many peers the one that was met longest ago is forgotten") {
  Peers peers;
  for (std::size_t i = 0; i <= Peers::peers_max; ++i)
    peers.set_form("sip:" + std::to_string(i) + "@example.org", Peers::Form::cpim,
                   now + std::chrono::seconds(i));
  const WallTime end = now + std::chrono::hours(1);
  CHECK(peers.form_of("sip:0@example.org", end) == Peers::Form::unknown);
  CHECK(peers.form_of("sip:1@example.org", end) == Peers::Form::cpim);
}

TEST_CASE("a file that cannot be read is learned again") {
  for (const char* text :
       {"", "[]", "{", R"({"sip:bob@example.org": 7})", R"({"sip:bob@example.org": {}})",
        R"({"sip:bob@example.org": {"form": "plain", "since": "once"}})",
        R"({"sip:bob@example.org": {"form": 7, "receipts": 1, "since": "2026-11-21T04:00:00Z"}})"}) {
    CAPTURE(text);
    const Peers peers = Peers::parse(text);
    CHECK(peers.form_of(bob, now) == Peers::Form::unknown);
    CHECK(peers.takes_receipts(bob, now));
  }
}
