#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/xml/scan.hpp"

namespace beckon::xml {

/// One attribute. Namespace declarations are no attributes here.
struct Attribute {
  std::string_view ns;      ///< Empty without prefix.
  std::string_view name;    ///< Local name.
  std::string_view value;   ///< References resolved.
  std::string_view source;  ///< The value as written, between its quotes.
};

/// An element that stands alone: its text declares every prefix it uses, so it can be printed anywhere
/// inside another document. This is how elements we do not understand are kept.
struct Fragment {
  std::string ns;
  std::string name;  ///< Local name.
  std::string text;  ///< From '<' to the last '>'.

  bool is(std::string_view a_ns, std::string_view a_name) const { return name == a_name && ns == a_ns; }
  bool operator==(const Fragment&) const = default;
};

struct Binding;

/// One element of a Document, valid as long as the document.
class Element {
 public:
  class Iterator;
  struct Children;

  std::string_view ns() const { return ns_; }      ///< Empty: in no namespace.
  std::string_view name() const { return name_; }  ///< Local name.
  /// All character data directly inside, references resolved, surrounding white space kept. White space
  /// that merely separates child elements is dropped.
  std::string_view text() const { return text_; }
  std::span<const Attribute> attributes() const { return attributes_; }
  /// The element as written.
  std::string_view source() const { return source_; }

  bool is(std::string_view a_ns, std::string_view a_name) const { return name_ == a_name && ns_ == a_ns; }
  /// Value of an attribute; nullopt if there is none.
  std::optional<std::string_view> attribute(std::string_view a_name, std::string_view a_ns = {}) const;
  /// The first such child; null if there is none.
  const Element* child(std::string_view a_ns, std::string_view a_name) const;
  Children children() const;

  /// A copy that stands alone: the element as written, with the declarations it borrows from outside.
  Fragment keep() const;

 private:
  friend class Builder;
  friend class Editor;

  std::string borrowed_declarations() const;

  std::string_view ns_;
  std::string_view name_;
  std::string_view text_;
  std::string_view source_;
  std::span<const Attribute> attributes_;
  const Binding* scope_ = nullptr;
  const Element* first_child_ = nullptr;
  const Element* next_ = nullptr;
  std::uint32_t descendants_ = 0;  ///< They follow this element in memory, in document order.
  bool prefixed_ = false;
};

class Element::Iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = Element;
  using difference_type = std::ptrdiff_t;
  using pointer = const Element*;
  using reference = const Element&;

  Iterator() = default;
  explicit Iterator(const Element* at) : at_(at) {}
  reference operator*() const { return *at_; }
  pointer operator->() const { return at_; }
  Iterator& operator++() {
    at_ = at_->next_;
    return *this;
  }
  Iterator operator++(int) {
    Iterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Iterator&) const = default;

 private:
  const Element* at_ = nullptr;
};

struct Element::Children {
  const Element* first = nullptr;
  Iterator begin() const { return Iterator(first); }
  Iterator end() const { return Iterator(); }
};

inline Element::Children Element::children() const { return {first_child_}; }

/// A parsed document. Movable; elements keep their place when it moves.
class Document {
 public:
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  const Element& root() const;

 private:
  friend class Builder;
  friend Result<Document> parse(std::string_view text, const Limits& limits);
  struct State;
  explicit Document(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

/// Scans, parses and resolves namespaces. Errors: all of Errc.
Result<Document> parse(std::string_view text, const Limits& limits = {});

/// Reads a kept element again. It has passed the limits once; what it borrowed may have made it longer.
Result<Document> parse(const Fragment& kept);
inline constexpr Limits kept_limits{.size = 16 << 20, .attributes = 160, .bindings = 160};

/// The namespace bound to the prefix "xml" (xml:lang).
inline constexpr std::string_view xml_ns = "http://www.w3.org/XML/1998/namespace";

}  // namespace beckon::xml
