#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/xml/error.hpp"

namespace beckon::xml {

/// What a document may cost. Each limit is the largest value still taken.
struct Limits {
  std::size_t size = 1 << 20;   ///< Octets. The largest SIP message on a stream.
  std::size_t depth = 64;       ///< The root is 1. Users of the tree may recurse.
  std::size_t nodes = 50'000;   ///< Elements, texts, CDATA sections, comments, processing instructions.
  std::size_t attributes = 64;  ///< Of one element, namespace declarations included.
  std::size_t bindings = 64;    ///< Namespace declarations in scope at once; bounds the cost of look-ups.
  /// Octets of a namespace's name. A short prefix stands for it in the document, and each `Fragment` has its
  /// own copies.
  std::size_t namespace_name = 256;
};

/// The attributes or children of an element, in document order.
template <class T>
class Siblings {
 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;

    Iterator() = default;
    explicit Iterator(const T* at) : at_(at) {}
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
    const T* at_ = nullptr;
  };

  explicit Siblings(const T* first) : first_(first) {}
  bool empty() const { return first_ == nullptr; }
  const T& front() const { return *first_; }
  Iterator begin() const { return Iterator(first_); }
  Iterator end() const { return Iterator(); }

 private:
  const T* first_;
};

/// One attribute. Namespace declarations are no attributes here.
class Attribute {
 public:
  std::string_view ns() const { return ns_; }          ///< Empty without prefix.
  std::string_view name() const { return name_; }      ///< Local name.
  std::string_view value() const { return value_; }    ///< References resolved.
  std::string_view source() const { return source_; }  ///< The value as written, between its quotes.

  bool is(std::string_view a_ns, std::string_view a_name) const { return name_ == a_name && ns_ == a_ns; }

 private:
  friend class Parser;
  friend class Siblings<Attribute>::Iterator;

  std::string_view ns_;
  std::string_view name_;
  std::string_view value_;
  std::string_view source_;
  Attribute* next_ = nullptr;
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

class Element;

/// A namespace declaration.
struct Binding {
  std::string_view prefix;  ///< Empty: the default namespace.
  std::string_view ns;
  const Element* owner;  ///< The element whose start tag has it.
  const Binding* outer;  ///< The declaration before this one, in the same start tag or further outside.
  std::size_t depth;     ///< Declarations in scope, this one included.
};

/// The declaration of `prefix` that holds in `scope`; null if there is none.
inline const Binding* find_binding(const Binding* scope, std::string_view prefix) {
  while (scope != nullptr && scope->prefix != prefix) scope = scope->outer;
  return scope;
}

/// One element of a Document, valid as long as the document.
class Element {
 public:
  std::string_view ns() const { return ns_; }      ///< Empty: in no namespace.
  std::string_view name() const { return name_; }  ///< Local name.
  /// All character data directly inside, references resolved, surrounding white space kept. White space
  /// that merely separates child elements is dropped.
  std::string_view text() const { return text_; }
  Siblings<Attribute> attributes() const { return Siblings(first_attribute_); }
  Siblings<Element> children() const { return Siblings(first_child_); }
  /// The element as written.
  std::string_view source() const { return source_; }

  bool is(std::string_view a_ns, std::string_view a_name) const { return name_ == a_name && ns_ == a_ns; }
  /// Value of an attribute; nullopt if there is none.
  std::optional<std::string_view> attribute(std::string_view a_name, std::string_view a_ns = {}) const;
  /// The first such child; null if there is none.
  const Element* child(std::string_view a_ns, std::string_view a_name) const;

  /// A copy that stands alone: the element as written, with the declarations it borrows from outside.
  Fragment keep() const;

 private:
  friend class Parser;
  friend class Editor;
  friend class Siblings<Element>::Iterator;

  std::string borrowed_declarations() const;

  std::string_view ns_;
  std::string_view name_;
  std::string_view text_;
  std::string_view source_;
  const Binding* scope_ = nullptr;  ///< The innermost declaration in scope.
  Attribute* first_attribute_ = nullptr;
  Element* first_child_ = nullptr;
  Element* next_ = nullptr;
  bool uses_default_ns_ = false;  ///< It or an element inside has no prefix.
};

/// A parsed document: the text and its tree, in one arena. Movable; elements keep their place when it moves.
class Document {
 public:
  const Element& root() const { return *root_; }

 private:
  friend Result<Document> parse(std::string_view text, const Limits& limits);
  using Arena = std::pmr::monotonic_buffer_resource;
  Document(std::unique_ptr<Arena> arena, const Element& root) : arena_(std::move(arena)), root_(&root) {}

  std::unique_ptr<Arena> arena_;
  const Element* root_;
};

/// Reads a well-formed XML 1.0 document in UTF-8, within the limits and without document type declaration, in
/// one pass without recursion. Copies `text`. Errors: all of Errc.
Result<Document> parse(std::string_view text, const Limits& limits = {});

/// Reads a kept element again. It has passed the limits once; what it borrowed may have made it longer.
Result<Document> parse(const Fragment& kept);
inline constexpr Limits kept_limits{.size = 16 << 20, .attributes = 160, .bindings = 160};

/// The namespace bound to the prefix "xml" (xml:lang).
inline constexpr std::string_view xml_ns = "http://www.w3.org/XML/1998/namespace";

}  // namespace beckon::xml
