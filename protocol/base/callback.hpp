#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <functional>
#include <new>
#include <type_traits>
#include <utility>

#include "protocol/base/block_pool.hpp"

namespace beckon {

/// A move-only std::function. A callable of at most `octets` octets is stored inside; a larger one takes a
/// block of the thread's pool (block_pool.hpp), so that in steady state no callback allocates. Calling an
/// empty one is a programming error.
template <class Signature, std::size_t octets = 24>
class Callback;

template <class R, class... Args, std::size_t octets>
class Callback<R(Args...), octets> {
  template <class F>
  static constexpr bool fits =
      sizeof(F) <= octets && alignof(F) <= alignof(void*) && std::is_nothrow_move_constructible_v<F>;

 public:
  Callback() noexcept = default;
  Callback(std::nullptr_t) noexcept {}
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Callback> &&
             std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
  Callback(F&& callable) {
    using Callable = std::decay_t<F>;
    // An empty std::function, a null pointer to a function.
    if constexpr (std::is_constructible_v<Callable, std::nullptr_t>)
      if (!callable) return;
    if constexpr (fits<Callable>) {
      new (storage_.data()) Callable(std::forward<F>(callable));
    } else {
      static_assert(alignof(Callable) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
      auto* block = new (take_block(sizeof(Callable))) Callable(std::forward<F>(callable));
      std::memcpy(storage_.data(), &block, sizeof block);
    }
    kind_ = &kind_of<Callable>;
  }
  Callback(Callback&& other) noexcept { take(other); }
  Callback& operator=(Callback&& other) noexcept {
    if (this == &other) return *this;
    Callback old(std::move(*this));  // destroyed last: its destructor may reach *this
    take(other);
    return *this;
  }
  ~Callback() {
    if (kind_ != nullptr && kind_->destroy != nullptr) kind_->destroy(storage_.data());
  }

  R operator()(Args... args) const {
    assert(kind_ != nullptr);
    return kind_->call(storage_.data(), std::forward<Args>(args)...);
  }
  explicit operator bool() const { return kind_ != nullptr; }
  friend bool operator==(const Callback& callback, std::nullptr_t) { return !callback; }

 private:
  struct Kind {
    R (*call)(std::byte* storage, Args&&... args);
    void (*move)(std::byte* from, std::byte* to);  ///< Null: the octets are copied.
    void (*destroy)(std::byte* storage);           ///< Null: nothing to do.
  };

  template <class F>
  static F& inside(std::byte* storage) {
    if constexpr (fits<F>) {
      return *std::launder(reinterpret_cast<F*>(storage));
    } else {
      F* block = nullptr;
      std::memcpy(&block, storage, sizeof block);
      return *block;
    }
  }
  template <class F>
  static void destroy(std::byte* storage) {
    F& callable = inside<F>(storage);
    callable.~F();
    if constexpr (!fits<F>) give_block(&callable, sizeof(F));
  }
  template <class F>
  static void move(std::byte* from, std::byte* to) {
    new (to) F(std::move(inside<F>(from)));
    inside<F>(from).~F();
  }
  template <class F>
  static constexpr bool is_plain = fits<F> && std::is_trivially_copyable_v<F>;
  template <class F>
  static constexpr Kind kind_of{.call = [](std::byte* storage, Args&&... args) -> R {
                                  if constexpr (std::is_void_v<R>)
                                    std::invoke(inside<F>(storage), std::forward<Args>(args)...);
                                  else
                                    return std::invoke(inside<F>(storage), std::forward<Args>(args)...);
                                },
                                .move = fits<F> && !is_plain<F> ? &Callback::move<F> : nullptr,
                                .destroy = is_plain<F> ? nullptr : &Callback::destroy<F>};

  void take(Callback& other) {
    kind_ = std::exchange(other.kind_, nullptr);
    if (kind_ == nullptr) return;
    if (kind_->move != nullptr)
      kind_->move(other.storage_.data(), storage_.data());
    else
      storage_ = other.storage_;
  }

  const Kind* kind_ = nullptr;
  /// Calls do not change what is called, as those of std::function do not.
  alignas(void*) mutable std::array<std::byte, octets> storage_{};
};

}  // namespace beckon
