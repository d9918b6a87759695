#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "protocol/locate/dns.hpp"

namespace beckon::locate {

/// Answers of the DNS for as long as they are valid, negative ones included (RFC 2308).
class Cache {
 public:
  struct Limits {
    std::size_t entries = 4096;       ///< Past it the one that ends first goes.
    Duration longest = 86400s;        ///< Of what was found; a longer TTL is cut (RFC 2181 8).
    Duration longest_nothing = 900s;  ///< Of no_data and no_name (RFC 2308 5 allows hours).
    Duration failed = 5s;             ///< How long a failure is not asked again (RFC 2308 7: at most 5 min).
  };
  Cache() = default;
  explicit Cache(Limits limits) : limits_(limits) {}

  /// Answers with TTL zero are not kept.
  void put(const Question& question, const Answer& answer, Time now);
  std::optional<Answer> find(const Question& question, Time now) const;
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Answer answer;
    Time until;
  };
  void drop(const Question& question);

  Limits limits_;
  std::map<Question, Entry> entries_;
  std::set<std::pair<Time, Question>> by_end_;
};

}  // namespace beckon::locate
