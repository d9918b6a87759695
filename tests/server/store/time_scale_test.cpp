#include "server/store/time_scale.hpp"

#include <doctest/doctest.h>

#include "server/store/record.hpp"

using namespace beckon;
using namespace beckon::store;

namespace {

const Now first{Time{1000s}, WallTime{std::chrono::seconds(1'700'000'000)}};
constexpr Duration grace = 90s;

WallTime moved(WallTime wall, Duration by) {
  return wall + std::chrono::duration_cast<std::chrono::milliseconds>(by);
}

}  // namespace

TEST_CASE(
    "the first process of a boot sets the scale by its wall clock, later ones of the same boot go on by it") {
  Anchor kept;
  const TimeScale scale = begin_scale(kept, "boot 1", first);
  CHECK_FALSE(scale.is_exact);
  CHECK(scale.at(first.mono) == first.wall);
  CHECK(scale.at(first.mono + 1s) == first.wall + 1s);
  for (const Duration jump : {Duration(0s), Duration(1h), Duration(-1h), Duration(std::chrono::years(20))}) {
    CAPTURE(jump.count());
    const TimeScale next = begin_scale(kept, "boot 1", {first.mono + 60s, moved(first.wall, jump + 60s)});
    CHECK(next.is_exact);
    CHECK(next.at(first.mono + 60s) == first.wall + 60s);
  }
  const TimeScale other = begin_scale(kept, "boot 2", {Time{5s}, first.wall + 1h});
  CHECK_FALSE(other.is_exact);
  CHECK(other.at(Time{5s}) == first.wall + 1h);
  CHECK(begin_scale(kept, "boot 2", {Time{6s}, first.wall}).is_exact);
}

TEST_CASE("a boot without a name is never the same") {
  Anchor kept;
  CHECK_FALSE(begin_scale(kept, "", first).is_exact);
  CHECK_FALSE(begin_scale(kept, "", first).is_exact);
}

TEST_CASE("what is left of a lifetime that was kept: exact within a boot, bounded over one") {
  struct Row {
    const char* name;
    bool same_boot;
    Duration granted;
    Duration elapsed;  ///< By the monotonic clock.
    Duration jump;     ///< Of the wall clock meanwhile.
    Duration left;
  };
  const Row rows[] = {
      {"100 s later", true, 600s, 100s, 0s, 500s},
      {"at once", true, 600s, 0s, 0s, 600s},
      {"just before its end", true, 600s, 599s, 0s, 1s},
      {"after its end", true, 600s, 700s, 0s, 0s},
      {"set back twenty years", true, 600s, 100s, -std::chrono::years(20), 500s},
      {"forward twenty years", true, 600s, 100s, std::chrono::years(20), 500s},
      {"a monotonic clock that went back", true, 600s, -100s, 0s, 600s},
      {"boot, 100 s later", false, 600s, 100s, 0s, 500s},
      {"boot, at once", false, 600s, 0s, 0s, 600s},
      {"boot, set back twenty years", false, 600s, 100s, -std::chrono::years(20), 600s},
      {"boot, set back a little", false, 600s, 0s, -10s, 600s},
      {"boot, just before its end", false, 600s, 599s, 0s, 90s},
      {"boot, forward twenty years", false, 600s, 100s, std::chrono::years(20), 90s},
      {"boot, a lifetime shorter than the grace", false, 60s, 3600s, 0s, 60s},
      {"boot, the longest", false, 7200s, 7000s, 0s, 200s},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Anchor kept;
    const TimeScale before = begin_scale(kept, "boot 1", first);
    const std::string value = RecordWriter().lifetime(row.granted, first.mono + row.granted, before).finish();
    const Time mono = row.same_boot ? first.mono + row.elapsed : Time{5s};
    const Now later{mono, moved(first.wall, row.elapsed + row.jump)};
    const TimeScale after = begin_scale(kept, row.same_boot ? "boot 1" : "boot 2", later);
    const Lifetime lifetime = RecordReader(value).lifetime(later.mono, after, grace);
    CHECK(lifetime.granted == row.granted);
    CHECK(lifetime.left == row.left);
  }
}
