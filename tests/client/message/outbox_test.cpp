#include "client/message/outbox.hpp"

#include "tests/client/bench.hpp"

using namespace beckon;
using namespace beckon::client;
using sip::HeaderId;

namespace {

const std::string bob = "sip:bob@example.org", carol = "sip:carol@example.org";

struct OutboxFixture : Bench {
  message::Outbox outbox{context};
  Statuses statuses;

  message::Outbox::Request request(const std::string& to, const std::string& body) {
    return {.to = to,
            .content_type = "text/plain",
            .body = body,
            .call_id = body,
            .done = [this](int status, const sip::Message*, Now) { statuses.push_back(status); }};
  }
};

}  // namespace

TEST_CASE_FIXTURE(OutboxFixture,
                  "requests to one URI go one after the other, those to others beside them (RFC 3428 8)") {
  for (const char* body : {"one", "two", "three"}) CHECK(outbox.send(request(bob, body), now()));
  CHECK(outbox.send(request(carol, "else"), now()));
  CHECK(wire.sent.size() == 2);
  CHECK(answer(200).body() == "one");
  CHECK(answer(202).body() == "else");
  CHECK(answer(404).body() == "two");
  CHECK(answer(200).body() == "three");
  CHECK(wire.is_silent());
  CHECK(outbox.size() == 0);
  CHECK(statuses == Statuses{200, 202, 404, 200});
}

TEST_CASE_FIXTURE(OutboxFixture, "what follows from an answer precedes what waits") {
  auto first = request(bob, "one");
  first.done = [this](int, const sip::Message*, Now at) { outbox.send_next(request(bob, "again"), at); };
  CHECK(outbox.send(std::move(first), now()));
  CHECK(outbox.send(request(bob, "two"), now()));
  CHECK(answer(415).body() == "one");
  CHECK(answer(200).body() == "again");
  CHECK(answer(200).body() == "two");
}

TEST_CASE_FIXTURE(OutboxFixture,
                  "an answer that never comes holds the next one up no longer than its transaction") {
  CHECK(outbox.send(request(bob, "one"), now()));
  CHECK(outbox.send(request(bob, "two"), now()));
  wire.take();
  pass(32s);
  CHECK(statuses == Statuses{408});
  CHECK(answer(200).body() == "two");
}

TEST_CASE_FIXTURE(OutboxFixture, "no more requests wait than the bound says") {
  for (std::size_t i = 0; i < message::Outbox::requests_max; ++i)
    CHECK(outbox.send(request(bob, "x"), now()));
  CHECK_FALSE(outbox.send(request(bob, "x"), now()));
  CHECK_FALSE(outbox.send(request(carol, "x"), now()));
  answer(200);
  CHECK(outbox.send(request(carol, "x"), now()));
}

TEST_CASE_FIXTURE(OutboxFixture,
                  "a challenge is answered with a higher CSeq, and Expires stays (RFC 3261 22.2)") {
  auto typing = request(bob, "x");
  typing.cseq = 5;
  typing.expires = 60;
  CHECK(outbox.send(std::move(typing), now()));
  CHECK(answer(401, {challenge("n")}).cseq()->number == 5);
  const auto again = answer(200);
  CHECK(again.cseq()->number == 6);
  CHECK(again.header(HeaderId::expires) == "60");
  CHECK(again.body() == "x");
}
