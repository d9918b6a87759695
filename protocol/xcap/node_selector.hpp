#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/xml/document.hpp"
#include "protocol/xml/selector.hpp"

namespace beckon::xcap {

/// Why a node selector names nothing in any document. Values are stable: they appear in logs.
enum class SelectorErrc {
  bad_selector = 1,  ///< Not of the grammar of RFC 4825 6.3, so an extension that we do not know: 404.
  unbound_prefix,    ///< A prefix without xmlns() in the query: 400 (RFC 4825 8).
  bad_query,         ///< The query is no XPointer of schemes, or its xmlns() is malformed: 400.
};
const char* to_string(SelectorErrc value);

/// What is behind "~~" in an XCAP URI: an element, an attribute of it, or its namespace bindings (RFC 4825
/// 6.3). Prefixes have been replaced by the namespaces of the query (6.4).
struct NodeSelector {
  enum class Target { element, attribute, namespaces };

  xml::Selector path;  ///< Elements with at most one position and then one attribute test; the attribute.
  Target target = Target::element;
  std::string prefix;              ///< Of the attribute, as the selector writes it.
  std::vector<std::string> steps;  ///< The elements of `path` as they are written.
};

/// `text` and `query` are decoded. An element without prefix is in `default_ns`. Errors: all of SelectorErrc.
Result<NodeSelector> parse_node_selector(std::string_view text, std::string_view query,
                                         std::string_view default_ns);

/// What a selector finds. Each step must find one element, in which the next one looks.
struct Selected {
  enum class Count { none, one, several };
  Count count = Count::none;              ///< Of what the whole selector names.
  const xml::Element* element = nullptr;  ///< With `one`: the element, or the one that has the attribute.
  const xml::Attribute* attribute = nullptr;
  std::size_t ancestors = 0;             ///< Steps that found their one element, from the root down.
  const xml::Element* parent = nullptr;  ///< Where the last step of `path` looks; null: the document itself.
};
Selected select(const xml::Document& document, const NodeSelector& selector);

/// The elements among `siblings` that a step finds, in document order.
std::vector<const xml::Element*> take(const xml::Selector::Step& step, xml::Siblings<xml::Element> siblings);
/// The same for the root element.
std::vector<const xml::Element*> take(const xml::Selector::Step& step, const xml::Element& root);

}  // namespace beckon::xcap

BECKON_ERROR_ENUM(beckon::xcap, SelectorErrc, "beckon.xcap.selector")
