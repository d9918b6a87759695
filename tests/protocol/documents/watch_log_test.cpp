#include "protocol/documents/watch_log.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::documents;

TEST_CASE("a watch log is read and printed alike; what is unknown is left out") {
  const auto log = parse_watch_log(
      "<watch-log xmlns='urn:beckon:params:xml:ns:watch-log:1' entity='sip:a@b'>"
      "<shown watcher='sip:bob@b' view='all' from='2026-11-21T04:00:00Z'> open, note </shown>"
      "<shown watcher='sip:c@b' view='pending' from='2026-11-21T04:00:00Z' until='2026-11-21T04:00:01Z'>"
      "nothing &amp; more</shown><shown view='all'>whom?</shown><x:y xmlns:x='urn:x' "
      "watcher='z'/></watch-log>");
  REQUIRE(log.has_value());
  CHECK(log->entity == "sip:a@b");
  CHECK(log->lines ==
        std::vector<WatchLog::Line>{
            {"sip:bob@b", "all", "open, note", "2026-11-21T04:00:00Z", ""},
            {"sip:c@b", "pending", "nothing & more", "2026-11-21T04:00:00Z", "2026-11-21T04:00:01Z"}});
  const auto again = parse_watch_log(print(*log));
  REQUIRE(again.has_value());
  CHECK(*again == *log);
}

TEST_CASE("another document is no watch log") {
  CHECK(parse_watch_log("<watch-log/>").error() == documents::Errc::wrong_root);
  CHECK(parse_watch_log("").has_error());
}
