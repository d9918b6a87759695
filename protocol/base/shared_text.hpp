#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace beckon {

/// A finished text or packet that several owners on any thread may hold and that does not change; or null.
/// The octets follow their reference count in one block of the thread's pool (block_pool.hpp), so a copy only
/// counts.
class SharedText {
 public:
  /// Octets after the text that may be read and are NUL, so that a scanner can load whole words.
  static constexpr std::size_t padding = 64;

  constexpr SharedText() noexcept = default;
  constexpr SharedText(std::nullptr_t) noexcept {}
  explicit SharedText(std::string_view text);
  SharedText(const SharedText& other) noexcept : block_(other.block_) {
    if (block_) block_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  SharedText(SharedText&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedText& operator=(SharedText other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedText() {
    if (block_) release();
  }

  /// A text of at most `capacity` octets that `fill(char* out)` writes; `fill` returns how many it wrote.
  template <class Fill>
  static SharedText make(std::size_t capacity, Fill fill) {
    SharedText text(capacity, Reserve{});
    text.finish(fill(text.octets()));
    return text;
  }

  /// Not of null.
  const std::string_view& operator*() const { return block_->text; }
  const std::string_view* operator->() const { return &block_->text; }

  explicit operator bool() const { return block_ != nullptr; }
  /// The same text, not an equal one.
  friend bool operator==(const SharedText& a, const SharedText& b) { return a.block_ == b.block_; }
  friend bool operator==(const SharedText& a, std::nullptr_t) { return !a.block_; }

 private:
  struct Reserve {};
  struct Block {
    std::atomic<std::uint32_t> owners{1};
    std::size_t size;  ///< Of the whole block, as asked of the pool.
    std::string_view text;
  };

  SharedText(std::size_t capacity, Reserve);
  char* octets() { return reinterpret_cast<char*>(block_ + 1); }
  void finish(std::size_t size);
  void release() noexcept;

  Block* block_ = nullptr;
};

inline SharedText share(std::string_view text) { return SharedText(text); }

}  // namespace beckon
