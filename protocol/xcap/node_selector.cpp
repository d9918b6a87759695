#include "protocol/xcap/node_selector.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/xml/tree.hpp"

namespace beckon::xcap {

const char* to_string(SelectorErrc value) {
  switch (value) {
    case SelectorErrc::bad_selector:
      return "the node selector cannot be read";
    case SelectorErrc::unbound_prefix:
      return "the node selector uses a prefix that the query does not bind";
    case SelectorErrc::bad_query:
      return "the query binds no namespaces";
  }
  return "unknown node selector error";
}

namespace {

using Bindings = std::vector<std::pair<std::string, std::string>>;
constexpr std::string_view selector_space = " \t\r\n";

std::string_view trim_space(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(selector_space), text.size()));
  return text.substr(0, text.find_last_not_of(selector_space) + 1);
}

/// Takes one part "scheme(data)" of an XPointer off the front; "^" escapes "(", ")" and itself, other
/// parentheses are balanced (XPointer Framework 3.1).
std::optional<std::pair<std::string_view, std::string>> take_part(std::string_view& text) {
  const auto open = text.find('(');
  if (open == text.npos) return std::nullopt;
  std::pair<std::string_view, std::string> part{trim_space(text.substr(0, open)), {}};
  std::size_t depth = 1;
  for (std::size_t i = open + 1; i < text.size(); ++i) {
    char c = text[i];
    if (c == '^') {
      if (++i == text.size() || std::string_view("^()").find(text[i]) == std::string_view::npos)
        return std::nullopt;
      c = text[i];
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && --depth == 0) {
      text.remove_prefix(i + 1);
      return part;
    }
    part.second += c;
  }
  return std::nullopt;
}

/// The bindings of a query, "xmlns(a=urn:x)xmlns(b=urn:y)". Other schemes are ignored (RFC 4825 6.4).
std::optional<Bindings> read_query(std::string_view query) {
  Bindings bindings;
  for (query = trim_space(query); !query.empty(); query = trim_space(query)) {
    const auto part = take_part(query);
    if (!part) return std::nullopt;
    if (part->first != "xmlns") continue;
    const auto [prefix, ns] = cut(part->second, '=');
    const auto name = trim_space(prefix);
    if (name.empty() || trim_space(ns).empty()) return std::nullopt;
    bindings.emplace_back(name, trim_space(ns));
  }
  return bindings;
}

/// The steps of a selector. A "/" between quotes separates none. Nullopt: white space outside of quotes, or
/// a quotation mark that is never closed.
std::optional<std::vector<std::string_view>> split_steps(std::string_view text) {
  std::vector<std::string_view> steps;
  char quote = '\0';
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quote != '\0') {
      if (text[i] == quote) quote = '\0';
    } else if (text[i] == '"' || text[i] == '\'') {
      quote = text[i];
    } else if (text[i] == '/') {
      steps.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    } else if (selector_space.find(text[i]) != selector_space.npos) {
      return std::nullopt;
    }
  }
  if (quote != '\0') return std::nullopt;
  steps.push_back(text.substr(begin));
  return steps;
}

/// Reads the value of an attribute test, which is an AttValue of XML: references stand for characters.
bool decode_value(std::string& value) {
  if (value.find_first_of("&<") == value.npos) return true;
  const char quote = value.find('"') == value.npos ? '"' : '\'';
  const auto document = xml::parse(std::string("<a b=") + quote + value + quote + "/>");
  if (!document) return false;
  value = document->root().attribute("b").value_or("");
  return true;
}

/// [position], [@name="value"], or one after the other (RFC 4825 6.3).
bool is_of_xcap(xml::Selector::Step& step) {
  using Kind = xml::Selector::Predicate::Kind;
  auto& predicates = step.predicates;
  if (predicates.size() > 2) return false;
  if (predicates.size() == 2 && predicates[0].kind != Kind::position) return false;
  if (predicates.size() == 2 && predicates[1].kind != Kind::attribute) return false;
  return std::ranges::all_of(predicates, [](auto& predicate) {
    return predicate.kind == Kind::position ||
           (predicate.kind == Kind::attribute && decode_value(predicate.value));
  });
}

bool is_of_xcap(xml::Selector& path) {
  using Target = xml::Selector::Target;
  if (path.id || path.steps.empty()) return false;
  if (path.target != Target::element && path.target != Target::attribute) return false;
  return std::ranges::all_of(path.steps, [](auto& step) { return is_of_xcap(step); });
}

}  // namespace

Result<NodeSelector> parse_node_selector(std::string_view text, std::string_view query,
                                         std::string_view default_ns) {
  const auto bindings = read_query(query);
  if (!bindings) return SelectorErrc::bad_query;
  auto steps = split_steps(text);
  if (!steps || steps->front().empty()) return SelectorErrc::bad_selector;
  NodeSelector selector;
  constexpr std::string_view all_namespaces = "namespace::*";
  if (steps->back() == all_namespaces) {
    if (steps->size() == 1) return SelectorErrc::bad_selector;
    selector.target = NodeSelector::Target::namespaces;
    steps->pop_back();
    text.remove_suffix(all_namespaces.size() + 1);
  }
  const auto find_ns = [&](std::string_view prefix) -> std::optional<std::string_view> {
    if (prefix.empty()) return default_ns;
    if (prefix == "xml") return xml::xml_ns;
    const auto found = std::ranges::find(*bindings, prefix, &Bindings::value_type::first);
    return found == bindings->end() ? std::nullopt : std::optional<std::string_view>(found->second);
  };
  auto path = xml::parse_selector(text, find_ns);
  if (path.has_error())
    return path.error() == xml::SelectorErrc::unbound_prefix ? SelectorErrc::unbound_prefix
                                                             : SelectorErrc::bad_selector;
  if (!is_of_xcap(*path)) return SelectorErrc::bad_selector;
  if (path->target == xml::Selector::Target::attribute) {
    if (selector.target == NodeSelector::Target::namespaces) return SelectorErrc::bad_selector;
    selector.target = NodeSelector::Target::attribute;
    const std::string_view name = steps->back().substr(1);
    selector.prefix = name.substr(0, name.find(':') == name.npos ? 0 : name.find(':'));
    steps->pop_back();
  }
  selector.steps.assign(steps->begin(), steps->end());
  selector.path = std::move(*path);
  return selector;
}

namespace {

void filter(std::vector<const xml::Element*>& elements, const xml::Selector::Predicate& predicate) {
  if (predicate.kind == xml::Selector::Predicate::Kind::position) {
    if (predicate.position == 0 || predicate.position > elements.size()) return elements.clear();
    elements = {elements[predicate.position - 1]};
    return;
  }
  std::erase_if(elements, [&](const xml::Element* element) {
    return element->attribute(predicate.name, predicate.ns) != predicate.value;
  });
}

bool is_named(const xml::Selector::Step& step, const xml::Element& element) {
  return step.is_any || element.is(step.ns, step.name);
}

const xml::Attribute* find_attribute(const xml::Element& element, const xml::Selector& path) {
  for (const xml::Attribute& attribute : element.attributes())
    if (attribute.is(path.ns, path.name)) return &attribute;
  return nullptr;
}

}  // namespace

std::vector<const xml::Element*> take(const xml::Selector::Step& step, xml::Siblings<xml::Element> siblings) {
  std::vector<const xml::Element*> found;
  for (const xml::Element& element : siblings)
    if (is_named(step, element)) found.push_back(&element);
  for (const auto& predicate : step.predicates) filter(found, predicate);
  return found;
}

std::vector<const xml::Element*> take(const xml::Selector::Step& step, const xml::Element& root) {
  std::vector<const xml::Element*> found;
  if (is_named(step, root)) found.push_back(&root);
  for (const auto& predicate : step.predicates) filter(found, predicate);
  return found;
}

Selected select(const xml::Document& document, const NodeSelector& selector) {
  Selected selected;
  const xml::Element* at = nullptr;
  for (const auto& step : selector.path.steps) {
    const auto found = at == nullptr ? take(step, document.root()) : take(step, at->children());
    selected.parent = at;
    if (found.size() != 1) {
      const bool is_last = &step == &selector.path.steps.back();
      if (is_last && found.size() > 1) selected.count = Selected::Count::several;
      return selected;
    }
    ++selected.ancestors;
    at = found.front();
  }
  if (selector.target == NodeSelector::Target::attribute) {
    selected.attribute = find_attribute(*at, selector.path);
    if (selected.attribute == nullptr) {
      selected.element = at;
      return selected;
    }
  }
  selected.element = at;
  selected.count = Selected::Count::one;
  return selected;
}

}  // namespace beckon::xcap
