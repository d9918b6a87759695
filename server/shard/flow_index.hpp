#pragma once

#include <functional>
#include <set>
#include <utility>

#include "protocol/base/pool_allocator.hpp"
#include "server/shard/directory.hpp"

namespace beckon::server {

/// Which entries have something of a room that lives on a connection; each pair once. A change costs the
/// same, whether a connection carries one user or, as a trunk, all of them. It keeps its entries.
class FlowIndex {
 public:
  void add(transaction::FlowId flow, Entry& entry) { pairs_.emplace(flow, entry.ptr()); }
  void remove(transaction::FlowId flow, Entry& entry) { pairs_.erase({flow, entry.ptr()}); }
  /// One of those on the flow; null: none.
  EntryPtr first(transaction::FlowId flow) const {
    const auto found = pairs_.lower_bound({flow, nullptr});
    return found != pairs_.end() && found->first == flow ? found->second : nullptr;
  }
  std::size_t size() const { return pairs_.size(); }

 private:
  using Pair = std::pair<transaction::FlowId, EntryPtr>;
  std::set<Pair, std::less<Pair>, PoolAllocator<Pair>> pairs_;
};

}  // namespace beckon::server
