#include "protocol/base/shared_text.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "protocol/base/block_pool.hpp"

using namespace beckon;

TEST_CASE("a shared text is the octets it was made of, and copies are the same text") {
  const SharedText text = share("a\0b");
  CHECK(*text == std::string_view("a"));
  const SharedText whole = share(std::string_view("a\0b", 3));
  CHECK(whole->size() == 3);
  const SharedText copy = whole;
  CHECK(copy == whole);
  CHECK(copy->data() == whole->data());
  CHECK_FALSE(share("x") == share("x"));
  CHECK(share("")->empty());
}

TEST_CASE("a default-constructed text is null, and so is a moved-from one") {
  SharedText text;
  CHECK(text == nullptr);
  CHECK_FALSE(text);
  text = share("x");
  CHECK(text);
  const SharedText taken = std::move(text);
  CHECK(text == nullptr);
  CHECK(*taken == "x");
  text = taken;
  text = nullptr;
  CHECK(*taken == "x");
}

TEST_CASE("every text, of any size, is followed by 64 octets of NUL") {
  for (std::size_t size : {0UL, 1UL, 63UL, 64UL, 200UL, 1000UL, 65535UL, 65536UL, 200000UL}) {
    CAPTURE(size);
    share(std::string(size + 100, 'y'));  // what the next block may have held before
    const SharedText text = share(std::string(size, 'x'));
    const char* end = text->data() + size;
    CHECK(std::all_of(text->begin(), text->end(), [](char c) { return c == 'x'; }));
    CHECK(std::all_of(end, end + SharedText::padding, [](char c) { return c == '\0'; }));
  }
}

TEST_CASE("a text can be written in place, shorter than was reserved") {
  const SharedText text = SharedText::make(100, [](char* out) {
    std::memcpy(out, "hello", 5);
    return std::size_t{5};
  });
  CHECK(*text == "hello");
  CHECK(text->data()[5] == '\0');
}

TEST_CASE("a freed block is the next one allocated, separately for each size") {
  for (std::size_t size : {1UL, 64UL, 65UL, 256UL, 4096UL, 65536UL}) {
    CAPTURE(size);
    CHECK(block_capacity(size) >= size);
    void* first = take_block(size);
    std::memset(first, 1, size);
    give_block(first, size);
    void* second = take_block(size);
    CHECK(first == second);
    give_block(second, block_capacity(size));
  }
  CHECK(block_capacity(max_pooled_block + 1) == max_pooled_block + 1);
}

TEST_CASE("texts cross threads: the last owner frees the block, on whatever thread it is") {
  const std::string octets(3000, 'x');
  std::vector<SharedText> texts;
  for (int i = 0; i < 500; ++i) texts.push_back(share(octets));
  std::array<std::vector<SharedText>, 2> copies{texts, texts};
  std::vector<std::thread> threads;
  std::array<bool, 2> same{};
  for (std::size_t i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      same[i] =
          std::all_of(copies[i].begin(), copies[i].end(), [&](const auto& text) { return *text == octets; });
      copies[i].clear();
      for (int round = 0; round < 500; ++round) copies[i].push_back(share(octets));
    });
  }
  texts.clear();
  for (auto& thread : threads) thread.join();
  CHECK(same[0]);
  CHECK(same[1]);
}
