#include "protocol/event/rate_control.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::event;

namespace {

constexpr Time t0{1000s};

sip::Rates rates(std::string_view parameters) { return sip::find_rates(parameters); }

}  // namespace

TEST_CASE("what is granted of what is asked for (RFC 6446 5.3, 6.3, 8)") {
  struct Row {
    const char* asked;
    const char* granted;
  };
  const Row rows[] = {
      {"", ""},
      {";max-rate=1", ";max-rate=1"},
      {";max-rate=0.0001", ";max-rate=0.001"},
      {";min-rate=1", ";min-rate=0.2"},
      {";max-rate=0.1;min-rate=0.15", ";max-rate=0.1;min-rate=0.1"},
      {";max-rate=0.1;adaptive-min-rate=0.15", ";max-rate=0.1;adaptive-min-rate=0.1"},
      {";min-rate=0.01;adaptive-min-rate=0.02", ";min-rate=0.01;adaptive-min-rate=0.02"},
      {";min-rate=0.02;adaptive-min-rate=0.02", ";adaptive-min-rate=0.02"},
      {";min-rate=0.5;adaptive-min-rate=0.4;max-rate=0.05", ";max-rate=0.05;adaptive-min-rate=0.05"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.asked);
    RateControl control(5s);
    control.grant(rates(row.asked), 1000s, t0);
    CHECK(sip::print(control.granted()) == row.granted);
  }
}

TEST_CASE("the interval of a maximum is rounded up, that of none is zero") {
  RateControl control(5s);
  CHECK(control.spacing() == Notifier::Pause{0});
  control.grant(rates(";max-rate=0.3"), 1000s, t0);
  CHECK(control.spacing() == Notifier::Pause{3334});
  CHECK_FALSE(control.due().has_value());
}

TEST_CASE("a minimum is counted from the newest NOTIFY (RFC 6446 6.2)") {
  RateControl control(5s);
  control.grant(rates(";min-rate=0.1"), 1000s, t0);
  CHECK(control.due() == t0 + 10s);
  control.on_sent(t0 + 4s);
  CHECK(control.due() == t0 + 14s);
  control.grant({}, 1000s, t0 + 5s);
  CHECK_FALSE(control.due().has_value());
}

TEST_CASE(
    "an adaptive minimum: few NOTIFYs lately bring the next one nearer, many put it off (RFC 6446 7.4)") {
  RateControl control(1s);
  control.grant(rates(";adaptive-min-rate=0.1"), 10000s, t0);
  // The history of a new subscription is that of the rate: count = period * rate, timeout = 1 / rate.
  CHECK(control.due() == t0 + 10s);
  SUBCASE("kept, the rate stays") {
    Time now = t0;
    for (int i = 0; i < 20; ++i) {
      now += 10s;
      control.on_sent(now);
      CHECK(control.due() == now + 10s);
    }
  }
  SUBCASE("many in a short time") {
    for (int i = 1; i <= 8; ++i) control.on_sent(t0 + i * 1s);
    CHECK(control.due() == t0 + 8s + 20s);  // 16 in the last 80 s: 16 / (0.01 * 80)
    for (int i = 9; i <= 70; ++i) control.on_sent(t0 + i * 1s);
    CHECK(control.due() == t0 + 70s + 40s);  // so many are counted at most
  }
  SUBCASE("none for long") {
    control.on_sent(t0 + 200s);
    CHECK(control.due() == t0 + 200s + 1250ms);
  }
  SUBCASE("the maximum holds (equation 2)") {
    control.grant(rates(";adaptive-min-rate=0.1;max-rate=0.2"), 10000s, t0);
    control.on_sent(t0 + 200s);
    CHECK(control.due() == t0 + 205s);
  }
  SUBCASE("the minimum holds after many") {
    control.grant(rates(";adaptive-min-rate=0.1;min-rate=0.08"), 10000s, t0);
    for (int i = 1; i <= 8; ++i) control.on_sent(t0 + i * 1s);
    CHECK(control.due() == t0 + 8s + 12500ms);
  }
}
