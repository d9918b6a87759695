#include <algorithm>
#include <utility>

#include "tests/server/admin/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::admin;
using namespace beckon::server::test;

namespace {

/// A client that reads when the test lets it.
struct SlowReply final : Reply {
  void send(std::string text, std::function<void()> then) override {
    said += text;
    waiting = std::move(then);
  }
  void finish(std::string text) override {
    said += text;
    finished = true;
  }
  bool is_open() const override { return open; }
  void read_all() {
    if (const auto then = std::exchange(waiting, nullptr)) then();
  }
  std::size_t lines() const { return static_cast<std::size_t>(std::ranges::count(said, '\n')); }

  std::string said;
  std::function<void()> waiting;
  bool finished = false;
  bool open = true;
};

struct TraceStage {
  explicit TraceStage(std::size_t messages)
      : recorder(loop.clock(), {.messages = messages}),
        traces(loop, 1, [this](auto from, Time until, auto done) {
          loop.post(
              [this, from, until, done] { done({recorder.read(*from[0], until, trace::Reader::page)}); });
        }) {}
  void record(int count) {
    for (int i = 0; i < count; ++i) recorder.sent({}, share("OPTIONS sip:h SIP/2.0\r\nCall-ID: c\r\n\r\n"));
  }
  bool wait(const std::function<bool()>& done) { return loop.run_until(done, 10s); }

  net::Loop loop;
  trace::Recorder recorder;
  std::shared_ptr<SlowReply> reply = std::make_shared<SlowReply>();
  Traces traces;
};

std::string question(bool follow) {
  return R"({"about":"","full":false,"writing":false,"follow":)" + std::string(follow ? "true}" : "false}");
}

}  // namespace

TEST_CASE("a trace is sent page by page, at the pace of the client, and then ends") {
  TraceStage stage(1000);
  stage.record(150);
  stage.traces.start(question(false), stage.reply);
  CHECK(stage.wait([&] { return stage.reply->waiting != nullptr; }));
  CHECK(stage.reply->lines() == trace::Reader::page);
  CHECK(stage.wait([&] {
    stage.reply->read_all();
    return stage.reply->finished;
  }));
  CHECK(stage.reply->lines() == 150);
}

TEST_CASE("a slow follower loses messages and learns how many") {
  TraceStage stage(100);
  stage.record(1);
  stage.traces.start(question(true), stage.reply);
  CHECK(stage.wait([&] { return stage.reply->lines() == 1; }));
  stage.record(250);  // while the first line is not read
  stage.reply->said.clear();
  stage.reply->read_all();
  CHECK(stage.wait([&] {
    stage.reply->read_all();
    return stage.reply->lines() == 101;
  }));
  CHECK(stage.reply->said.starts_with("{\"event\":\"lost\",\"count\":150}\n"));
  stage.record(1);
  CHECK(stage.wait([&] {
    stage.reply->read_all();
    return stage.reply->lines() == 102;
  }));
  CHECK_FALSE(stage.reply->finished);
}

TEST_CASE(
    "a follower that leaves makes room for another; one too many and a malformed question are refused") {
  TraceStage stage(10);
  std::vector<std::shared_ptr<SlowReply>> replies;
  for (std::size_t i = 0; i <= Traces::most; ++i) {
    stage.traces.start(question(true), replies.emplace_back(std::make_shared<SlowReply>()));
  }
  CHECK(replies.back()->finished);
  CHECK(replies.back()->said == refusal("16 others are asking: that is the most at once"));
  for (const auto& reply : replies) reply->open = false;
  CHECK(stage.wait([&] { return replies.front().use_count() == 1; }));
  stage.record(1);
  stage.traces.start(question(false), stage.reply);
  CHECK(stage.wait([&] {
    stage.reply->read_all();
    return stage.reply->finished;
  }));
  CHECK(stage.reply->lines() == 1);
  const auto confused = std::make_shared<SlowReply>();
  stage.traces.start("{}", confused);
  CHECK(confused->finished);
  CHECK(confused->said == refusal("the question cannot be read"));
}

TEST_CASE("beckond trace prints why it was refused, and fails") {
  Asking asking([](const std::string&, const ReplyPtr& reply) { reply->finish(refusal("too many")); });
  for (const bool json : {false, true}) CHECK(asking.trace("", json) == Exit::failed);
  CHECK(asking.out.str().empty());
  CHECK(asking.errors.str() == "beckond: refused: too many\nbeckond: refused: too many\n");
}
