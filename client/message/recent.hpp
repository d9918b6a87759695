#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <utility>

namespace beckon::client::message {

/// A table that keeps the newest entries: past its size the oldest leaves.
template <class Key, class Value>
class Recent {
 public:
  explicit Recent(std::size_t size) : size_(size) {}

  /// Null where the key is there already.
  Value* add(const Key& key, Value value) {
    const auto [place, is_new] = entries_.try_emplace(key, std::move(value));
    if (!is_new) return nullptr;
    order_.push_back(key);
    if (order_.size() > size_) {
      entries_.erase(order_.front());
      order_.pop_front();
    }
    return &place->second;
  }
  Value* find(const Key& key) {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
  }
  /// By age.
  template <class Function>
  void each(Function function) {
    for (const Key& key : order_) function(entries_.at(key));
  }

 private:
  std::size_t size_;
  std::map<Key, Value> entries_;
  std::deque<Key> order_;  ///< By age.
};

}  // namespace beckon::client::message
