#include "protocol/locate/order.hpp"

#include <algorithm>
#include <utility>

namespace beckon::locate {

namespace {

/// Few records, by insertion: std::stable_sort of GCC 12's library does not compile without warnings with
/// clang.
template <class T, class Key>
void sort_stably(std::vector<T>& records, Key key) {
  for (auto next = records.begin(); next != records.end(); ++next) {
    const auto place = std::ranges::upper_bound(records.begin(), next, key(*next), {}, key);
    std::rotate(place, next, next + 1);
  }
}

/// "Choose a uniform random number between 0 and the sum computed (inclusive), and select the RR whose
/// running sum value is the first in the selected order which is greater than or equal to the random number
/// selected."
std::size_t choose(const std::vector<Srv>& records, std::size_t from, std::size_t to, Random& random) {
  std::uint64_t sum = 0;
  for (std::size_t i = from; i < to; ++i) sum += records[i].weight;
  const std::uint64_t drawn = random.below(sum + 1);
  std::uint64_t running = 0;
  for (std::size_t i = from; i < to; ++i) {
    running += records[i].weight;
    if (running >= drawn) return i;
  }
  return to - 1;
}

}  // namespace

std::vector<Srv> in_order(std::vector<Srv> records, Random& random) {
  // "To select a target to be contacted next, arrange all SRV RRs (that have not been ordered yet) in any
  // order, except that all those with weight 0 are placed at the beginning of the list."
  sort_stably(records, [](const Srv& record) { return std::pair{record.priority, record.weight != 0}; });
  std::size_t from = 0;
  while (from < records.size()) {
    const auto priority = records[from].priority;
    std::size_t to = from;
    while (to < records.size() && records[to].priority == priority) ++to;
    for (; from + 1 < to; ++from) {
      const auto chosen = records.begin() + static_cast<std::ptrdiff_t>(choose(records, from, to, random));
      std::rotate(records.begin() + static_cast<std::ptrdiff_t>(from), chosen, chosen + 1);
    }
    from = to;
  }
  return records;
}

std::vector<Naptr> in_order(std::vector<Naptr> records) {
  sort_stably(records, [](const Naptr& record) { return std::pair{record.order, record.preference}; });
  return records;
}

}  // namespace beckon::locate
