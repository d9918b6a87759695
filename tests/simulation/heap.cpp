#include "tests/simulation/heap.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

#include "protocol/base/block_pool.hpp"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BECKON_FOREIGN_HEAP
#endif
#endif
#else
#define BECKON_FOREIGN_HEAP
#endif

namespace beckon::simulation::heap {
namespace {

Owner current = Owner::nobody;
std::int64_t held[2] = {0, 0};
/// A block that a pool keeps would count for its first owner.
[[maybe_unused]] const bool pools_are_off = (keep_blocks(false), true);

}  // namespace

Scope::Scope(Owner owner) : before_(std::exchange(current, owner)) {}
Scope::~Scope() { current = before_; }

bool is_counted() {
#ifdef BECKON_FOREIGN_HEAP
  return false;
#else
  return true;
#endif
}

std::int64_t blocks(Owner owner) { return held[static_cast<std::size_t>(owner)]; }

#ifndef BECKON_FOREIGN_HEAP
/// Stands before each block and keeps its alignment.
constexpr std::size_t head = alignof(std::max_align_t);

void* take(std::size_t size) {
  auto* block = static_cast<unsigned char*>(std::malloc(size + head));
  if (block == nullptr) throw std::bad_alloc();
  block[0] = static_cast<unsigned char>(current);
  ++held[block[0]];
  return block + head;
}

void give_back(void* memory) {
  if (memory == nullptr) return;
  auto* block = static_cast<unsigned char*>(memory) - head;
  --held[block[0]];
  std::free(block);
}
#endif

}  // namespace beckon::simulation::heap

#ifndef BECKON_FOREIGN_HEAP
void* operator new(std::size_t size) { return beckon::simulation::heap::take(size); }
void operator delete(void* memory) noexcept { beckon::simulation::heap::give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { beckon::simulation::heap::give_back(memory); }
#endif
