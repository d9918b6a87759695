#include "media/stream/pump.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "protocol/base/random.hpp"

using namespace beckon;
using namespace beckon::stream;

namespace {

/// A codec whose payload is the frame's first sample, so that what arrives names what was sent.
class NumberEncoder final : public codec::AudioEncoder {
 public:
  Result<void> encode(codec::FrameView frame, Bytes& payload) override {
    payload.clear();
    append_u16(payload, static_cast<std::uint16_t>(frame[0]));
    return {};
  }
  std::uint32_t ticks_per_frame() const override { return 960; }
  std::string_view name() const override { return "number"; }
};

class NumberDecoder final : public codec::AudioDecoder {
 public:
  Result<void> decode(ByteView payload, codec::FrameSpan frame) override {
    if (payload.size() != 2) return conceal(frame), codec::Errc::bad_payload;
    std::fill(frame.begin(), frame.end(), static_cast<codec::Sample>(read_u16(payload)));
    return {};
  }
  bool recover(ByteView next, codec::FrameSpan frame) override {
    std::fill(frame.begin(), frame.end(), static_cast<codec::Sample>(read_u16(next) - 1));
    return recovers;
  }
  void conceal(codec::FrameSpan frame) override { std::fill(frame.begin(), frame.end(), codec::Sample{-1}); }

  bool recovers = false;
};

/// Frames that are numbered from 1.
class NumberSource final : public device::AudioSource {
 public:
  explicit NumberSource(int last = 30000) : last_(last) {}
  bool pull(codec::FrameSpan frame) override {
    const bool more = next_ <= last_;
    std::fill(frame.begin(), frame.end(), static_cast<codec::Sample>(more ? next_++ : 0));
    return more;
  }

 private:
  int next_ = 1;
  int last_;
};

class NumberSink final : public device::AudioSink {
 public:
  explicit NumberSink(std::vector<int>& heard) : heard_(heard) {}
  void push(codec::FrameView frame) override { heard_.push_back(frame[0]); }
  Result<void> finish() override { return {}; }

 private:
  std::vector<int>& heard_;
};

/// One pump that sends to itself over a network made by the test.
struct Loopback {
  std::vector<int> heard;
  NumberDecoder* decoder = nullptr;
  Pump pump = make();
  Time now{};
  std::uint16_t sequence = 65530;
  std::multimap<Time, std::pair<std::uint16_t, Pump::Outgoing>> flying;
  std::map<std::uint16_t, Bytes> payloads;

  Pump make() {
    auto made = std::make_unique<NumberDecoder>();
    decoder = made.get();
    return Pump({std::make_unique<NumberEncoder>(), std::move(made), std::make_unique<NumberSource>(),
                 std::make_unique<NumberSink>(heard)},
                Time{});
  }

  /// One tick. `delay` absent: the packet is lost.
  void tick(std::optional<Duration> delay, bool open = true) {
    if (const auto out = pump.send(open)) {
      ++sequence;
      payloads[sequence] = Bytes(out->payload.begin(), out->payload.end());
      if (delay) flying.emplace(now + *delay, std::pair(sequence, *out));
    }
    for (; !flying.empty() && flying.begin()->first <= now; flying.erase(flying.begin())) {
      const auto& [number, out] = flying.begin()->second;
      rtp::Packet packet;
      packet.header.sequence = number;
      packet.header.timestamp = out.timestamp + 0xfffffc00U;
      packet.payload = payloads[number];
      pump.receive(packet, flying.begin()->first);
    }
    pump.play(now);
    now += 20ms;
  }
};

bool contains(const std::vector<std::uint64_t>& list, std::uint64_t frame) {
  return std::find(list.begin(), list.end(), frame) != list.end();
}

}  // namespace

TEST_CASE("every frame of the source is heard, in order, and the recording begins with the first") {
  Loopback loopback;
  for (int i = 0; i < 100; ++i) loopback.tick(5ms);
  REQUIRE(loopback.heard.size() >= 95);
  for (std::size_t i = 0; i < loopback.heard.size(); ++i) CHECK(loopback.heard[i] == static_cast<int>(i) + 1);
  CHECK(loopback.pump.log().frames == loopback.heard.size());
  CHECK(loopback.pump.log().concealed.empty());
  CHECK(loopback.pump.log().start_offset == 40ms);  // 5 ms on the way, 20 ms in the buffer, the next tick
}

TEST_CASE(
    "while the microphone is muted the source pauses and timestamps advance; the marker bit shows the "
    "pause") {
  Loopback loopback;
  CHECK_FALSE(loopback.pump.send(false));
  const auto first = loopback.pump.send(true);
  REQUIRE(first.has_value());
  CHECK(first->marker);
  CHECK(first->timestamp == 960);
  CHECK(read_u16(first->payload) == 1);
  CHECK_FALSE(loopback.pump.send(true)->marker);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(loopback.pump.send(false));
  const auto again = loopback.pump.send(true);
  REQUIRE(again.has_value());
  CHECK(again->marker);
  CHECK(again->timestamp == 6 * 960);
  CHECK(read_u16(again->payload) == 3);
}

TEST_CASE("a lost packet's frame is logged as concealed, or as recovered where the next packet repeats it") {
  for (const bool recovers : {false, true}) {
    CAPTURE(recovers);
    Loopback loopback;
    loopback.decoder->recovers = recovers;
    for (int i = 0; i < 50; ++i) loopback.tick(i == 10 ? std::nullopt : std::optional<Duration>(1ms));
    const RecordingLog& log = loopback.pump.log();
    CHECK(log.concealed == (recovers ? std::vector<std::uint64_t>{} : std::vector<std::uint64_t>{10}));
    CHECK(log.recovered == (recovers ? std::vector<std::uint64_t>{10} : std::vector<std::uint64_t>{}));
    CHECK(loopback.heard[9] == 10);
    CHECK(loopback.heard[11] == 12);
  }
}

TEST_CASE("when the peer stops sending, frames are concealed for half a second and then silent, all logged") {
  Loopback loopback;
  for (int i = 0; i < 50; ++i) loopback.tick(20ms);
  for (int i = 0; i < 50; ++i) loopback.tick(20ms, /*open=*/false);
  const RecordingLog& log = loopback.pump.log();
  CHECK(log.concealed.size() >= 20);
  CHECK(log.concealed.size() <= 25);
  CHECK(log.concealed.size() + log.lost.size() + 50 == log.frames);
  CHECK(loopback.heard.back() == 0);
}

TEST_CASE("on a bad network each recorded frame is either the next one sent or in the log") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    Loopback loopback;
    for (int i = 0; i < 1000; ++i) {
      const bool lose = random.unit() < 0.15;
      loopback.tick(lose ? std::nullopt : std::optional<Duration>(Duration(random.below(80'000))));
    }
    const RecordingLog& log = loopback.pump.log();
    int last = 0;
    for (std::uint64_t frame = 0; frame < log.frames; ++frame) {
      if (contains(log.concealed, frame) || contains(log.lost, frame)) continue;
      if (contains(log.stretched, frame)) continue;
      CHECK(loopback.heard[frame] > last);
      last = loopback.heard[frame];
    }
    CHECK(last > 980);
    CHECK(log.concealed.size() >= 50);
    CHECK(log.concealed.size() <= 350);
  }
}

TEST_CASE("after its end the source is silent and the call goes on") {
  std::vector<int> heard;
  Pump pump({std::make_unique<NumberEncoder>(), std::make_unique<NumberDecoder>(),
             std::make_unique<NumberSource>(2), std::make_unique<NumberSink>(heard)},
            Time{});
  CHECK(read_u16(pump.send(true)->payload) == 1);
  CHECK(read_u16(pump.send(true)->payload) == 2);
  CHECK(read_u16(pump.send(true)->payload) == 0);
  CHECK(read_u16(pump.send(true)->payload) == 0);
}

TEST_CASE("the log beside a recording is JSON with the frames to leave out") {
  const auto path =
      std::filesystem::temp_directory_path() / ("beckon-log-" + std::to_string(::getpid()) + ".json");
  RecordingLog log;
  log.frames = 7;
  log.concealed = {1, 2};
  log.lost = {5};
  log.stretched = {3};
  log.start_offset = 12500us;
  REQUIRE(write_recording_log(path, log).has_value());
  std::ifstream file(path);
  const auto json = boost::json::parse(std::string{std::istreambuf_iterator<char>(file), {}});
  CHECK(json.at("sample_rate").as_int64() == 48000);
  CHECK(json.at("frame_samples").as_int64() == 960);
  CHECK(json.at("frames").as_int64() == 7);
  CHECK(boost::json::serialize(json.at("concealed")) == "[1,2]");
  CHECK(boost::json::serialize(json.at("lost")) == "[5]");
  CHECK(boost::json::serialize(json.at("recovered")) == "[]");
  CHECK(boost::json::serialize(json.at("stretched")) == "[3]");
  CHECK(json.at("start_offset_ms").as_double() == doctest::Approx(12.5));
  std::filesystem::remove(path);
  CHECK(write_recording_log(path / "below", log).has_error());
}
