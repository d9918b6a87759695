#include "protocol/xml/document.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <rapidxml/rapidxml.hpp>
#include <vector>

#include "protocol/xml/writer.hpp"

namespace beckon::xml {

/// One namespace declaration; `outer` leads to those around it.
struct Binding {
  std::string_view prefix;
  std::string_view ns;
  const Element* owner;
  const Binding* outer;
  std::size_t depth;  ///< Length of the chain, this one included.
};

struct Document::State {
  std::string source;
  std::unique_ptr<char[]> buffer;  ///< RapidXML's copy: names, values and texts point into it.
  std::vector<Element> elements;   ///< Never grows past what was reserved: elements keep their place.
  std::vector<Attribute> attributes;
  std::vector<Binding> bindings;
  std::deque<std::string> joined;  ///< Texts that stood in several pieces.
};

namespace {

using Node = rapidxml::xml_node<char>;
using RapidAttribute = rapidxml::xml_attribute<char>;

std::string_view name_of(const rapidxml::xml_base<char>& base) { return {base.name(), base.name_size()}; }
std::string_view value_of(const rapidxml::xml_base<char>& base) { return {base.value(), base.value_size()}; }

struct QName {
  std::string_view prefix;
  std::string_view local;
};

QName split_name(std::string_view name) {
  const auto colon = name.find(':');
  if (colon == std::string_view::npos) return {{}, name};
  return {name.substr(0, colon), name.substr(colon + 1)};
}

/// The prefix a declaration binds ("" for the default namespace); nullopt for other attributes.
std::optional<std::string_view> declared_prefix(std::string_view attribute) {
  if (attribute == "xmlns") return std::string_view{};
  if (attribute.starts_with("xmlns:")) return attribute.substr(6);
  return std::nullopt;
}

const Binding* find_binding(const Binding* scope, std::string_view prefix) {
  while (scope != nullptr && scope->prefix != prefix) scope = scope->outer;
  return scope;
}

bool is_data(const Node& node) {
  return node.type() == rapidxml::node_data || node.type() == rapidxml::node_cdata;
}

}  // namespace

/// Turns RapidXML's tree into ours. Recurses as deep as the elements nest, which the scan has bounded.
class Builder {
 public:
  Builder(Document::State& state, const Outline& outline, const Limits& limits)
      : state_(state), outline_(outline), limits_(limits) {
    state_.elements.reserve(outline.elements.size());
    state_.attributes.reserve(outline.attributes);
    state_.bindings.reserve(outline.attributes);
  }

  std::optional<Errc> build(const Node& node, const Binding* scope) {
    // The scan saw the same elements in the same order; should RapidXML ever disagree, the text is refused.
    if (state_.elements.size() >= outline_.elements.size()) return Errc::bad_syntax;
    const auto& span = outline_.elements[state_.elements.size()];
    Element& element = state_.elements.emplace_back();
    element.source_ = std::string_view(state_.source).substr(span.begin, span.end - span.begin);
    element.text_ = text_of(node);
    if (const auto fault = declare(node, element, scope)) return fault;
    if (const auto fault = name(node, element)) return fault;
    if (const auto fault = add_attributes(node, element)) return fault;
    return add_children(node, element);
  }

 private:
  std::optional<Errc> declare(const Node& node, Element& element, const Binding* scope) {
    for (const auto* a = node.first_attribute(); a != nullptr; a = a->next_attribute()) {
      const auto prefix = declared_prefix(name_of(*a));
      if (!prefix) continue;
      // Namespaces in XML 1.0, 3: a prefix cannot be unbound, "xmlns" cannot be bound.
      if (*prefix == "xmlns" || (!prefix->empty() && value_of(*a).empty())) return Errc::unbound_prefix;
      if ((*prefix == "xml") != (value_of(*a) == xml_ns)) return Errc::unbound_prefix;
      if (*prefix == "xml") continue;
      const std::size_t depth = scope == nullptr ? 1 : scope->depth + 1;
      if (depth > limits_.bindings) return Errc::too_many_bindings;
      scope = &state_.bindings.emplace_back(Binding{*prefix, value_of(*a), &element, scope, depth});
    }
    element.scope_ = scope;
    return std::nullopt;
  }

  std::optional<std::string_view> resolve(const Binding* scope, std::string_view prefix) {
    if (prefix == "xml") return xml_ns;
    if (const auto* binding = find_binding(scope, prefix)) return binding->ns;
    if (prefix.empty()) return std::string_view{};
    return std::nullopt;
  }

  std::optional<Errc> name(const Node& node, Element& element) {
    const QName qname = split_name(name_of(node));
    const auto ns = resolve(element.scope_, qname.prefix);
    if (!ns) return Errc::unbound_prefix;
    element.ns_ = *ns;
    element.name_ = qname.local;
    element.prefixed_ = !qname.prefix.empty();
    return std::nullopt;
  }

  std::optional<Errc> add_attributes(const Node& node, Element& element) {
    const std::size_t first = state_.attributes.size();
    for (const auto* a = node.first_attribute(); a != nullptr; a = a->next_attribute()) {
      if (declared_prefix(name_of(*a))) continue;
      const QName qname = split_name(name_of(*a));
      // An attribute without prefix is in no namespace, whatever the default namespace is.
      const auto ns = qname.prefix.empty() ? std::string_view{} : resolve(element.scope_, qname.prefix);
      if (!ns) return Errc::unbound_prefix;
      for (std::size_t i = first; i < state_.attributes.size(); ++i) {
        if (state_.attributes[i].name == qname.local && state_.attributes[i].ns == *ns) {
          return Errc::duplicate_attribute;
        }
      }
      state_.attributes.push_back({*ns, qname.local, value_of(*a), source_of(*a)});
    }
    element.attributes_ = std::span(state_.attributes).subspan(first);
    return std::nullopt;
  }

  /// RapidXML resolves references in place, so a value begins where it began in the source.
  std::string_view source_of(const RapidAttribute& attribute) const {
    const std::string_view source = state_.source;
    const auto begin = outline_.start + static_cast<std::size_t>(attribute.value() - state_.buffer.get());
    return source.substr(begin, source.find(source[begin - 1], begin) - begin);
  }

  std::string_view text_of(const Node& node) {
    const Node* first = nullptr;
    std::string* joined = nullptr;
    for (const auto* child = node.first_node(); child != nullptr; child = child->next_sibling()) {
      if (!is_data(*child)) continue;
      if (first == nullptr) {
        first = child;
        continue;
      }
      if (joined == nullptr) joined = &state_.joined.emplace_back(value_of(*first));
      joined->append(value_of(*child));
    }
    if (joined != nullptr) return *joined;
    return first == nullptr ? std::string_view{} : value_of(*first);
  }

  std::optional<Errc> add_children(const Node& node, Element& element) {
    const std::size_t before = state_.elements.size();
    const Element** link = &element.first_child_;
    for (const auto* child = node.first_node(); child != nullptr; child = child->next_sibling()) {
      if (child->type() != rapidxml::node_element) continue;
      Element* added = state_.elements.data() + state_.elements.size();
      if (const auto fault = build(*child, element.scope_)) return fault;
      *link = added;
      link = &added->next_;
    }
    element.descendants_ = static_cast<std::uint32_t>(state_.elements.size() - before);
    return std::nullopt;
  }

  Document::State& state_;
  const Outline& outline_;
  const Limits& limits_;
};

Document::Document(std::unique_ptr<State> state) : state_(std::move(state)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

const Element& Document::root() const { return state_->elements.front(); }

Result<Document> parse(std::string_view text, const Limits& limits) {
  auto outline = scan(text, limits);
  if (outline.has_error()) return outline.error();
  auto state = std::make_unique<Document::State>();
  state->source = text;
  const std::size_t size = text.size() - outline->start;
  state->buffer = std::make_unique_for_overwrite<char[]>(size + 1);
  std::memcpy(state->buffer.get(), text.data() + outline->start, size);
  state->buffer[size] = '\0';

  // 65 KB: never on a stack.
  const auto rapid = std::make_unique<rapidxml::xml_document<char>>();
  try {
    rapid->parse<rapidxml::parse_no_string_terminators>(state->buffer.get());
  } catch (const rapidxml::parse_error&) {
    return Errc::bad_syntax;
  }
  const auto* root = rapid->first_node();
  if (root == nullptr) return Errc::not_one_root;
  if (const auto fault = Builder(*state, *outline, limits).build(*root, nullptr)) return *fault;
  if (state->elements.size() != outline->elements.size()) return Errc::bad_syntax;
  return Document(std::move(state));
}

Result<Document> parse(const Fragment& kept) { return parse(kept.text, kept_limits); }

std::optional<std::string_view> Element::attribute(std::string_view a_name, std::string_view a_ns) const {
  for (const Attribute& attribute : attributes_) {
    if (attribute.name == a_name && attribute.ns == a_ns) return attribute.value;
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
  const std::string needle = std::string(prefix) + ":";
  for (auto at = text.find(needle); at != std::string_view::npos; at = text.find(needle, at + 1)) {
    const char before = at == 0 ? ' ' : text[at - 1];
    if (std::string_view(" \t\r\n</\"'=(,;|@[").find(before) != std::string_view::npos) return true;
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
  std::vector<std::string_view> seen;
  for (const Binding* b = scope_; b != nullptr; b = b->outer) {
    if (std::find(seen.begin(), seen.end(), b->prefix) != seen.end()) continue;
    seen.push_back(b->prefix);
    if (b->owner != this && !b->prefix.empty() && mentions(source_, b->prefix)) {
      append_declaration(out, b->prefix, b->ns);
    }
  }
  const Binding* plain = find_binding(scope_, {});
  const bool own = plain != nullptr && plain->owner == this;
  const std::span subtree(this, std::size_t{descendants_} + 1);
  if (!own && std::any_of(subtree.begin(), subtree.end(), [](const Element& e) { return !e.prefixed_; })) {
    append_declaration(out, {}, plain == nullptr ? std::string_view{} : plain->ns);
  }
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
