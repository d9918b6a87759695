#include "protocol/locate/order.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <map>

using namespace beckon;
using namespace beckon::locate;

namespace {

/// Gives the 64-bit numbers it was made with.
class Drawn final : public Random {
 public:
  explicit Drawn(std::deque<std::uint64_t> numbers) : numbers_(std::move(numbers)) {}
  void fill(std::span<std::uint8_t> out) override {
    const std::uint64_t number = numbers_.empty() ? 0 : numbers_.front();
    if (!numbers_.empty()) numbers_.pop_front();
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(number >> (8 * i));
  }

 private:
  std::deque<std::uint64_t> numbers_;
};

std::string names(const std::vector<Srv>& records) {
  std::string out;
  for (const Srv& record : records) out += (out.empty() ? "" : " ") + record.target;
  return out;
}

}  // namespace

TEST_CASE("lower priorities come first whatever the weights (RFC 2782)") {
  SeededRandom random(1);
  for (int i = 0; i < 100; ++i) {
    CHECK(names(in_order({{20, 65535, 1, "backup"}, {10, 0, 1, "best"}, {30, 9, 1, "last"}}, random)) ==
          "best backup last");
  }
}

TEST_CASE("within a priority the number drawn, from 0 to the sum of weights, decides (RFC 2782)") {
  const std::vector<Srv> records{{0, 1, 1, "old-slow"}, {0, 3, 1, "new-fast"}, {0, 0, 1, "zero"}};
  // The list is zero(0) old-slow(1) new-fast(4); numbers from 0 to 4 can be drawn.
  struct Row {
    std::uint64_t drawn;
    std::string_view first;
  };
  for (const Row& row :
       {Row{0, "zero"}, {1, "old-slow"}, {2, "new-fast"}, {3, "new-fast"}, {4, "new-fast"}}) {
    CAPTURE(row.drawn);
    SeededRandom seeded(1);
    std::uint64_t raw = row.drawn;
    // `below` may map raw numbers in its own way: look for one that it maps to what is to be drawn.
    while (Drawn({raw}).below(5) != row.drawn) raw = seeded.next();
    Drawn random({raw, 0});
    CHECK(in_order(records, random).front().target == row.first);
  }
}

TEST_CASE("the second is drawn among the rest by the rest's weights (RFC 2782)") {
  SeededRandom random(2);
  std::map<std::string, int> orders;
  constexpr int draws = 30000;
  for (int i = 0; i < draws; ++i)
    orders[names(in_order({{1, 10, 1, "a"}, {1, 20, 1, "b"}, {1, 70, 1, "c"}}, random))]++;
  // The number is drawn from 0 to the sum, both included: the first in the list has one chance more.
  const auto expected = [&](double first, double second) { return first * second * draws; };
  const auto close = [&](const std::string& order, double count) {
    CAPTURE(order);
    CHECK(orders[order] == doctest::Approx(count).epsilon(0.08));
  };
  close("c b a", expected(70.0 / 101, 20.0 / 31));
  close("c a b", expected(70.0 / 101, 11.0 / 31));
  close("b c a", expected(20.0 / 101, 70.0 / 81));
  close("a c b", expected(11.0 / 101, 70.0 / 91));
  CHECK(orders.size() == 6);
}

TEST_CASE("where all weights are zero the order of the answer stays") {
  SeededRandom random(3);
  CHECK(names(in_order({{1, 0, 1, "x"}, {1, 0, 1, "y"}, {1, 0, 1, "z"}}, random)) == "x y z");
  CHECK(in_order(std::vector<Srv>{}, random).empty());
}

TEST_CASE("NAPTR records go by order, then by preference (RFC 3403 4.1)") {
  const auto sorted = in_order(std::vector<Naptr>{
      {100, 50, "s", "third", "", ""}, {50, 90, "s", "second", "", ""}, {50, 50, "s", "first", "", ""}});
  CHECK(sorted[0].service == "first");
  CHECK(sorted[1].service == "second");
  CHECK(sorted[2].service == "third");
}
