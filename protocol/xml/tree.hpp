#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/xml/document.hpp"

namespace beckon::xml {

/// One node of a Tree. Texts are kept as written, with references and CDATA sections; `decode` resolves them.
struct Node {
  enum class Kind : std::uint8_t { document, element, text, comment, instruction };
  struct Declaration {
    std::string_view prefix;  ///< Empty: the default namespace.
    std::string_view ns;      ///< References resolved.
  };
  struct Attribute {
    std::string_view prefix, name;
    std::string_view source;  ///< As written, between its quotes.
    char quote = '"';
  };

  Kind kind = Kind::document;
  Node* parent = nullptr;
  Node* previous = nullptr;
  Node* next = nullptr;
  Node* first = nullptr;  ///< Child.
  Node* last = nullptr;
  std::string_view prefix;
  std::string_view name;    ///< Local name of an element, target of a processing instruction.
  std::string_view source;  ///< Of a text, comment ("<!--...-->") or processing instruction ("<?...?>").
  std::vector<Declaration> declarations;
  std::vector<Attribute> attributes;

  bool is_element() const { return kind == Kind::element; }
  bool is_text() const { return kind == Kind::text; }
  /// A text that is nothing but white space.
  bool is_space() const;
  /// The value of an attribute without namespace, as written; null if there is none.
  const Attribute* attribute(std::string_view a_name) const;
};

/// A document that can be changed, with every node of it: white space, comments and processing instructions
/// too. What is not changed is printed as it was written, but for the inside of tags. Movable; nodes keep
/// their place.
class Tree {
 public:
  /// The document itself: its children are the root element and what stands beside it.
  Node& document() { return nodes_->front(); }
  const Node& document() const { return nodes_->front(); }
  Node& root();
  const Node& root() const { return const_cast<Tree*>(this)->root(); }

  /// A node without place, for `insert`. Texts given to it are kept by `keep`.
  Node& make(Node::Kind kind);
  std::string_view keep(std::string_view text);
  /// Puts `node` before `before`, a child of `parent`, or last. Once all are in place, `join` makes one of
  /// two texts side by side (XPath 1.0 5.7).
  void insert(Node& parent, Node* before, Node& node);
  /// `first` and `last` have been inserted, with what stands between them. Either may be gone then.
  void join(Node& first, Node& last);
  /// Takes a node out, with all below it; texts that come to stand side by side become one. The node must not
  /// be used again.
  void remove(Node& node);
  /// Replaces the text of a text node by what is written so.
  void set_text(Node& text, std::string_view source);

  /// Work done on this document: visits of nodes and attributes, and octets of joined texts in part. Whoever
  /// works for a peer compares it with a limit.
  void spend(std::size_t work) { work_ += work; }
  std::size_t work() const { return work_; }

  /// Error: Errc::too_large, more than `size_max` octets.
  Result<std::string> print(std::size_t size_max = Limits{}.size) const;

 private:
  friend class TreeReader;
  Tree();

  void join_next(Node& text);
  static void unlink(Node& node);

  std::unique_ptr<std::pmr::monotonic_buffer_resource> texts_;
  std::unique_ptr<std::deque<Node>> nodes_;
  std::string_view prolog_;  ///< The XML declaration as written.
  std::size_t work_ = 0;
};

/// Reads a document as `parse` does, with the same errors.
Result<Tree> parse_tree(std::string_view text, const Limits& limits = {});

/// What a text or an attribute's value says: references and CDATA sections resolved.
std::string decode(std::string_view source);
/// The same as `decode(source) == value`.
bool says(std::string_view source, std::string_view value);

/// The namespace that `prefix` has in `scope`: empty for no prefix and no default namespace; nullopt: the
/// prefix is not declared.
std::optional<std::string_view> find_ns(const Node& scope, std::string_view prefix);

/// Levels from the root element (1) down to `node`.
std::size_t depth_of(const Node& node);

/// Do both say the same, with the same prefixes? The order of attributes and declarations does not count.
bool equal(const Node& a, const Node& b);

/// Prints a node with all below it. It does not declare what it uses from outside.
void append(std::string& out, const Node& node);

}  // namespace beckon::xml
