#pragma once

#include <cstddef>
#include <utility>

namespace beckon {

/// Memory for large tables and logs with scattered accesses: from 2 MiB on it is asked of the system in large
/// pages. One page fault then maps as much as 512 small pages, and so does one entry of the processor's page
/// tables.
void* take_large(std::size_t size);
void give_large(void* block, std::size_t size) noexcept;

/// A block of it that goes with its owner.
class LargeBlock {
 public:
  LargeBlock() = default;
  explicit LargeBlock(std::size_t size) : octets_(static_cast<char*>(take_large(size))), size_(size) {}
  LargeBlock(LargeBlock&& other) noexcept { swap(other); }
  LargeBlock& operator=(LargeBlock&& other) noexcept {
    swap(other);
    return *this;
  }
  ~LargeBlock() {
    if (octets_) give_large(octets_, size_);
  }
  char* data() const { return octets_; }
  std::size_t size() const { return size_; }

 private:
  void swap(LargeBlock& other) noexcept {
    std::swap(octets_, other.octets_);
    std::swap(size_, other.size_);
  }
  char* octets_ = nullptr;
  std::size_t size_ = 0;
};

/// A standard allocator over it.
template <class T>
struct LargeAllocator {
  using value_type = T;
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

  LargeAllocator() = default;
  template <class Other>
  LargeAllocator(const LargeAllocator<Other>&) {}

  T* allocate(std::size_t count) { return static_cast<T*>(take_large(count * sizeof(T))); }
  void deallocate(T* place, std::size_t count) noexcept { give_large(place, count * sizeof(T)); }
  bool operator==(const LargeAllocator&) const = default;
};

}  // namespace beckon
