#include "protocol/xml/document.hpp"

#include <algorithm>

#include "protocol/xml/writer.hpp"

namespace beckon::xml {

Result<Document> parse(const Fragment& kept) { return parse(kept.text, kept_limits); }

std::optional<std::string_view> Element::attribute(std::string_view a_name, std::string_view a_ns) const {
  for (const Attribute& attribute : attributes()) {
    if (attribute.is(a_ns, a_name)) return attribute.value();
  }
  return std::nullopt;
}

const Element* Element::child(std::string_view a_ns, std::string_view a_name) const {
  for (const Element& element : children()) {
    if (element.is(a_ns, a_name)) return &element;
  }
  return nullptr;
}

namespace {

/// Does "prefix:" begin a name somewhere in the text? Names inside values count too (xsi:type, XPath).
bool mentions(std::string_view text, std::string_view prefix) {
  for (auto colon = text.find(':'); colon != std::string_view::npos; colon = text.find(':', colon + 1)) {
    const auto before = text.substr(0, colon);
    if (!before.ends_with(prefix) || before.size() == prefix.size()) continue;
    const char last = before[before.size() - prefix.size() - 1];
    if (std::string_view(" \t\r\n</\"'=(,;|@[").find(last) != std::string_view::npos) return true;
  }
  return false;
}

void append_declaration(std::string& out, std::string_view prefix, std::string_view ns) {
  out += prefix.empty() ? " xmlns" : " xmlns:";
  out += prefix;
  out += "=\"";
  append_escaped(out, ns);
  out += '"';
}

}  // namespace

/// Declarations of outer elements that this one or something inside it uses. Looks at all of the source,
/// so it may declare one too many, never one too few.
std::string Element::borrowed_declarations() const {
  std::string out;
  for (const Binding* b = scope_; b != nullptr; b = b->outer) {
    if (b->owner == this || b->prefix.empty() || find_binding(scope_, b->prefix) != b) continue;
    if (mentions(source_, b->prefix)) append_declaration(out, b->prefix, b->ns);
  }
  const Binding* plain = find_binding(scope_, {});
  if (uses_default_ns_ && (plain == nullptr || plain->owner != this))
    append_declaration(out, {}, plain == nullptr ? std::string_view{} : plain->ns);
  return out;
}

Fragment Element::keep() const {
  const std::string declarations = borrowed_declarations();
  const auto name_end = std::min(source_.find_first_of(" \t\r\n/>"), source_.size());
  Fragment kept{std::string(ns_), std::string(name_), {}};
  kept.text.reserve(source_.size() + declarations.size());
  kept.text += source_.substr(0, name_end);
  kept.text += declarations;
  kept.text += source_.substr(name_end);
  return kept;
}

}  // namespace beckon::xml
