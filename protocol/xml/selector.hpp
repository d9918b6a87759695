#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/xml/tree.hpp"

namespace beckon::xml {

/// Names one node of a document: the part of XPath 1.0 that XML patches and XCAP use (RFC 5261 4.1 and 8, RFC
/// 4825 6.3). It has read its prefixes already, and so does not depend on those of the document.
struct Selector {
  struct Predicate {
    enum class Kind : std::uint8_t {
      position,   ///< [2], of those that are left
      attribute,  ///< [@name='value']
      self,       ///< [.='value']
      child,      ///< [name='value']
    };
    Kind kind = Kind::position;
    std::size_t position = 0;
    std::string ns, name, value;
  };
  /// One level of elements.
  struct Step {
    bool is_any = false;  ///< "*"
    std::string ns, name;
    std::vector<Predicate> predicates;
  };
  enum class Target : std::uint8_t { element, attribute, declaration, text, comment, instruction };

  std::optional<std::string> id;  ///< It starts at the element with this ID.
  std::vector<Step> steps;
  /// What the last step names, below the elements of `steps`.
  Target target = Target::element;
  std::string ns, name;  ///< Of an attribute; prefix of a declaration; target of an instruction.
  std::optional<std::size_t> position;  ///< Of a text, comment or instruction.
};

/// Why a text was not taken as a selector.
enum class SelectorErrc {
  bad_syntax = 1,  ///< Not within the grammar, or longer than `selector_size_max`.
  unbound_prefix,  ///< A prefix that is not declared where the selector stands.
};
const char* to_string(SelectorErrc value);

inline constexpr std::size_t selector_size_max = 4096;  ///< Octets.

/// The namespace of a prefix; for elements without prefix that of the empty one. Nullopt: not declared.
using FindNs = std::function<std::optional<std::string_view>(std::string_view prefix)>;

/// Errors: all of SelectorErrc.
Result<Selector> parse_selector(std::string_view text, const FindNs& find_ns);
/// "@name" or "namespace::prefix", as in the type of an addition; without steps.
Result<Selector> parse_last_step(std::string_view text, const FindNs& find_ns);

/// What a selector found.
struct Located {
  Node* node = nullptr;   ///< The element that has the attribute or declaration, else the node itself.
  std::size_t index = 0;  ///< Among its attributes or declarations.
};

/// What identifies elements besides xml:id, and under which other name the root element is known.
struct Vocabulary {
  bool has_ids = false;  ///< Attributes "id" without namespace are of type ID.
  std::string_view root_ns{}, root_name{};
};

/// The one node that `selector` names; nullopt: none or several. Spends the tree's work for each node looked
/// at, and gives up once `work_max` is spent.
std::optional<Located> locate(Tree& tree, const Selector& selector, const Vocabulary& vocabulary = {},
                              std::size_t work_max = static_cast<std::size_t>(-1));

}  // namespace beckon::xml

BECKON_ERROR_ENUM(beckon::xml, SelectorErrc, "beckon.xml.selector")
