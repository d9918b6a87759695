#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace beckon::store {

/// The values asked for last, by text: at least `size_max` / 2 of them, at most `size_max`. What was not
/// asked for while half of that many others were is forgotten; nothing is sorted for it.
template <class Value>
class Recent {
 public:
  explicit Recent(std::size_t size_max) : half_(size_max / 2) {}

  /// Null: it is not here. Valid until the next call.
  const Value* find(std::string_view key) {
    if (const auto known = young_.find(key); known != young_.end()) return &known->second;
    const auto known = old_.find(key);
    if (known == old_.end()) return nullptr;
    auto node = old_.extract(known);
    make_room();
    return &young_.insert(std::move(node)).position->second;
  }
  /// Of a key that `find` does not know.
  const Value& put(std::string_view key, Value value) {
    make_room();
    return young_.emplace(key, std::move(value)).first->second;
  }
  void clear() {
    young_.clear();
    old_.clear();
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  using Map = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

  void make_room() {
    if (young_.size() < half_) return;
    old_ = std::exchange(young_, {});
  }

  std::size_t half_;
  Map young_;  ///< Asked for since it began.
  Map old_;    ///< Asked for in the round before, and not since.
};

}  // namespace beckon::store
