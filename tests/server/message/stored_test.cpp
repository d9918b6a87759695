#include "server/message/stored.hpp"

#include <doctest/doctest.h>

#include "server/message/imdn.hpp"

using namespace beckon;
using namespace beckon::server::message;

namespace {

const std::string text =
    "MESSAGE sip:bob@example.org SIP/2.0\r\nFrom: <sip:alice@example.org>;tag=a\r\nTo: "
    "<sip:bob@example.org>\r\nCall-ID: m\r\nCSeq: 1 MESSAGE\r\nContent-Length: 2\r\n\r\nhi";

/// With further header lines.
sip::Message from_alice(const std::string& lines) {
  std::string all = text;
  all.insert(all.find("Content-Length"), lines);
  return sip::Message::parse(share(all)).value();
}

/// 2026-11-21T04:00:00Z
const WallTime four = WallTime(std::chrono::milliseconds(1795233600000));

}  // namespace

TEST_CASE("a stored message reads back as it was written; what is damaged is not read") {
  const store::TimeScale scale{.origin = four, .is_exact = true};
  const Stored one{.number = 1795233600000,
                   .sender = "sip:alice@example.org",
                   .is_proven = true,
                   .arrived = four,
                   .granted = 1h,
                   .ends = Time{} + 1h,
                   .is_delivered = true,
                   .receipts = {{"instance urn:uuid:1", true}, {"sip:bob@192.0.2.9", false}},
                   .topic = "missed sip:alice@example.org",
                   .times = 4,
                   .refusals = 3,
                   .refusers = {"instance urn:uuid:2", "sip:bob@192.0.2.8"},
                   .text = text,
                   .kind = Kind::own,
                   .why = Why::left_alone};
  const std::string key = key_of(one.number), value = print(one, scale);
  CHECK(key == "000001a1fc42d200");
  const auto read = parse_stored(key, value, Time{} + 10min, scale, 90s);
  REQUIRE(read.has_value());
  CHECK(read->number == one.number);
  CHECK(read->sender == one.sender);
  CHECK(read->is_proven);
  CHECK(read->arrived == four);
  CHECK(read->granted == 1h);
  CHECK(read->ends == Time{} + 1h);
  CHECK(read->is_delivered);
  CHECK(read->receipts == one.receipts);
  CHECK(read->topic == one.topic);
  CHECK(read->times == 4);
  CHECK(read->refusals == 3);
  CHECK(read->refusers == one.refusers);
  CHECK(read->text == text);
  CHECK(read->kind == Kind::own);
  CHECK(read->why == Why::left_alone);
  CHECK(read->id == message_id_of(*sip::Message::parse(share(std::string(text)))));
  CHECK_FALSE(parse_stored("1", value, Time{}, scale, 90s).has_value());
  // What stands behind the receipts was added later: a record without it is of a version before.
  std::size_t added = 6 + one.topic.size();
  for (const std::string& refuser : one.refusers) added += 1 + refuser.size();
  const auto before = parse_stored(key, value.substr(0, value.size() - added), Time{} + 10min, scale, 90s);
  REQUIRE(before.has_value());
  CHECK(before->receipts == one.receipts);
  CHECK(before->kind == Kind::message);
  CHECK(before->why == Why::away);
  for (std::size_t cut = 0; cut + 1 + added < value.size(); ++cut) {
    CAPTURE(cut);
    const auto part = parse_stored(key, value.substr(0, cut), Time{}, scale, 90s);
    if (part) CHECK(part->receipts.size() < one.receipts.size());
  }
}

TEST_CASE("what is kept of a request is what its recipient needs, with a Date (RFC 3428 4)") {
  const auto request = from_alice(
      "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\nRoute: <sip:example.org;lr>\r\nProxy-Authorization: "
      "Digest "
      "x=\"y\"\r\nP-Asserted-Identity: <sip:boss@example.org>\r\nSubject: Chess\r\n");
  const auto kept = sip::Message::parse(share(text_to_keep(request, four))).value();
  for (const auto id : {sip::HeaderId::via, sip::HeaderId::route, sip::HeaderId::proxy_authorization,
                        sip::HeaderId::p_asserted_identity})
    CHECK_FALSE(kept.has(id));
  CHECK(kept.header(sip::HeaderId::subject) == "Chess");
  CHECK(kept.header(sip::HeaderId::date) == "Sat, 21 Nov 2026 04:00:00 GMT");
  CHECK(kept.body() == "hi");
  const std::string date = "Date: Fri, 20 Nov 2026 04:00:00 GMT\r\n";
  CHECK(text_to_keep(from_alice(date), four).find(date) != std::string::npos);
}

TEST_CASE("Expires counts from Date, and from the arrival without one (RFC 3428 7)") {
  struct Row {
    const char* lines;
    Duration left;
    bool has_expired;
  };
  const Row rows[] = {
      {"", 24h, false},
      {"Expires: 60\r\n", 60s, false},
      {"Expires: 999999\r\n", 24h, false},
      {"Expires: 0\r\n", 0s, false},
      {"Expires: 60\r\nDate: Sat, 21 Nov 2026 03:59:30 GMT\r\n", 30s, false},
      {"Expires: 60\r\nDate: Sat, 21 Nov 2026 03:59:00 GMT\r\n", 0s, false},
      {"Expires: 60\r\nDate: Sat, 21 Nov 2026 03:58:59 GMT\r\n", 0s, true},
      {"Expires: 60\r\nDate: Sat, 21 Nov 2026 05:00:00 GMT\r\n", 60s, false},
      {"Expires: 60\r\nDate: yesterday\r\n", 60s, false},
      {"Date: Fri, 20 Nov 2026 04:00:00 GMT\r\n", 24h, false},
      {"Expires: 4294967295\r\nDate: Mon, 01 Jan 0001 00:00:00 GMT\r\n", 0s, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.lines);
    const auto request = from_alice(row.lines);
    CHECK(time_left(request, four, 24h) == row.left);
    CHECK(has_expired(request, four) == row.has_expired);
  }
}
