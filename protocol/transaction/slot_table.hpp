#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "protocol/base/block_pool.hpp"
#include "protocol/transaction/layer.hpp"

namespace beckon::transaction {

/// Entries found by number: the lower bits of a TransactionId name a slot, the upper ones count the entries
/// that the slot has held, so that no number is used twice. An entry stays at its place and lies in a block
/// of the thread's pool. `Entry` has a constructor that takes its TransactionId first, and a member `id`.
template <class Entry>
class SlotTable {
 public:
  static constexpr unsigned index_bits = 25;
  static constexpr std::size_t max_entries = std::size_t{1} << index_bits;
  static std::size_t index_of(TransactionId id) { return id & (max_entries - 1); }

  /// `mark` is set in every number; it keeps those of two tables apart. `most` entries at once, and never
  /// more than `max_entries`.
  SlotTable(TransactionId mark, std::size_t most) : mark_(mark), most_(std::min(most, max_entries)) {}
  SlotTable(const SlotTable&) = delete;
  SlotTable& operator=(const SlotTable&) = delete;
  ~SlotTable() {
    // What an entry's end calls finds none of those that are gone.
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (Entry* entry = std::exchange(slots_[i].entry, nullptr)) destroy(*entry);
  }

  /// Null: the table is full.
  template <class... Args>
  [[nodiscard]] Entry* add(Args&&... args) {
    if (size_ >= most_) return nullptr;
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.push_back({mark_ | slots_.size(), nullptr});
    }
    Slot& slot = slots_[free_.back()];
    free_.pop_back();
    slot.id += max_entries;
    slot.entry = new (take_block(sizeof(Entry))) Entry(slot.id, std::forward<Args>(args)...);
    ++size_;
    return slot.entry;
  }
  Entry* find(TransactionId id) const {
    const auto index = index_of(id);
    return index < slots_.size() && slots_[index].id == id ? slots_[index].entry : nullptr;
  }
  Entry* at(std::size_t index) const { return index < slots_.size() ? slots_[index].entry : nullptr; }
  /// Its number names none from now on. The entry lives until `destroy`.
  void retire(Entry& entry) {
    const auto index = index_of(entry.id);
    slots_[index].entry = nullptr;
    free_.push_back(static_cast<std::uint32_t>(index));
    --size_;
  }
  void destroy(Entry& entry) {
    entry.~Entry();
    give_block(&entry, sizeof(Entry));
  }
  std::size_t size() const { return size_; }
  template <class Visit>
  void each(Visit visit) const {
    for (const Slot& slot : slots_)
      if (slot.entry != nullptr) visit(*slot.entry);
  }

 private:
  static_assert(alignof(Entry) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
  struct Slot {
    TransactionId id;  ///< Of the entry, or of the last one.
    Entry* entry;
  };
  TransactionId mark_;
  std::size_t most_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;  ///< The last one freed is used first: it is still in the caches.
  std::size_t size_ = 0;
};

}  // namespace beckon::transaction
