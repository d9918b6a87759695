#include "protocol/base/callback.hpp"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>

using namespace beckon;

using Add = Callback<int(int)>;

TEST_CASE("a callback of any size is called, moved and destroyed once") {
  const auto counted = std::make_shared<int>(3);
  const auto try_it = [&](Add add, int expected) {
    CHECK(add(4) == expected);
    Add moved = std::move(add);
    CHECK_FALSE(add);
    CHECK(moved(4) == expected);
    add = std::move(moved);
    CHECK(add(4) == expected);
    add = nullptr;
    CHECK(add == nullptr);
  };
  SUBCASE("plain") {
    try_it([n = 3](int m) { return n + m; }, 7);
  }
  SUBCASE("with a destructor") {
    try_it([counted](int m) { return *counted + m; }, 7);
  }
  SUBCASE("too large to be stored inside") {
    try_it([counted, more = std::array<int, 20>{5}](int m) { return *counted + m + more[0]; }, 12);
  }
  SUBCASE("that cannot be copied") {
    try_it([own = std::make_unique<int>(3)](int m) { return *own + m; }, 7);
  }
  SUBCASE("a std::function") {
    try_it(std::function<int(int)>([](int m) { return m; }), 4);
  }
}

TEST_CASE("an empty function makes an empty callback") {
  CHECK_FALSE(Add());
  CHECK_FALSE(Add(nullptr));
  CHECK_FALSE(Add(std::function<int(int)>()));
  CHECK_FALSE(Add(static_cast<int (*)(int)>(nullptr)));
  CHECK(Add([](int n) { return n; }));
}

TEST_CASE("arguments that can only be moved reach the callable") {
  Callback<std::size_t(std::unique_ptr<std::string>)> size = [](std::unique_ptr<std::string> text) {
    return text->size();
  };
  CHECK(size(std::make_unique<std::string>("abc")) == 3);
}
