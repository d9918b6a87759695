#include "server/presence/ledger.hpp"

#include <doctest/doctest.h>

#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::presence;

TEST_CASE("the ledgers of a shard are bounded together: the presentity with the oldest news forgets") {
  server::test::Stage stage;
  Ledger ledger(stage);
  const std::size_t lines_max_of_shard = stage.settings().watch_log_lines;
  const ShownPtr shown = new Shown("all", "open", 1);
  const auto aor_of = [](std::size_t i) { return "sip:p" + std::to_string(i) + "@example.org"; };
  const auto lines_of = [&](const std::string& aor) {
    std::vector<documents::WatchLog::Line> lines;
    if (const EntryPtr entry = stage.directory().find(aor)) ledger.print(*entry, lines);
    return lines.size();
  };
  const std::size_t presentities = lines_max_of_shard / Ledger::lines_max;
  for (std::size_t i = 0; i < presentities; ++i)
    for (std::size_t line = 0; line < Ledger::lines_max; ++line)
      ledger.add(*stage.directory().get(aor_of(i)), "sip:bob@example.org", shown, {}, {});
  CHECK(ledger.size() == lines_max_of_shard);
  ledger.add(*stage.directory().get(aor_of(0)), "sip:bob@example.org", shown, {}, {});  // news again
  ledger.add(*stage.directory().get(aor_of(presentities)), "sip:bob@example.org", shown, {}, {});
  CHECK(ledger.size() == lines_max_of_shard - Ledger::lines_max + 1);
  CHECK(lines_of(aor_of(0)) == Ledger::lines_max);
  CHECK(lines_of(aor_of(1)) == 0);
  CHECK(lines_of(aor_of(2)) == Ledger::lines_max);
  CHECK(lines_of(aor_of(presentities)) == 1);
}

TEST_CASE("a ledger of no lines keeps none, and what a user leaves can be forgotten") {
  auto settings = server::test::Stage::default_settings();
  const ShownPtr shown = new Shown("all", "open", 1);
  server::test::Stage stage(settings);
  Ledger ledger(stage);
  const EntryPtr entry = stage.directory().get("sip:alice@example.org");
  ledger.add(*entry, "sip:bob@example.org", shown, {}, {});
  CHECK(ledger.size() == 1);
  ledger.forget(*entry);
  CHECK(ledger.size() == 0);
  settings.watch_log_lines = 0;
  server::test::Stage silent(settings);
  Ledger none(silent);
  none.add(*silent.directory().get("sip:alice@example.org"), "sip:bob@example.org", shown, {}, {});
  CHECK(none.size() == 0);
}
