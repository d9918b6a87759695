#include "protocol/trace/ladder.hpp"

#include <doctest/doctest.h>

#include "tests/protocol/trace/stage.hpp"

using namespace beckon;
using namespace beckon::trace;

namespace {

const std::string alice = "sip:alice@example.org", bob = "sip:bob@example.org";

Line line(Direction direction, std::string_view peer, std::string text, int milliseconds) {
  const auto owner = share(std::move(text));
  return make_line({.time = {Time{}, WallTime{std::chrono::milliseconds(milliseconds)}},
                    .hop = testing::hop(transaction::Protocol::tls, peer),
                    .direction = direction,
                    .problem = {},
                    .size = owner->size(),
                    .owner = owner,
                    .text = *owner},
                   Detail::line);
}

std::vector<Line> story() {
  const char *at_alice = "192.0.2.1:40001", *at_bob = "192.0.2.2:40002";
  std::vector<Line> lines{
      line(Direction::received, at_alice,
           testing::request("REGISTER", "sip:example.org", alice, alice, "r", 1), 1),
      line(Direction::sent, at_alice, testing::response("401 Unauthorized", "REGISTER", alice, alice, "r", 1),
           2),
      line(Direction::received, at_alice, testing::request("MESSAGE", bob, alice, bob, "m", 1), 1003),
      line(Direction::sent, at_bob, testing::request("MESSAGE", bob, alice, bob, "m", 1), 1004),
      line(Direction::sent, at_bob, testing::request("MESSAGE", bob, alice, bob, "m", 1), 1504),
      line(Direction::received, at_bob, testing::response("200 OK", "MESSAGE", alice, bob, "m", 1), 1510),
      line(Direction::sent, at_alice, testing::response("200 OK", "MESSAGE", alice, bob, "m", 1), 1511),
      line(Direction::sent, at_alice,
           testing::request("NOTIFY", alice, bob, alice, "s", 2,
                            "Event: presence\nSubscription-State: active;expires=60\n"),
           61511),
  };
  lines[4].repeated = true;
  return lines;
}

}  // namespace

TEST_CASE("a ladder has a column for each end, named after the user it speaks for") {
  Ladder ladder({.self = "beckond"});
  std::string drawn;
  const auto lines = story();
  for (const Line& each : lines) ladder.meet(each);
  for (const Line& each : lines) drawn += ladder.draw(each);
  CHECK(drawn == R"(
  alice is at tls 192.0.2.1:40001
  bob is at tls 192.0.2.2:40002
                 alice     beckond      bob
00:00:00.001       │─────────▶│          │   REGISTER sip:example.org                  1 REGISTER                                  126
00:00:00.002       │◀─────────│          │   401 Unauthorized                          1 REGISTER                                  124
00:00:01.003       │─────────▶│          │   MESSAGE sip:bob@example.org               1 MESSAGE                                   126
00:00:01.004       │          │─────────▶│   MESSAGE sip:bob@example.org               1 MESSAGE                                   126
00:00:01.504       │          │─────────▶│   MESSAGE sip:bob@example.org               1 MESSAGE                                   126 again
00:00:01.510       │          │◀─────────│   200 OK                                    1 MESSAGE                                   111
00:00:01.511       │◀─────────│          │   200 OK                                    1 MESSAGE                                   111
00:01:01.511       │◀─────────│          │   NOTIFY sip:alice@example.org              2 NOTIFY          presence, active          180
)");
}

TEST_CASE("a ladder drawn live gets a new head when another end appears") {
  Ladder ladder({.self = "beckond"});
  const auto lines = story();
  CHECK(ladder.draw(lines[0]).find("alice is at tls 192.0.2.1:40001\n") != std::string::npos);
  CHECK(ladder.draw(lines[1]).find("is at") == std::string::npos);
  CHECK(ladder.draw(lines[3]).find("bob is at tls 192.0.2.2:40002\n") != std::string::npos);
}

TEST_CASE("an end that speaks for several is named by its address") {
  Ladder ladder({.self = "beckond"});
  const auto of = [](const std::string& who) {
    return line(Direction::received, "192.0.2.9:5061", testing::request("MESSAGE", bob, who, bob, "m", 1), 1);
  };
  CHECK(ladder.draw(of(alice)).find("alice is at") != std::string::npos);
  const auto head = ladder.draw(of("sip:carol@example.com"));
  CHECK(head.find("is at") == std::string::npos);
  CHECK(head.find("tls 192.0.2.9:5061") != std::string::npos);
  CHECK(ladder.draw(of(alice)).find('\n') == ladder.draw(of(alice)).size() - 1);
}

TEST_CASE("a user agent's ladder names the other ends by their addresses") {
  Ladder ladder({.self = "alice", .is_server = false});
  const auto drawn = ladder.draw(story()[2]);
  CHECK(drawn.find("tls 192.0.2.1:40001") != std::string::npos);
  CHECK(drawn.find("is at") == std::string::npos);
}

TEST_CASE("text that peers choose cannot move the cursor, and colour appears only on request") {
  Line evil = story()[0];
  evil.request_uri = "sip:\x1b[2J\xc2\x9b\n";
  evil.text = "SIP\x1b[31m\r\nTo: t\r\n\r\nbody";
  const auto drawn = Ladder({.self = "beckond"}).draw(evil);
  CHECK(drawn.find('\x1b') == std::string::npos);
  CHECK(drawn.find("\xc2\x9b") == std::string::npos);
  CHECK(drawn.find("REGISTER sip:?[2J??") != std::string::npos);
  CHECK(drawn.find("\n              SIP?[31m\n              To: t\n\n              body\n") !=
        std::string::npos);
  CHECK(Ladder({.self = "beckond", .colour = true}).draw(story()[1]).find("\x1b[31m") != std::string::npos);
}

TEST_CASE("long names and URIs are shortened") {
  Line wide = story()[0];
  wide.request_uri = "sip:" + std::string(500, 'x');
  const auto drawn = Ladder({.self = "beckond"}).draw(wide);
  CHECK(drawn.find("xx… ") != std::string::npos);
  CHECK(drawn.size() < 600);
}

TEST_CASE("a ladder has at most eight columns: the end that is silent longest gives up its column") {
  Ladder ladder({.self = "beckond"});
  const auto of = [](std::size_t number) {
    Line one = story()[0];
    one.peer = "192.0.2." + std::to_string(number) + ":5060";
    return one;
  };
  for (std::size_t i = 1; i <= Ladder::most_peers; ++i) (void)ladder.draw(of(i));
  const auto full = ladder.draw(of(1)).size();
  CHECK(ladder.draw(of(9)).find('\n') == 0);  // a head: a new end
  CHECK(ladder.draw(of(1)).find('\n') != 0);  // still there
  CHECK(ladder.draw(of(2)).find('\n') == 0);  // had to go
  for (std::size_t i = 10; i <= 200; ++i) (void)ladder.draw(of(i));
  CHECK(ladder.draw(of(200)).size() <= full + 2);
}
