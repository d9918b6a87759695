#include "protocol/transaction/answer_log.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

using namespace beckon;
using namespace beckon::transaction;

namespace {

const Hop hop{.protocol = Protocol::udp, .remote = *parse_address("192.0.2.1:5060"), .local = {}, .flow = 0};
constexpr std::size_t plenty = 1 << 20;

std::string text_of(int number, std::size_t size = 20) {
  std::string text = "answer " + std::to_string(number);
  text.resize(size, '.');
  return text;
}

}  // namespace

TEST_CASE("answers are found by their key until their time") {
  AnswerLog log(plenty);
  CHECK_FALSE(log.find(1, "a"));
  CHECK_FALSE(log.next());
  log.add(1, {.key = "a", .response = "first", .hop = hop, .until = Time(10ms)});
  log.add(2, {.key = "b", .response = "second", .hop = hop, .until = Time(20ms)});
  REQUIRE(log.find(1, "a"));
  CHECK(log.find(1, "a")->response == "first");
  CHECK(log.find(1, "a")->hop == hop);
  CHECK(log.find(2, "b")->response == "second");
  CHECK(log.next() == Time(10ms));
  log.expire(Time(10ms));
  CHECK_FALSE(log.find(1, "a"));
  CHECK(log.find(2, "b"));
  CHECK(log.size() == 1);
  log.expire(Time(1s));
  CHECK(log.size() == 0);
  CHECK(log.octets() == 0);
}

TEST_CASE("keys with one hash are told apart") {
  AnswerLog log(plenty);
  for (const char* key : {"a", "b", "c"}) log.add(7, {.key = key, .response = key, .hop = hop, .until = {}});
  for (const char* key : {"a", "b", "c"}) CHECK(log.find(7, key)->response == key);
  CHECK_FALSE(log.find(7, "d"));
}

TEST_CASE("thousands of answers come and go, and every one is found while it is kept") {
  AnswerLog log(64 << 20);
  std::map<int, std::string> kept;
  std::uint64_t state = 1;
  const auto hash_of = [](int number) { return static_cast<std::uint64_t>(number % 97) << 56 | 5; };
  const auto check_all = [&] {
    for (const auto& [number, text] : kept) {
      CAPTURE(number);
      const auto found = log.find(hash_of(number), std::to_string(number));
      REQUIRE(found);
      CHECK(found->response == text);
    }
    CHECK(log.size() == kept.size());
  };
  for (int number = 0; number < 4000; ++number) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const auto text = text_of(number, 20 + state % 3000);
    log.add(hash_of(number),
            {.key = std::to_string(number), .response = text, .hop = hop, .until = Time(Duration(number))});
    kept.emplace(number, text);
    if (number % 500 != 499) continue;
    check_all();
    const int gone = number - 200;
    log.expire(Time(Duration(gone)));
    kept.erase(kept.begin(), kept.upper_bound(gone));
    check_all();
  }
}

TEST_CASE("past the bound the oldest answers go, and one longer than a block is kept") {
  AnswerLog log(700 * 1024);
  const std::string large = text_of(0, 300 * 1024);
  for (int number = 0; number < 4; ++number) {
    log.add(static_cast<AnswerLog::Hash>(number) << 40,
            {.key = std::to_string(number), .response = large, .hop = hop, .until = Time(1s)});
    CHECK(log.octets() <= 700 * 1024);
  }
  CHECK(log.dropped_early() == 2);
  CHECK_FALSE(log.find(AnswerLog::Hash{1} << 40, "1"));
  CHECK(log.find(AnswerLog::Hash{3} << 40, "3")->response == large);
}
