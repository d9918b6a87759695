#include "server/store/record.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::store;

namespace {

const Now now{Time{1000s}, WallTime{std::chrono::seconds(1'700'000'000)}};
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
                                .time(now.wall)
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
  CHECK(reader.time() == now.wall);
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
  const std::string value =
      RecordWriter().text("sip:a").hop(hop).lifetime(600s, now.mono + 60s, now).finish();
  const auto read = [](std::string_view text) {
    RecordReader reader(text);
    (void)reader.text();
    (void)reader.hop();
    const Lifetime lifetime = reader.lifetime(now, grace);
    CHECK(lifetime.left <= lifetime.granted);
    CHECK(lifetime.left >= Duration::zero());
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

TEST_CASE(
    "a restored lifetime is what is left of it, never more than was granted, and a jump leaves a grace") {
  struct Row {
    const char* name;
    Duration granted, wall_moved, left;
  };
  const Row rows[] = {
      {"100 s later", 600s, 100s, 500s},
      {"at once", 600s, 0s, 600s},
      {"the clock was set back twenty years", 600s, -std::chrono::years(20), 600s},
      {"the clock was set back a little", 600s, -10s, 600s},
      {"just before its end", 600s, 599s, 90s},
      {"the clock jumped forward twenty years", 600s, std::chrono::years(20), 90s},
      {"a lifetime shorter than the grace", 60s, 3600s, 60s},
      {"the longest", 7200s, 7000s, 200s},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const std::string value = RecordWriter().lifetime(row.granted, now.mono + row.granted, now).finish();
    const Now later{Time{5s},
                    now.wall + std::chrono::duration_cast<std::chrono::milliseconds>(row.wall_moved)};
    RecordReader reader(value);
    const Lifetime lifetime = reader.lifetime(later, grace);
    CHECK(lifetime.granted == row.granted);
    CHECK(lifetime.left == row.left);
  }
}
