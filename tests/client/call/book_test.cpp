#include "client/call/book.hpp"

#include <map>

#include "tests/client/bench.hpp"

using namespace beckon;
using namespace beckon::client;
using call::State;

namespace {

/// Calls that do what they are asked to.
struct FakeCarrier final : call::Carrier {
  bool answer(Key key, Now) override {
    done.push_back("answer " + std::to_string(key));
    return rings;
  }
  bool reject(Key key, Now) override {
    done.push_back("reject " + std::to_string(key));
    return rings;
  }
  void hang_up(Key key, Now now) override {
    done.push_back("hang up " + std::to_string(key));
    if (book != nullptr) book->end(numbers.at(key), {"normal", 10}, now);
  }
  std::optional<stream::CallStatistics> statistics(Key) const override { return running; }

  bool rings = true;
  call::Book* book = nullptr;
  std::map<Key, call::Number> numbers;
  std::optional<stream::CallStatistics> running;
  std::vector<std::string> done;
};

struct Fixture : Bench {
  call::Number open(call::Carrier& carrier, call::Carrier::Key key, call::Kind kind = call::Kind::direct) {
    return book.open({.kind = kind, .peer = "sip:bob@example.org", .outgoing = true}, carrier, key, now());
  }

  call::Book book{context};
  FakeCarrier direct;
  FakeCarrier invite;
};

stream::CallStatistics figures(std::uint64_t sent) {
  stream::CallStatistics out;
  out.rtp.packets_sent = sent;
  out.rtp.packets_lost = -2;
  out.rtp.first_sent = out.rtp.began + 20ms;
  return out;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "a call that its carrier renames keeps its number, and no state is reported twice") {
  const auto number = open(direct, 70);
  book.rename(number, 71);
  const auto before = events.size();
  book.enter(number, State::answered, now());
  book.enter(number, State::answered, now());
  CHECK(events.size() == before + 1);
  CHECK(book.hang_up("1", now()));
  CHECK(direct.done == std::vector<std::string>{"hang up 71"});
}

TEST_CASE_FIXTURE(Fixture,
                  "calls are numbered from 1, whatever carries them, and each change of state is reported") {
  CHECK(open(direct, 70) == 1);
  CHECK(open(invite, 70, call::Kind::invite) == 2);
  CHECK(last("call").at("kind") == "invite");
  CHECK(last("call").at("call") == "2");
  CHECK(last("call").at("state") == "dialing");
  CHECK(last("call").at("direction") == "out");
  book.enter(1, State::ringing, now());
  CHECK(last("call").at("call") == "1");
  CHECK(last("call").at("state") == "ringing");
  CHECK_FALSE(last("call").contains("cause"));
  const auto reported = events.size();
  book.enter(1, State::ringing, now());
  CHECK(events.size() == reported);
  book.end(1, {"declined", 2, control::Cause::refused}, now());
  CHECK(last("call").at("cause") == "refused");
  CHECK(last("call").at("reason") == "declined");
  CHECK(last("call").at("reason_code") == 2);
  CHECK(count("call") == 4);
  book.enter(1, State::active, now());
  book.end(1, {"normal", 10}, now());
  CHECK(count("call") == 4);
}

TEST_CASE_FIXTURE(Fixture,
                  "what the user asks of a number reaches the carrier of that call under the carrier's key") {
  open(direct, 70);
  open(invite, 71, call::Kind::invite);
  CHECK(book.answer("2", now()));
  CHECK(book.reject("1", now()));
  CHECK(book.hang_up("2", now()));
  CHECK(direct.done == std::vector<std::string>{"reject 70"});
  CHECK(invite.done == std::vector<std::string>{"answer 71", "hang up 71"});
  direct.rings = false;
  CHECK_FALSE(book.answer("1", now()));
}

TEST_CASE_FIXTURE(Fixture, "a number that is unknown, of an ended call, or malformed reaches no carrier") {
  open(direct, 70);
  book.end(1, {"normal", 10}, now());
  for (const char* const id : {"1", "2", "0", "", "one", "-1", "1 "}) {
    CAPTURE(id);
    CHECK_FALSE(book.answer(id, now()));
    CHECK_FALSE(book.reject(id, now()));
    CHECK_FALSE(book.hang_up(id, now()));
    CHECK_FALSE(book.report_statistics(id, now()));
  }
  CHECK(direct.done.empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "figures come from the carrier while a call lives and from the book after its end") {
  open(direct, 70);
  CHECK_FALSE(book.report_statistics("1", now()));
  direct.running = figures(5);
  CHECK(book.report_statistics("1", now()));
  CHECK(last("call-statistics").at("sent") == 5);
  CHECK(last("call-statistics").at("lost") == 0);
  CHECK(last("call-statistics").at("first_sent_ms") == 20.0);
  CHECK_FALSE(last("call-statistics").contains("first_received_ms"));
  for (const char* const unknown :
       {"codec", "jitter_ms", "round_trip_ms", "peer_lost_percent", "buffer_ms", "mos"})
    CHECK_FALSE(last("call-statistics").contains(unknown));
  auto more = figures(6);
  more.codec = "opus";
  more.rtp.packets_received = 7;
  more.rtp.jitter = 1500us;
  more.rtp.round_trip = 42ms;
  more.rtp.reports = 1;
  more.rtp.reported_loss = 0.125;
  more.buffered = 21ms;
  more.mos = 4.256;
  direct.running = more;
  CHECK(book.report_statistics("1", now()));
  CHECK(last("call-statistics").at("codec") == "opus");
  CHECK(last("call-statistics").at("jitter_ms") == 1.5);
  CHECK(last("call-statistics").at("round_trip_ms") == 42.0);
  CHECK(last("call-statistics").at("peer_lost_percent") == 12.5);
  CHECK(last("call-statistics").at("buffer_ms") == 21.0);
  CHECK(last("call-statistics").at("mos") == 4.26);
  book.end(1, {"normal", 10}, now());
  book.finish(1, figures(9), now());
  direct.running.reset();
  CHECK(book.report_statistics("1", now()));
  CHECK(last("call-statistics").at("sent") == 9);
  CHECK(count("call-statistics") == 4);
}

TEST_CASE_FIXTURE(Fixture,
                  "the figures of the last 64 calls that ended are kept, and every call that lives") {
  const auto living = open(invite, 1);
  for (call::Carrier::Key key = 1; key <= 100; ++key) {
    const auto number = open(direct, key);
    book.end(number, {"normal", 10}, now());
    book.finish(number, figures(key), now());
  }
  std::size_t kept = 0;
  for (int number = 1; number <= 101; ++number)
    kept += book.report_statistics(std::to_string(number), now()) ? 1U : 0U;
  CHECK(kept == call::Book::ended_kept);
  CHECK(book.report_statistics("101", now()));
  REQUIRE(book.json().size() == 1);
  CHECK(book.json()[0].at("call").as_string() == std::to_string(living));
}

TEST_CASE_FIXTURE(
    Fixture,
    "a long call that ends after many short ones keeps its figures: the first end is forgotten first") {
  const auto lasting = open(direct, 1);
  const auto first = open(direct, 2);
  book.end(first, {"normal", 10}, now());
  book.finish(first, figures(2), now());
  for (call::Carrier::Key key = 3; key <= 2 + call::Book::ended_kept - 1; ++key)
    book.end(open(direct, key), {"normal", 10}, now());
  book.end(lasting, {"normal", 10}, now());
  book.finish(lasting, figures(77), now());
  CHECK(last("call-statistics").at("sent") == 77);
  CHECK(book.report_statistics(std::to_string(lasting), now()));
  CHECK_FALSE(book.report_statistics(std::to_string(first), now()));
}

TEST_CASE_FIXTURE(Fixture, "final figures are reported, however many calls ended before they came") {
  const auto slow = open(direct, 1);
  book.end(slow, {"normal", 10}, now());
  for (call::Carrier::Key key = 2; key <= 2 + call::Book::ended_kept; ++key)
    book.end(open(direct, key), {"normal", 10}, now());
  book.finish(slow, figures(9), now());
  CHECK(last("call-statistics").at("call").as_string() == std::to_string(slow));
  CHECK(last("call-statistics").at("sent") == 9);
}

TEST_CASE_FIXTURE(Fixture, "hanging up all ends every call once, also when each end changes the book") {
  direct.book = &book;
  for (call::Carrier::Key key = 1; key <= 3; ++key) direct.numbers[key] = open(direct, key);
  book.hang_up_all(now());
  CHECK(direct.done == std::vector<std::string>{"hang up 1", "hang up 2", "hang up 3"});
  CHECK(book.json().empty());
}
