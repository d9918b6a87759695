#pragma once

#include <cstddef>

namespace beckon {

/// Memory for what is made and dropped with every message. Each thread keeps the blocks given back on it, up
/// to `max_kept_octets` for each size, and takes from them first: in steady state nothing is allocated. A
/// block may be given back on another thread than took it.

inline constexpr std::size_t max_kept_octets = 256 * 1024;
inline constexpr std::size_t max_pooled_block = 64 * 1024;  ///< A larger one comes from the heap.

/// Octets the block of a `take_block(size)` really has.
std::size_t block_capacity(std::size_t size);
/// Uninitialised, aligned like operator new.
void* take_block(std::size_t size);
/// Whether this thread keeps blocks, as it does at first; not where tests count what is held.
void keep_blocks(bool keep);
/// `size` is what `take_block` was asked for, or `block_capacity` of it.
void give_block(void* block, std::size_t size) noexcept;

}  // namespace beckon
