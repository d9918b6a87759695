#include "media/session/rtp_session.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

using namespace beckon;
using namespace beckon::session;

namespace {

/// A path without protection that keeps what was sent.
class OpenPath final : public MediaPath {
 public:
  bool send_rtp(Bytes& packet, Time) override {
    if (closed) return false;
    media.push_back(packet);
    return true;
  }
  void send_rtcp(Bytes& packet, Time now) override { reports.emplace_back(now, packet); }

  bool closed = false;
  std::deque<Bytes> media;
  std::deque<std::pair<Time, Bytes>> reports;
};

constexpr Line opus{.payload_type = 111, .clock_rate = 48000};

struct Side {
  Side(std::vector<Line> lines, std::uint64_t seed)
      : random(seed), session(lines, path, random, timers, start) {}

  rtp::Header sent(std::string_view payload, std::uint32_t timestamp = 0, Time now = start) {
    REQUIRE(session.send(0, as_bytes(payload), timestamp, false, now));
    return rtp::parse_packet(path.media.back())->header;
  }
  rtcp::Compound report(Time now) {
    session.send_rtcp(session.make_bye("x"), now);
    auto compound = rtcp::parse_compound(path.reports.back().second).value();
    return compound;
  }

  static constexpr Time start{Duration(1'000'000'000)};
  SeededRandom random;
  TimerQueue timers;
  OpenPath path;
  RtpSession session;
};

}  // namespace

TEST_CASE("packets are numbered one by one from a random number below 32768 (RFC 3550 5.1, RFC 3711 3.3.1)") {
  std::set<std::uint16_t> firsts;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Side side({opus}, seed);
    const auto first = side.sent("a", 0);
    const auto second = side.sent("b", 960);
    CHECK(first.sequence < 0x8000);
    CHECK(second.sequence == first.sequence + 1);
    CHECK(second.timestamp == first.timestamp + 960);
    CHECK(second.ssrc == first.ssrc);
    CHECK(first.payload_type == 111);
    firsts.insert(first.sequence);
  }
  CHECK(firsts.size() > 15);
}

TEST_CASE("a packet that the path did not send spends no sequence number and is not counted") {
  Side side({opus}, 1);
  const auto first = side.sent("a");
  side.path.closed = true;
  CHECK_FALSE(side.session.send(0, as_bytes("b"), 960, false, Side::start));
  side.path.closed = false;
  CHECK(side.sent("c").sequence == first.sequence + 1);
  CHECK(side.session.statistics().packets_sent == 2);
  CHECK(side.session.octets_sent(0) == 2);
}

TEST_CASE("own SSRCs that were not announced collide with no other one (RFC 3550 8.1)") {
  // The same seed draws the same numbers: the SSRC that a session without constraints takes is taken by the
  // peer here.
  Side free({opus}, 7);
  const auto taken = free.session.ssrc(0);
  Line line = opus;
  line.peer_ssrc = taken;
  Side side({line}, 7);
  CHECK(side.session.ssrc(0) != taken);
  line.ssrc = 5;
  Side announced({line}, 7);
  CHECK(announced.session.ssrc(0) == 5);
}

TEST_CASE("media of another payload type, another source, or a line that does not receive is dropped") {
  struct Row {
    const char* what;
    std::uint8_t payload_type;
    std::uint32_t ssrc;
    bool receives;
    bool taken;
  };
  for (const Row& row :
       {Row{"the line's own", 111, 5, true, true}, Row{"another payload type", 0, 5, true, false},
        Row{"another source", 111, 6, true, false}, Row{"a line that only sends", 111, 5, false, false}}) {
    CAPTURE(row.what);
    Line line = opus;
    line.receives = row.receives;
    line.peer_ssrc = 5;
    Side side({line}, 1);
    rtp::Packet packet;
    packet.header = {.payload_type = row.payload_type, .sequence = 1, .timestamp = 2, .ssrc = row.ssrc};
    CHECK(side.session.receive_rtp(rtp::print(packet), true, Side::start).has_value() == row.taken);
    CHECK(side.session.statistics().packets_received == (row.taken ? 1 : 0));
  }
}

TEST_CASE("the first source that speaks on a line keeps it") {
  Side side({opus}, 1);
  rtp::Packet packet;
  packet.header = {.payload_type = 111, .sequence = 1, .timestamp = 2, .ssrc = 5};
  CHECK(side.session.receive_rtp(rtp::print(packet), true, Side::start).has_value());
  packet.header.ssrc = 6;
  CHECK_FALSE(side.session.receive_rtp(rtp::print(packet), true, Side::start).has_value());
}

TEST_CASE("a packet is the newest when its number is the highest so far, also across the wrap") {
  Side side({opus}, 1);
  rtp::Packet packet;
  packet.header = {.payload_type = 111, .timestamp = 0, .ssrc = 5};
  std::vector<bool> newest;
  for (const int sequence : {65534, 65535, 65533, 0, 65535, 2, 1}) {
    packet.header.sequence = static_cast<std::uint16_t>(sequence);
    newest.push_back(side.session.receive_rtp(rtp::print(packet), true, Side::start)->newest);
  }
  CHECK(newest == std::vector<bool>{true, true, false, true, false, true, false});
}

TEST_CASE("what is not played is not counted, so that silence before the answer is no loss") {
  Side side({opus}, 1);
  rtp::Packet packet;
  packet.header = {.payload_type = 111, .sequence = 1, .timestamp = 0, .ssrc = 5};
  CHECK(side.session.receive_rtp(rtp::print(packet), false, Side::start)->newest);
  packet.header.sequence = 50;
  CHECK(side.session.receive_rtp(rtp::print(packet), true, Side::start + 1s)->newest);
  const auto statistics = side.session.statistics();
  CHECK(statistics.packets_received == 1);
  CHECK(statistics.packets_lost == 0);
  CHECK(statistics.first_received == Side::start + 1s);
  CHECK(statistics.began == Side::start);
}

TEST_CASE("random loss and reordering: what came and what was lost add up to what was sent (RFC 3550 A.3)") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Side sender({opus}, seed);
    Side receiver({opus}, seed + 100);
    SeededRandom random(seed);
    std::multimap<std::uint64_t, std::size_t> arrivals;
    constexpr std::size_t packets = 1000;
    std::set<std::size_t> sent;
    for (std::size_t n = 0; n < packets; ++n) {
      sender.sent("voice", static_cast<std::uint32_t>(n * 960));
      if (random.unit() < 0.2) continue;
      sent.insert(n);
      arrivals.emplace(n * 20 + random.below(100), n);
    }
    for (const auto& [when, n] : arrivals)
      receiver.session.receive_rtp(sender.path.media[n], true, Side::start + when * 1ms);
    const auto statistics = receiver.session.statistics();
    CHECK(statistics.packets_received == sent.size());
    const auto expected = static_cast<std::int64_t>(*sent.rbegin() - *sent.begin() + 1);
    CHECK(statistics.packets_lost == expected - static_cast<std::int64_t>(sent.size()));
  }
}

TEST_CASE("every compound packet begins with a report and the CNAME (RFC 3550 6.1, RFC 7022)") {
  Side side({opus}, 1);
  SUBCASE("RR before anything was sent") {
    const auto compound = side.report(Side::start);
    CHECK_FALSE(std::get<rtcp::Report>(compound.at(0)).sender.has_value());
    CHECK(std::get<rtcp::Report>(compound.at(0)).blocks.empty());
  }
  SUBCASE("SR with the timestamp of now after media was sent") {
    const auto header = side.sent("voice", 4800);
    const auto compound = side.report(Side::start + 500ms);
    const auto& sender = std::get<rtcp::Report>(compound.at(0)).sender;
    REQUIRE(sender.has_value());
    CHECK(sender->rtp_time == header.timestamp + 24000);
    CHECK(sender->packets == 1);
    CHECK(sender->octets == 5);
  }
  const auto compound = side.report(Side::start);
  const auto& chunk = std::get<rtcp::Description>(compound.at(1)).chunks.at(0);
  CHECK(chunk.ssrc == side.session.ssrc(0));
  CHECK(chunk.items.at(0).type == rtcp::item_cname);
  CHECK(chunk.items.at(0).text.size() == 16);
  CHECK(std::get<rtcp::Bye>(compound.at(2)).ssrcs == std::vector{side.session.ssrc(0)});
}

TEST_CASE("a report names the peer's last SR and how long ago it came (RFC 3550 6.4.1)") {
  Side alice({opus}, 1);
  Side bob({opus}, 2);
  alice.sent("voice");
  REQUIRE(bob.session.receive_rtp(alice.path.media.back(), true, Side::start).has_value());
  CHECK(std::get<rtcp::Report>(bob.report(Side::start).at(0)).blocks.at(0).last_sr == 0);
  alice.session.send_rtcp(alice.session.make_bye(""), Side::start);
  const auto received = bob.session.receive_rtcp(alice.path.reports.back().second, Side::start + 50ms);
  CHECK(received.size() == 3);
  const auto answer = bob.report(Side::start + 2050ms);
  const auto& block = std::get<rtcp::Report>(answer.at(0)).blocks.at(0);
  CHECK(block.ssrc == alice.session.ssrc(0));
  const auto sent = std::get<rtcp::Report>(received.at(0)).sender->ntp_time;
  CHECK(block.last_sr == static_cast<std::uint32_t>(sent >> 16));
  CHECK(block.delay_since_last_sr == 2 * 65536);
}

TEST_CASE("octets that are no compound packet yield nothing") {
  Side side({opus}, 1);
  CHECK(side.session.receive_rtcp(Bytes{0x80, 200, 0, 9}, Side::start).empty());
}

TEST_CASE("reports come every 2.5 to 7.5 s until they are stopped (RFC 3550 6.2, 6.3.1)") {
  Side side({opus}, 3);
  side.session.start_reports(Side::start);
  Time now = Side::start;
  Time last = now;
  for (int n = 0; n < 50; ++n) {
    REQUIRE(side.timers.next().has_value());
    now = *side.timers.next();
    side.timers.advance(now);
    REQUIRE(side.path.reports.size() == static_cast<std::size_t>(n) + 1);
    CHECK(side.path.reports.back().first - last >= 2500ms);
    CHECK(side.path.reports.back().first - last <= 7500ms);
    last = now;
  }
  side.session.stop_reports();
  CHECK_FALSE(side.timers.next().has_value());
}

TEST_CASE("two media: both own sources are described, and the first one reports what both peers sent") {
  const Line video{.payload_type = 96, .clock_rate = 90000};
  Side alice({opus, video}, 1);
  Side bob({opus, video}, 2);
  REQUIRE(alice.session.send(1, as_bytes("picture"), 0, true, Side::start));
  REQUIRE(bob.session.receive_rtp(alice.path.media.back(), true, Side::start)->line == 1);
  const auto from_bob = bob.report(Side::start);
  CHECK(std::get<rtcp::Report>(from_bob.at(0)).ssrc == bob.session.ssrc(0));
  CHECK(std::get<rtcp::Report>(from_bob.at(0)).blocks.at(0).ssrc == alice.session.ssrc(1));
  CHECK(std::get<rtcp::Description>(from_bob.at(1)).chunks.size() == 2);
  const auto from_alice = alice.report(Side::start);
  CHECK(std::get<rtcp::Report>(from_alice.at(1)).ssrc == alice.session.ssrc(1));
  CHECK(std::get<rtcp::Report>(from_alice.at(1)).sender->packets == 1);
}

TEST_CASE("a session without media sends no RTCP") {
  Side side({}, 1);
  side.session.send_rtcp(rtcp::Bye{}, Side::start);
  CHECK(side.path.reports.empty());
}

TEST_CASE("the peer's reports tell loss and round trip (RFC 3550 6.4.1)") {
  Side alice({opus}, 1), bob({opus}, 2);
  const auto carry = [](Side& from, Side& to, Time now) {
    for (; !from.path.media.empty(); from.path.media.pop_front()) {
      if (!to.session.receive_rtp(from.path.media.front(), true, now)) FAIL("refused");
    }
    for (; !from.path.reports.empty(); from.path.reports.pop_front())
      to.session.receive_rtcp(from.path.reports.front().second, now);
  };
  for (std::uint32_t n = 0; n < 100; ++n) {
    alice.sent("a", n * 960);
    if (n % 4 == 1) alice.path.media.pop_back();
  }
  alice.report(Side::start);
  carry(alice, bob, Side::start + 40ms);
  CHECK_FALSE(alice.session.statistics().round_trip.has_value());
  bob.report(Side::start + 1040ms);
  carry(bob, alice, Side::start + 1070ms);
  const Statistics statistics = alice.session.statistics();
  CHECK(statistics.reports == 1);
  CHECK(statistics.reported_loss == doctest::Approx(0.25).epsilon(0.02));
  REQUIRE(statistics.round_trip.has_value());
  CHECK(*statistics.round_trip >= 69ms);
  CHECK(*statistics.round_trip <= 71ms);
}

TEST_CASE(
    "a change of loss is reported early where the profile allows, at most every half second (RFC 4585 3.5)") {
  for (const bool early : {false, true}) {
    CAPTURE(early);
    Side alice({opus}, 1), bob({opus}, 2);
    bob.session.start_reports(Side::start, early);
    for (std::uint32_t n = 0; n < 110; ++n) {  // 2.2 s, before any regular report; a third lost from 0.6 s on
      const Time now = Side::start + n * 20ms;
      alice.sent("a", n * 960);
      if (n < 30 || n % 3 != 0) bob.session.receive_rtp(alice.path.media.back(), true, now);
    }
    CHECK(bob.path.reports.size() <= (early ? 4 : 0));
    CHECK(bob.path.reports.empty() == !early);
    for (std::size_t i = 1; i < bob.path.reports.size(); ++i)
      CHECK(bob.path.reports[i].first >= bob.path.reports[i - 1].first + early_report_pause);
  }
}
