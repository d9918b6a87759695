#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/xcap/exchange.hpp"
#include "protocol/xcap/node_selector.hpp"
#include "protocol/xml/document.hpp"

/// What GET, PUT and DELETE of a part of a document do (RFC 4825 8.2 to 8.4): texts in, texts out. Every
/// octet that a change does not name stays as it was written. A text that is no document has no parts.
namespace beckon::xcap {

inline constexpr std::string_view element_type = "application/xcap-el+xml";
inline constexpr std::string_view attribute_type = "application/xcap-att+xml";
inline constexpr std::string_view namespaces_type = "application/xcap-ns+xml";

/// The media type of what `selector` names.
std::string_view content_type_of(const NodeSelector& selector);

/// An element as it is written; an attribute's value with its quotation marks; an element that declares the
/// namespaces in scope (RFC 4825 10). Nullopt: the selector names nothing, or several.
std::optional<std::string> read_node(std::string_view text, const NodeSelector& selector);

/// A part of a document away from it: an element as it is written, with the declarations around it; an
/// attribute's value, references resolved.
struct Excerpt {
  std::string text;
  std::vector<std::pair<std::string, std::string>> declarations{};  ///< Prefixes and namespaces.
  bool operator==(const Excerpt&) const = default;
};
/// Nullopt: the selector names nothing, several, or namespaces.
std::optional<Excerpt> excerpt(const xml::Document& document, const NodeSelector& selector);

/// A document with a part of it changed.
struct Changed {
  std::string text;
  bool is_created = false;  ///< The part was not there before.
};
/// `Problem::ancestor` of no_parent is a decoded node selector here: the caller makes it a URI.
using Outcome = std::variant<Changed, Problem>;

/// Puts an element or an attribute's value where the selector names it. The selector then names what was put
/// in, or nothing is changed: cannot_insert. Not for namespaces.
Outcome put_node(std::string_view text, const NodeSelector& selector, std::string_view body);
/// Takes an element or attribute out. The selector then names nothing, or nothing is changed: cannot_delete.
/// 404 where it names nothing, or several. Not for namespaces.
Outcome delete_node(std::string_view text, const NodeSelector& selector);

/// The octets of an element's start tag, up to its ">" or "/>".
std::string_view start_tag_of(const xml::Element& element);

/// Why a text is no document that we keep: faults of the XML, and limits.
Problem problem_of(const ErrorCode& xml_error);

}  // namespace beckon::xcap
