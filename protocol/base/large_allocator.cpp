#include "protocol/base/large_allocator.hpp"

#include <sys/mman.h>

#include <new>

namespace beckon {
namespace {

constexpr std::size_t large_page = 2 << 20;
constexpr std::align_val_t aligned{large_page};

}  // namespace

void* take_large(std::size_t size) {
  if (size < large_page) return ::operator new(size);
  void* block = ::operator new(size, aligned);
  ::madvise(block, size, MADV_HUGEPAGE);  // advice that the system may ignore
  return block;
}

void give_large(void* block, std::size_t size) noexcept {
  if (size < large_page) return ::operator delete(block);
  ::operator delete(block, aligned);
}

}  // namespace beckon
