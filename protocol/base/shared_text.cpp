#include "protocol/base/shared_text.hpp"

#include <cassert>
#include <cstring>
#include <new>

#include "protocol/base/block_pool.hpp"

namespace beckon {

SharedText::SharedText(std::size_t capacity, Reserve) {
  const std::size_t size = sizeof(Block) + capacity + padding;
  block_ = new (take_block(size)) Block{.size = size, .text = {}};
}

SharedText::SharedText(std::string_view text) : SharedText(text.size(), Reserve{}) {
  if (!text.empty()) std::memcpy(octets(), text.data(), text.size());
  finish(text.size());
}

void SharedText::finish(std::size_t size) {
  assert(sizeof(Block) + size + padding <= block_->size);
  std::memset(octets() + size, 0, padding);
  block_->text = {octets(), size};
}

void SharedText::release() noexcept {
  // No other thread can add an owner to a text that has one, so only shared texts pay for the atomic
  // decrement.
  const bool last = block_->owners.load(std::memory_order_acquire) == 1 ||
                    block_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1;
  if (last) give_block(block_, block_->size);
}

}  // namespace beckon
