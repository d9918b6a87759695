#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <type_traits>

namespace beckon {

/// A value, or the reason why there is none. Faults of a peer, a file or a user are reported this way; faults
/// that only our own code can have are asserts.
template <class T>
using Result = boost::system::result<T>;

using ErrorCode = boost::system::error_code;

/// One error category per room, made from the room's enum `E` and a function
/// `const char* to_string(E)` found by argument-dependent look-up.
template <class E>
class EnumCategory final : public boost::system::error_category {
 public:
  explicit constexpr EnumCategory(const char* name) : name_(name) {}
  const char* name() const noexcept override { return name_; }
  std::string message(int value) const override { return to_string(static_cast<E>(value)); }

 private:
  const char* name_;
};

}  // namespace beckon

/// Makes `ENUM` (an enum class of namespace NS with a `to_string`) convertible to ErrorCode. Write it
/// once, at global scope, after the enum: BECKON_ERROR_ENUM(beckon::sip, Errc, "beckon.sip")
#define BECKON_ERROR_ENUM(NS, ENUM, NAME)                     \
  namespace NS {                                              \
  inline ::beckon::ErrorCode make_error_code(ENUM value) {    \
    static const ::beckon::EnumCategory<ENUM> category(NAME); \
    return {static_cast<int>(value), category};               \
  }                                                           \
  }                                                           \
  template <>                                                 \
  struct boost::system::is_error_code_enum<NS::ENUM> : std::true_type {};
