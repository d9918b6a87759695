#include "server/subscription/record.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::subscription;

namespace {

const Time then{100s};
const store::TimeScale scale{.origin = WallTime{std::chrono::seconds(1'700'000'000)}};

Record sample() {
  Record record;
  record.package = "presence";
  record.watcher = "sip:bob@example.org";
  record.dialog.id = {"call-1", "bk001.a", "tag"};
  record.dialog.local_uri = "sip:alice@example.org";
  record.dialog.remote_uri = "sip:bob@example.org";
  record.dialog.remote_target = "sip:dev@192.0.2.9:5070";
  record.dialog.route_set = {"<sip:p.example;lr>"};
  record.dialog.local_cseq = record.dialog.reserved_cseq = 1000;
  record.dialog.remote_cseq = 7;
  record.event_id = "x";
  record.body_type = "application/pidf+xml";
  record.display_name = "Bob";
  record.since = then - 7s;
  record.lifetime = {600s, 600s};
  record.hop = {transaction::Protocol::tls, *parse_address("192.0.2.9:40000"),
                *parse_address("192.0.2.1:5061"), 5};
  record.had_flow = true;
  record.rates = {500'000'000, 1, 999'999'999'999};
  record.is_quenched = true;
  record.list = "<resource-lists/>";
  return record;
}

}  // namespace

TEST_CASE("a subscription reads back as it was stored, its time moved to the new process's clock") {
  const Record record = sample();
  const Time later{5s};
  const store::TimeScale there{.origin = scale.at(then) + 55s};
  const auto read = parse_record("bk001.a", record.print(then + 600s, scale), later, there, 0s);
  REQUIRE(read.has_value());
  CHECK(read->package == record.package);
  CHECK(read->watcher == record.watcher);
  CHECK(read->dialog == record.dialog);
  CHECK(read->event_id == record.event_id);
  CHECK(read->body_type == record.body_type);
  CHECK(read->display_name == record.display_name);
  CHECK(read->since == later - 67s);
  CHECK(read->lifetime.granted == 600s);
  CHECK(read->lifetime.left == 540s);
  CHECK(read->hop.remote == record.hop.remote);
  CHECK(read->hop.flow == 0);
  CHECK(read->had_flow);
  CHECK(read->rates == record.rates);
  CHECK(read->is_quenched);
  CHECK(read->list == record.list);
}

TEST_CASE("every cut of a record is refused, not misread") {
  const std::string text = sample().print(then + 600s, scale);
  for (std::size_t size = 0; size < text.size(); ++size) {
    CAPTURE(size);
    const auto read = parse_record("bk001.a", std::string_view(text).substr(0, size), then, scale, 0s);
    if (read) CHECK_FALSE(read->is_quenched);  // fields at the end may be absent
  }
}
