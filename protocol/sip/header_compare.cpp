#include <algorithm>
#include <type_traits>

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"
#include "protocol/sip/header_table.hpp"
#include "protocol/sip/header_value.hpp"

namespace beckon::sip {

namespace {

bool same_word(std::string_view a, std::string_view b) {
  // RFC 3261 7.3.1: quoted strings are compared octet by octet, the rest in any case.
  return grammar::is_quoted(a) || grammar::is_quoted(b) ? text_of(a) == text_of(b) : iequals(a, b);
}

/// As it is written; of several with that name, which none may have (RFC 3261 7.3.1), the first.
std::optional<std::string_view> written(std::string_view parameters, std::string_view wanted) {
  for (std::string_view name, value; grammar::next_parameter(parameters, name, value);)
    if (iequals(name, wanted)) return value;
  return std::nullopt;
}

/// Those that stand in both have equal values (RFC 3261 20.20); a tag is never equal to its absence.
bool parameters_agree(std::string_view a, std::string_view b) {
  if (written(a, "tag").has_value() != written(b, "tag").has_value()) return false;
  auto rest = a;
  for (std::string_view name, value; grammar::next_parameter(rest, name, value);) {
    const auto one = written(a, name), other = written(b, name);
    if (one && other && !same_word(*one, *other)) return false;
  }
  return true;
}

bool parameters_equal(std::string_view a, std::string_view b) {
  const auto covers = [](std::string_view all, std::string_view some) {
    for (std::string_view name, value; grammar::next_parameter(some, name, value);) {
      if (!find_parameter(all, name)) return false;
    }
    return true;
  };
  return covers(a, b) && covers(b, a) && parameters_agree(a, b);
}

/// Headers of a URI inside a header are compared as text, so that the work stays bounded.
bool same_address(const NameAddr& a, const NameAddr& b) {
  if (a.uri.headers != b.uri.headers) return false;
  Uri left = a.uri, right = b.uri;
  left.headers.clear();
  right.headers.clear();
  return equivalent(left, right) && parameters_agree(a.parameters, b.parameters);
}

class Comparer {
 public:
  explicit Comparer(Shape shape) : shape_(shape) {}

  bool operator()(std::string_view a, std::string_view b) const {
    // Call-ID and entity-tags are compared octet by octet (RFC 3261 20.8, RFC 3903 11.3).
    return shape_ == Shape::call_id || shape_ == Shape::token ? a == b : iequals(a, b);
  }
  bool operator()(const Item& a, const Item& b) const {
    const bool exact = shape_ == Shape::dialog || shape_ == Shape::target_dialog ||
                       shape_ == Shape::call_ids || shape_ == Shape::links;
    return (exact ? a.value == b.value : same_word(a.value, b.value)) &&
           parameters_equal(a.parameters, b.parameters);
  }
  bool operator()(const Number& a, const Number& b) const {
    return a.value == b.value && parameters_equal(a.parameters, b.parameters);
  }
  bool operator()(const CSeq& a, const CSeq& b) const { return a.number == b.number && a.method == b.method; }
  bool operator()(const Via& a, const Via& b) const {
    return a.transport == b.transport && a.host == b.host && a.port == b.port &&
           parameters_equal(a.parameters, b.parameters);
  }
  bool operator()(const NameAddr& a, const NameAddr& b) const { return same_address(a, b); }
  bool operator()(const Contact& a, const Contact& b) const {
    if (a.is_star() || b.is_star()) return a.is_star() == b.is_star();
    return same_address(a.address, b.address);
  }
  template <class T>
  bool operator()(const std::vector<T>& a, const std::vector<T>& b) const {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), *this);
  }
  template <class T>
  bool operator()(const T& a, const T& b) const {
    return a == b;
  }

 private:
  Shape shape_;
};

}  // namespace

bool equivalent_values(HeaderId id, std::string_view a, std::string_view b) {
  const auto left = parse_header(id, a), right = parse_header(id, b);
  if (id == HeaderId::other || !left || !right) return iequals(trim(a), trim(b));
  const Comparer comparer(row_of(id).shape);
  return std::visit(
      [&]<class A, class B>(const A& one, const B& other) {
        if constexpr (std::is_same_v<A, B>) {
          return comparer(one, other);
        } else {
          return false;
        }
      },
      *left, *right);
}

}  // namespace beckon::sip
