#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/xml/document.hpp"

namespace beckon::xml {

/// Changes single places of an element and leaves every other octet as it was written. Collects changes,
/// then `finish` gives the new text. The document must outlive the editor.
class Editor {
 public:
  explicit Editor(const Element& root) : root_(&root) {}

  /// Sets an attribute without namespace on an element inside `root` (or the root itself).
  void set_attribute(const Element& element, std::string_view name, std::string_view value);
  /// Removes a descendant of the root. No place inside it may be changed as well.
  void remove(const Element& element);
  /// Adds XML, which stands alone, as the last child.
  void append(const Element& parent, std::string_view fragment);
  /// The same before a descendant of the root, which may be removed as well.
  void insert_before(const Element& sibling, std::string_view fragment);

  /// The root with all changes applied.
  Fragment finish() const;

  /// The innermost namespace declaration in scope of an element; null: none.
  static const Binding* scope_of(const Element& element) { return element.scope_; }

 private:
  struct Change {
    std::size_t begin;  ///< Offsets in the root's source.
    std::size_t end;
    std::string text;
  };
  void add(Change change);
  std::size_t offset_of(std::string_view piece) const;

  const Element* root_;
  std::vector<Change> changes_;
};

/// Where the root element begins in the text of a document, which is well-formed.
std::size_t root_offset(std::string_view text);

}  // namespace beckon::xml
