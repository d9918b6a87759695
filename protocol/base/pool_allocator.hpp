#pragma once

#include <cstddef>

#include "protocol/base/block_pool.hpp"

namespace beckon {

/// A standard allocator over the thread's block pool, for nodes that live as long as one message.
template <class T>
struct PoolAllocator {
  using value_type = T;
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

  PoolAllocator() = default;
  template <class Other>
  PoolAllocator(const PoolAllocator<Other>&) {}

  T* allocate(std::size_t count) { return static_cast<T*>(take_block(count * sizeof(T))); }
  void deallocate(T* place, std::size_t count) noexcept { give_block(place, count * sizeof(T)); }
  bool operator==(const PoolAllocator&) const = default;
};

}  // namespace beckon
