#pragma once

#include <cstddef>

namespace beckon {

/// Memory for objects that live as long as one message. Each thread keeps the blocks given back on it, up to
/// `max_kept_octets` of each size, and takes from them first: in steady state nothing is allocated. A block
/// may be given back on another thread than the one that took it.

inline constexpr std::size_t max_kept_octets = 256 * 1024;
inline constexpr std::size_t max_pooled_block = 64 * 1024;  ///< A larger one comes from the heap.

/// Octets the block of a `take_block(size)` really has.
std::size_t block_capacity(std::size_t size);
/// Uninitialised, aligned like operator new.
void* take_block(std::size_t size);
/// Whether this thread keeps blocks. It does at first; tests that count the memory held turn it off.
void keep_blocks(bool keep);
/// `size` is what `take_block` was asked for, or `block_capacity` of it.
void give_block(void* block, std::size_t size) noexcept;

}  // namespace beckon
