#include "protocol/xml/document.hpp"

#include <algorithm>
#include <boost/container/small_vector.hpp>

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

constexpr std::string_view before_names = " \t\r\n</\"'=(,;|@[";

/// Calls `seen` with each "prefix" where "prefix:" begins a name, in one pass. Names inside values count too
/// (xsi:type, XPath).
template <class Seen>
void each_prefix(std::string_view text, const Seen& seen) {
  std::size_t from = 0;
  for (auto colon = text.find(':'); colon != text.npos; colon = text.find(':', from)) {
    const auto word = text.substr(from, colon - from);
    const auto before = word.find_last_of(before_names);
    if (before != word.npos) seen(word.substr(before + 1));
    from = colon + 1;
  }
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
  boost::container::small_vector<const Binding*, 8> lenders;  // those not used so far
  for (const Binding* b = scope_; b != nullptr; b = b->outer)
    if (b->owner != this && !b->prefix.empty() && find_binding(scope_, b->prefix) == b) lenders.push_back(b);
  if (!lenders.empty()) {
    each_prefix(source_, [&](std::string_view prefix) {
      const auto found = std::ranges::find(lenders, prefix, &Binding::prefix);
      if (found == lenders.end()) return;
      append_declaration(out, prefix, (*found)->ns);
      lenders.erase(found);
    });
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
