#include "protocol/xcap/node.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "protocol/base/text.hpp"
#include "protocol/xml/edit.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::xcap {

namespace {

using xml::Element;
using ProblemKind = Problem::Kind;
constexpr std::string_view node_space = " \t\r\n";

std::string_view trim_node(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(node_space), text.size()));
  return text.substr(0, text.find_last_not_of(node_space) + 1);
}

Problem problem(ProblemKind kind, std::string phrase) { return {.kind = kind, .phrase = std::move(phrase)}; }

/// "prefix:name" of an element, as its start tag has it.
std::string_view tag_of(const Element& element) {
  const auto source = element.source().substr(1);
  return source.substr(0, source.find_first_of(" \t\r\n/>"));
}

/// The declarations in scope, without those that inner ones hide; the default namespace first.
std::vector<const xml::Binding*> declared(const xml::Binding* scope) {
  std::vector<const xml::Binding*> found;
  for (const xml::Binding* each = scope; each != nullptr; each = each->outer) {
    const bool is_hidden =
        std::ranges::any_of(found, [&](const auto* inner) { return inner->prefix == each->prefix; });
    if (!is_hidden) found.push_back(each);
  }
  std::ranges::reverse(found);
  const auto by_default = std::ranges::find_if(found, [](const auto* each) { return each->prefix.empty(); });
  if (by_default != found.end()) std::rotate(found.begin(), by_default, by_default + 1);
  std::erase_if(found, [](const auto* each) { return each->ns.empty(); });
  return found;
}

void declare_all(xml::Writer& writer, const xml::Binding* scope) {
  for (const xml::Binding* each : declared(scope)) writer.declare(each->prefix, each->ns);
}

std::string quoted(const xml::Attribute& attribute) {
  const auto source = attribute.source();
  return {source.data() - 1, source.size() + 2};
}

/// A document with the text it was read from.
struct Source {
  std::string_view text;
  xml::Document tree;
  std::size_t root;  ///< Where the root element begins.

  /// Of the source of an element or attribute.
  std::size_t offset_of(std::string_view piece) const {
    return root + static_cast<std::size_t>(piece.data() - tree.root().source().data());
  }
};

Result<Source> read_source(std::string_view text) {
  auto tree = xml::parse(text);
  if (tree.has_error()) return tree.error();
  return Source{text, std::move(*tree), xml::root_offset(text)};
}

/// One change of a text: `size` octets at `begin` become `text`.
struct Splice {
  std::size_t begin = 0;
  std::size_t size = 0;
  std::string text;
};

std::string spliced(std::string_view document, const Splice& splice) {
  std::string out;
  out.reserve(document.size() + splice.text.size());
  out.append(document.substr(0, splice.begin)).append(splice.text);
  return out.append(document.substr(splice.begin + splice.size));
}

/// A change that makes a document of sound parts unreadable passes a limit.
Problem past_limit(const ErrorCode& error) {
  return problem(ProblemKind::constraint_failure, error.message());
}

// Bodies

/// The expanded name of an element.
struct ExpandedName {
  std::string ns, name;
};

/// A single element that is well-formed where `scope` is in scope (RFC 4825 8.2.2).
std::optional<Problem> check_element(std::string_view body, const xml::Binding* scope, ExpandedName& name) {
  if (!is_utf8(body)) return problem(ProblemKind::not_utf8, "the body is not UTF-8");
  xml::Writer writer(xml::Writer::Start::fragment);
  writer.open("_");
  declare_all(writer, scope);
  writer.raw(body);
  const auto wrapped = xml::parse(writer.finish(), xml::kept_limits);
  if (!wrapped) return problem(ProblemKind::not_xml_frag, wrapped.error().message());
  const auto children = wrapped->root().children();
  if (children.empty() || children.front().source() != body)
    return problem(ProblemKind::not_xml_frag, "the body is not a single element");
  name = {std::string(children.front().ns()), std::string(children.front().name())};
  return std::nullopt;
}

/// An AttValue of XML, with its quotation marks.
std::optional<Problem> check_value(std::string_view body) {
  if (!is_utf8(body)) return problem(ProblemKind::not_utf8, "the body is not UTF-8");
  const auto wrapped = xml::parse(std::string("<_ _=").append(body).append("/>"));
  if (!wrapped) return problem(ProblemKind::not_xml_att_value, wrapped.error().message());
  const auto attributes = wrapped->root().attributes();
  if (attributes.empty() || quoted(attributes.front()) != body)
    return problem(ProblemKind::not_xml_att_value,
                   "the body is not one attribute value with its quotation marks");
  return std::nullopt;
}

// Places

/// Where a new element comes to stand; nullopt: no place makes the selector name it.
struct Place {
  std::size_t at = 0;      ///< Offset in the document.
  bool opens_tag = false;  ///< The parent is "<a/>": a pair of tags takes the place of "/>".
};

std::size_t end_of(const Source& document, const Element& element) {
  return document.offset_of(element.source()) + element.source().size();
}

/// Behind all other nodes of the parent.
Place last_place(const Source& document, const Element& parent) {
  const auto source = parent.source();
  const std::size_t begin = document.offset_of(source);
  if (source.ends_with("/>")) return {begin + source.size() - 2, true};
  return {begin + source.rfind("</"), false};
}

/// RFC 4825 8.2.3. `step` names the new element; where it names any, it stands among those of its own name.
std::optional<Place> find_place(const Source& document, const Element& parent,
                                const xml::Selector::Step& step, const ExpandedName& own) {
  const std::string_view ns = step.is_any ? own.ns : step.ns, name = step.is_any ? own.name : step.name;
  std::optional<std::size_t> position;
  for (const auto& predicate : step.predicates)
    if (predicate.kind == xml::Selector::Predicate::Kind::position) position = predicate.position;
  // Among which siblings it is counted: all where a position of "*" is given, else those of its name.
  const bool counts_all = step.is_any && position.has_value();
  std::vector<const Element*> siblings;
  for (const Element& child : parent.children())
    if (counts_all || child.is(ns, name)) siblings.push_back(&child);
  if (position && (*position == 0 || *position > siblings.size() + 1)) return std::nullopt;
  if (siblings.empty()) return last_place(document, parent);
  if (position == 1U) return Place{document.offset_of(siblings.front()->source()), false};
  const Element& before = position ? *siblings[*position - 2] : *siblings.back();
  return Place{end_of(document, before), false};
}

Splice splice_at(const Place& place, const Element& parent, std::string_view body) {
  if (!place.opens_tag) return {place.at, 0, std::string(body)};
  std::string text(">");
  text.append(body).append("</").append(tag_of(parent)).append(">");
  return {place.at, 2, std::move(text)};
}

/// The prefix that says `ns` in the scope of `element`, best `wish`; nullopt: none does.
std::optional<std::string> find_prefix(const Element& element, std::string_view ns, std::string_view wish) {
  if (ns == xml::xml_ns) return "xml";
  const auto* wished = xml::find_binding(xml::Editor::scope_of(element), wish);
  if (!wish.empty() && wished != nullptr && wished->ns == ns) return std::string(wish);
  for (const xml::Binding* each : declared(xml::Editor::scope_of(element)))
    if (!each->prefix.empty() && each->ns == ns) return std::string(each->prefix);
  return std::nullopt;
}

Problem no_parent(const NodeSelector& selector, std::size_t ancestors) {
  Problem found = problem(ProblemKind::no_parent, "the parent does not exist");
  for (std::size_t i = 0; i < ancestors; ++i) {
    if (i > 0) found.ancestor += '/';
    found.ancestor += selector.steps[i];
  }
  return found;
}

Problem several() { return problem(ProblemKind::cannot_insert, "the selector names several elements"); }
Problem elsewhere() {
  return problem(ProblemKind::cannot_insert,
                 "the selector would not name what the body has (RFC 4825 8.2.3)");
}

Outcome put_element(const Source& document, const NodeSelector& selector, std::string_view body) {
  const Selected selected = select(document.tree, selector);
  const std::size_t parents = selector.path.steps.size() - 1;
  if (selected.ancestors < parents) return no_parent(selector, selected.ancestors);
  const Element* parent = selected.parent;
  ExpandedName own;
  if (auto wrong = check_element(body, parent != nullptr ? xml::Editor::scope_of(*parent) : nullptr, own))
    return *wrong;
  if (selected.count == Selected::Count::several) return several();
  Splice splice;
  const bool is_created = selected.count == Selected::Count::none;
  std::size_t lead = 0;
  if (!is_created) {
    const auto source = selected.element->source();
    splice = {document.offset_of(source), source.size(), std::string(body)};
  } else {
    if (parent == nullptr) return problem(ProblemKind::cannot_insert, "a document has one root element");
    const auto place = find_place(document, *parent, selector.path.steps.back(), own);
    if (!place) return elsewhere();
    splice = splice_at(*place, *parent, body);
    lead = place->opens_tag ? 1 : 0;
  }
  std::string text = spliced(document.text, splice);
  const auto changed = read_source(text);
  if (!changed) return past_limit(changed.error());
  const Selected again = select(changed->tree, selector);
  const bool is_there = again.count == Selected::Count::one &&
                        changed->offset_of(again.element->source()) == splice.begin + lead &&
                        again.element->source() == body;
  if (!is_there) return elsewhere();
  return Changed{std::move(text), is_created};
}

Outcome put_attribute(const Source& document, const NodeSelector& selector, std::string_view body) {
  const Selected selected = select(document.tree, selector);
  if (selected.element == nullptr) return no_parent(selector, selected.ancestors);
  if (auto wrong = check_value(body)) return *wrong;
  const Element& element = *selected.element;
  Splice splice;
  const bool is_created = selected.attribute == nullptr;
  if (!is_created) {
    const auto source = selected.attribute->source();
    splice = {document.offset_of(source) - 1, source.size() + 2, std::string(body)};
  } else {
    std::string name = selector.path.name;
    if (!selector.path.ns.empty()) {
      const auto prefix = find_prefix(element, selector.path.ns, selector.prefix);
      if (!prefix)
        return problem(ProblemKind::cannot_insert, "no prefix stands for the attribute's namespace there");
      name = *prefix + ':' + name;
    }
    const auto tag = start_tag_of(element);
    const std::size_t size = tag.find_last_not_of(node_space) + 1;
    splice = {document.offset_of(tag) + size, 0, ' ' + name + '=' + std::string(body)};
  }
  std::string text = spliced(document.text, splice);
  const auto changed = read_source(text);
  if (!changed) {
    const bool is_name =
        changed.error() == xml::Errc::unbound_prefix || changed.error() == xml::Errc::duplicate_attribute;
    return is_name ? elsewhere() : past_limit(changed.error());
  }
  const Selected again = select(changed->tree, selector);
  const std::size_t end = splice.begin + splice.text.size();
  const bool is_there =
      again.count == Selected::Count::one &&
      changed->offset_of(again.attribute->source()) + again.attribute->source().size() + 1 == end;
  if (!is_there) return elsewhere();
  return Changed{std::move(text), is_created};
}

Splice without(const Source& document, const Element& element) {
  return {document.offset_of(element.source()), element.source().size(), {}};
}

/// The attribute with the white space before it.
Splice without(const Source& document, const xml::Attribute& attribute) {
  const std::string_view text = document.text;
  const std::size_t end = document.offset_of(attribute.source()) + attribute.source().size() + 1;
  std::size_t begin = document.offset_of(attribute.source()) - 1;
  begin = text.rfind('=', begin);
  begin = text.find_last_not_of(node_space, begin - 1);  // the last octet of the name
  begin = text.find_last_of(node_space, begin);
  begin = text.find_last_not_of(node_space, begin) + 1;
  return {begin, end - begin, {}};
}

}  // namespace

std::string_view start_tag_of(const Element& element) {
  const auto source = element.source();
  char quote = '\0';
  for (std::size_t i = 0;; ++i) {
    if (quote != '\0') {
      if (source[i] == quote) quote = '\0';
    } else if (source[i] == '"' || source[i] == '\'') {
      quote = source[i];
    } else if (source[i] == '>') {
      return source.substr(0, source[i - 1] == '/' ? i - 1 : i);
    }
  }
}

std::string_view content_type_of(const NodeSelector& selector) {
  switch (selector.target) {
    case NodeSelector::Target::element:
      return element_type;
    case NodeSelector::Target::attribute:
      return attribute_type;
    case NodeSelector::Target::namespaces:
      return namespaces_type;
  }
  return {};
}

std::optional<std::string> read_node(std::string_view text, const NodeSelector& selector) {
  const auto document = xml::parse(text);
  if (!document) return std::nullopt;
  const Selected selected = select(*document, selector);
  if (selected.count != Selected::Count::one) return std::nullopt;
  if (selector.target == NodeSelector::Target::element) return std::string(selected.element->source());
  if (selector.target == NodeSelector::Target::attribute) return quoted(*selected.attribute);
  xml::Writer writer(xml::Writer::Start::fragment);
  writer.open(tag_of(*selected.element));
  declare_all(writer, xml::Editor::scope_of(*selected.element));
  return writer.finish();
}

std::optional<Excerpt> excerpt(const xml::Document& document, const NodeSelector& selector) {
  const Selected selected = select(document, selector);
  if (selected.count != Selected::Count::one || selector.target == NodeSelector::Target::namespaces)
    return std::nullopt;
  if (selected.attribute != nullptr) return Excerpt{std::string(selected.attribute->value())};
  Excerpt found{std::string(selected.element->source())};
  for (const xml::Binding* each : declared(xml::Editor::scope_of(*selected.element)))
    if (each->owner != selected.element) found.declarations.emplace_back(each->prefix, each->ns);
  return found;
}

Outcome put_node(std::string_view text, const NodeSelector& selector, std::string_view body) {
  const auto document = read_source(text);
  if (!document) return no_parent(selector, 0);
  body = trim_node(body);
  return selector.target == NodeSelector::Target::attribute ? put_attribute(*document, selector, body)
                                                            : put_element(*document, selector, body);
}

Outcome delete_node(std::string_view document_text, const NodeSelector& selector) {
  const auto document = read_source(document_text);
  if (!document) return Problem{.status = 404};
  const Selected selected = select(document->tree, selector);
  if (selected.count != Selected::Count::one) return Problem{.status = 404};
  if (selected.attribute == nullptr && selected.parent == nullptr)
    return problem(ProblemKind::schema_validation_error, "a document has a root element");
  const Splice splice = selected.attribute != nullptr ? without(*document, *selected.attribute)
                                                      : without(*document, *selected.element);
  std::string text = spliced(document->text, splice);
  const auto changed = read_source(text);
  if (!changed) return past_limit(changed.error());
  if (select(changed->tree, selector).count != Selected::Count::none)
    return problem(ProblemKind::cannot_delete, "the selector would name what remains (RFC 4825 8.4)");
  return Changed{std::move(text), false};
}

Problem problem_of(const ErrorCode& xml_error) {
  if (xml_error == xml::Errc::too_large) return {413, ProblemKind::none, xml_error.message()};
  if (xml_error == xml::Errc::not_utf8) return problem(ProblemKind::not_utf8, xml_error.message());
  for (const auto limit : {xml::Errc::too_deep, xml::Errc::too_many_nodes, xml::Errc::too_many_attributes,
                           xml::Errc::too_many_bindings, xml::Errc::long_namespace, xml::Errc::has_doctype})
    if (xml_error == limit) return problem(ProblemKind::constraint_failure, xml_error.message());
  return problem(ProblemKind::not_well_formed, xml_error.message());
}

}  // namespace beckon::xcap
