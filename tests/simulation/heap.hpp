#pragma once

#include <cstdint>

namespace beckon::simulation {

/// Counts the blocks of memory that each side of a history holds: a block allocated within a scope of an
/// owner is that owner's, whoever frees it. Blocks and not octets, because a container keeps one block
/// however large it grew once. One thread; not counted under sanitizers, which have their own allocator.
namespace heap {

enum class Owner : std::uint8_t { nobody, server };

/// What this thread allocates meanwhile belongs to `owner`.
class Scope {
 public:
  explicit Scope(Owner owner);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Owner before_;
};

/// False under sanitizers: everybody holds 0 blocks then.
bool is_counted();
/// Blocks that the owner holds.
std::int64_t blocks(Owner owner);

}  // namespace heap
}  // namespace beckon::simulation
