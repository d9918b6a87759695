#include "protocol/transaction/answer_log.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <string_view>

using namespace beckon;
using namespace beckon::transaction;

namespace {

const Address remote = *parse_address("192.0.2.1:5060");
const Address local = *parse_address("192.0.2.9:5060");
constexpr std::size_t plenty = 1 << 20;

using Key = KeyedHash::Wide;

AnswerLog::Answer make(const Key& key, std::string_view response, Time until) {
  return {.key = key, .response = response, .remote = remote, .local = local, .until = until};
}

std::string text_of(int number, std::size_t size = 20) {
  std::string text = "answer " + std::to_string(number);
  text.resize(size, '.');
  return text;
}

}  // namespace

TEST_CASE("answers are found by their key until their time") {
  AnswerLog log(plenty);
  const Key a{1, 7}, b{2, 7};
  CHECK_FALSE(log.find(a));
  CHECK_FALSE(log.next());
  log.add(make(a, "first", Time(10ms)));
  log.add(make(b, "second", Time(20ms)));
  REQUIRE(log.find(a));
  CHECK(log.find(a)->response == "first");
  CHECK(log.find(a)->remote == remote);
  CHECK(log.find(a)->local == local);
  CHECK(log.find(b)->response == "second");
  CHECK(log.next() == Time(10ms));
  log.expire(Time(10ms));
  CHECK_FALSE(log.find(a));
  CHECK(log.find(b));
  CHECK(log.size() == 1);
  log.expire(Time(1s));
  CHECK(log.size() == 0);
  CHECK(log.octets() == 0);
}

TEST_CASE("an answer is sent to other sources as often as a client repeats its request, and no more") {
  AnswerLog log(plenty);
  const Key key{1, 7};
  CHECK_FALSE(log.take_elsewhere(key));
  log.add(make(key, "answer", Time(10ms)));
  for (int i = 0; i < AnswerLog::max_elsewhere; ++i) CHECK(log.take_elsewhere(key));
  CHECK_FALSE(log.take_elsewhere(key));
}

TEST_CASE("a forgotten answer is not found, its key serves another, and both end with their time") {
  AnswerLog log(plenty);
  const Key key{1, 7};
  log.forget(key);
  for (int i = 0; i < 300; ++i) {
    log.add(make(key, text_of(i), Time(10ms)));
    CHECK(log.find(key)->response == text_of(i));
    if (i < 299) log.forget(key);
    CHECK(log.find(key).has_value() == (i == 299));
  }
  int seen = 0;
  log.each([&](const AnswerLog::Answer&) { ++seen; });
  CHECK(seen == 1);
  log.expire(Time(10ms));
  CHECK(log.size() == 0);
  CHECK(log.octets() == 0);
}

TEST_CASE("keys with one half in common are distinguished") {
  AnswerLog log(plenty);
  for (std::uint64_t i = 0; i < 3; ++i) {
    log.add(make({7, i}, text_of(static_cast<int>(i)), {}));
    log.add(make({8 + 2 * i, 1}, "other", {}));
  }
  for (std::uint64_t i = 0; i < 3; ++i) CHECK(log.find({7, i})->response == text_of(static_cast<int>(i)));
  CHECK_FALSE(log.find({7, 3}));
}

TEST_CASE("thousands of answers come and go, and every one is found while it is kept") {
  AnswerLog log(64 << 20);
  std::map<int, std::string> kept;
  std::uint64_t state = 1;
  const auto key_of = [](int number) {
    return Key{static_cast<std::uint64_t>(number % 97), static_cast<std::uint64_t>(number)};
  };
  const auto check_all = [&] {
    for (const auto& [number, text] : kept) {
      CAPTURE(number);
      const auto found = log.find(key_of(number));
      REQUIRE(found);
      CHECK(found->response == text);
    }
    CHECK(log.size() == kept.size());
  };
  for (int number = 0; number < 4000; ++number) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const auto text = text_of(number, 20 + state % 3000);
    log.add(make(key_of(number), text, Time(Duration(number))));
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
  for (std::uint64_t number = 0; number < 4; ++number) {
    log.add(make({number, 0}, large, Time(1s)));
    CHECK(log.octets() <= 700 * 1024);
  }
  CHECK(log.dropped_early() == 2);
  CHECK_FALSE(log.find({1, 0}));
  CHECK(log.find({3, 0})->response == large);
}
