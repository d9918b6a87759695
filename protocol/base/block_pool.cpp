#include "protocol/base/block_pool.hpp"

#include <array>
#include <bit>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define BECKON_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BECKON_POISON 1
#endif
#endif
#if defined(BECKON_POISON)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

namespace beckon {

namespace {

constexpr std::size_t smallest = 64;
constexpr std::size_t classes = 11;
static_assert(smallest << (classes - 1) == max_pooled_block);

constexpr std::size_t class_of(std::size_t size) {
  return size <= smallest ? 0 : static_cast<std::size_t>(std::bit_width((size - 1) / smallest));
}

struct Free {
  Free* next;
};

class Pool {
 public:
  /// After the thread's own variables have ended no block is kept.
  ~Pool() { keep(false); }

  void keep(bool keep) {
    keeps_ = keep;
    if (keep) return;
    for (auto& list : lists_) {
      while (Free* block = list.first) {
        list.first = block->next;
        ::operator delete(block);
      }
      list.count = 0;
    }
  }

  void* take(std::size_t kind) {
    auto& list = lists_[kind];
    Free* block = list.first;
    if (!block) return nullptr;
    list.first = block->next;
    --list.count;
    return block;
  }

  /// False when the thread has enough of them.
  bool give(void* block, std::size_t kind) {
    auto& list = lists_[kind];
    if (!keeps_ || list.count == max_kept_octets / (smallest << kind)) return false;
    list.first = new (block) Free{list.first};
    ++list.count;
    return true;
  }

 private:
  struct List {
    Free* first = nullptr;
    std::size_t count = 0;
  };
  std::array<List, classes> lists_{};
  bool keeps_ = true;
};

thread_local constinit Pool pool;

}  // namespace

std::size_t block_capacity(std::size_t size) {
  return size > max_pooled_block ? size : smallest << class_of(size);
}

void* take_block(std::size_t size) {
  if (size > max_pooled_block) return ::operator new(size);
  const auto kind = class_of(size);
  void* block = pool.take(kind);
  if (!block) return ::operator new(smallest << kind);
  ASAN_UNPOISON_MEMORY_REGION(block, smallest << kind);
  return block;
}

void keep_blocks(bool keep) { pool.keep(keep); }

void give_block(void* block, std::size_t size) noexcept {
  const auto kind = class_of(size);
  if (size > max_pooled_block || !pool.give(block, kind)) return ::operator delete(block);
  // A sanitizer sees later reads; the first word belongs to the list.
  ASAN_POISON_MEMORY_REGION(static_cast<char*>(block) + sizeof(Free), (smallest << kind) - sizeof(Free));
}

}  // namespace beckon
