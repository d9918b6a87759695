#include "server/store/record.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::store;

namespace {

const Now now{Time{1000s}, WallTime{std::chrono::seconds(1'700'000'000)}};
const TimeScale scale{.origin = now.wall - 1000s, .is_exact = false};
constexpr Duration grace = 90s;

const transaction::Hop hop{.protocol = transaction::Protocol::tls,
                           .remote = *parse_address("[2001:db8::1]:40000"),
                           .local = *parse_address("192.0.2.1:5061"),
                           .flow = 7};

}  // namespace

TEST_CASE("a record reads back as it was written") {
  const std::string value = RecordWriter()
                                .text("sip:alice@example.org")
                                .text(std::string_view("\0\xff", 2))
                                .number(0)
                                .number(127)
                                .number(128)
                                .number(~std::uint64_t{0})
                                .flag(true)
                                .time(now.mono - 5s, scale)
                                .hop(hop)
                                .finish();
  RecordReader reader(value);
  CHECK(reader.text() == "sip:alice@example.org");
  CHECK(reader.text() == std::string_view("\0\xff", 2));
  CHECK(reader.number() == 0);
  CHECK(reader.number() == 127);
  CHECK(reader.number() == 128);
  CHECK(reader.number() == ~std::uint64_t{0});
  CHECK(reader.flag());
  CHECK(reader.time(now.mono, scale) == now.mono - 5s);
  const auto kept = reader.hop();
  CHECK(kept.had_flow);
  CHECK(kept.hop.flow == 0);
  CHECK(kept.hop.remote == hop.remote);
  CHECK(kept.hop.local == hop.local);
  CHECK(kept.hop.protocol == hop.protocol);
  CHECK(reader.ok());
}

TEST_CASE("fields that a later version adds are left, fields that an earlier one did not have are empty") {
  const std::string value = RecordWriter().text("a").number(1).finish();
  RecordReader older(value);
  CHECK(older.text() == "a");
  CHECK(older.ok());
  RecordReader newer(value);
  CHECK(newer.text() == "a");
  CHECK(newer.number() == 1);
  CHECK(newer.text().empty());
  CHECK(newer.number() == 0);
  CHECK_FALSE(newer.flag());
  CHECK(newer.ok());
}

TEST_CASE("every cut and every damage of a record is read as something or refused") {
  const std::string value = RecordWriter()
                                .text("sip:a")
                                .hop(hop)
                                .lifetime(600s, now.mono + 60s, scale)
                                .time(now.mono, scale)
                                .finish();
  const auto read = [](std::string_view text) {
    RecordReader reader(text);
    (void)reader.text();
    (void)reader.hop();
    const Lifetime lifetime = reader.lifetime(now.mono, scale, grace);
    CHECK(lifetime.left <= lifetime.granted);
    CHECK(lifetime.left >= Duration::zero());
    CHECK(reader.time(now.mono, scale) <= now.mono);
    return reader.ok();
  };
  CHECK(read(value));
  for (std::size_t size = 0; size < value.size(); ++size) {
    CAPTURE(size);
    (void)read(std::string_view(value).substr(0, size));
    for (const char octet : {'\0', '\x7f', '\x80', '\xff'}) {
      std::string damaged = value;
      damaged[size] = octet;
      (void)read(damaged);
    }
  }
  CHECK_FALSE(read(""));
  CHECK_FALSE(read("{\"etag\":\"a\"}"));
}

TEST_CASE("a number too large for its field makes the record unreadable") {
  const std::string value = RecordWriter().number(70000).finish();
  RecordReader reader(value);
  (void)reader.number_as<std::uint16_t>();
  CHECK_FALSE(reader.ok());
}

TEST_CASE("a time that was kept is read by the clock of another process, and is never in the future") {
  const std::string value = RecordWriter().time(now.mono - 60s, scale).finish();
  struct Row {
    const char* name;
    Duration elapsed;  ///< By the wall clock.
    Duration age;
  };
  const Row rows[] = {{"at once", 0s, 60s},
                      {"later", 100s, 160s},
                      {"the clock was set back", -1h, 0s},
                      {"the clock jumped forward", std::chrono::years(20), std::chrono::years(10)}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Time later{5s};
    const TimeScale there{.origin = now.wall +
                                    std::chrono::duration_cast<std::chrono::milliseconds>(row.elapsed) - 5s};
    CHECK(RecordReader(value).time(later, there) == later - row.age);
  }
}
