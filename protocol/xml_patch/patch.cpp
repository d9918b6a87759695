#include "protocol/xml_patch/patch.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "protocol/xml/writer.hpp"

namespace beckon::xml_patch {

using xml::Node;
using xml::Selector;
using Kind = Node::Kind;
using Fault = std::optional<Errc>;

namespace {

/// Copies content of the diff document into the target, with the prefixes that hold there (RFC 5261 4.2.3).
class Copier {
 public:
  /// `context`: the parent of what is copied, in the target.
  Copier(xml::Tree& target, const Node& context, const Limits& limits)
      : target_(target), context_(context), limits_(limits), depth_(xml::depth_of(context)) {}

  /// Null: see `fault`.
  Node* copy(const Node& from) { return copy(from, depth_ + 1); }
  Errc fault() const { return fault_; }

  /// The prefix in scope of the context for what `prefix` means at `where`, outside of all that is copied.
  /// An attribute cannot use the default namespace.
  std::optional<std::string_view> translate(const Node& where, std::string_view prefix, bool is_attribute) {
    if (prefix == "xml" || (is_attribute && prefix.empty())) return prefix;
    const auto ns = xml::find_ns(where, prefix);
    if (!ns) return fail(Errc::invalid_namespace_prefix);
    if (is_bound(prefix, *ns)) return prefix;
    if (context_.is_element() && !(is_attribute && context_.prefix.empty()) && is_bound(context_.prefix, *ns))
      return context_.prefix;
    return nearest(prefix, *ns, is_attribute);
  }

 private:
  std::nullopt_t fail(Errc why) {
    fault_ = why;
    return std::nullopt;
  }
  bool is_bound(std::string_view prefix, std::string_view ns) const {
    return xml::find_ns(context_, prefix) == ns;
  }

  /// Of the prefixes that mean `ns` the one just before `prefix` in the alphabet, else the first. The default
  /// namespace is the empty prefix and so comes first.
  std::optional<std::string_view> nearest(std::string_view prefix, std::string_view ns, bool is_attribute) {
    std::optional<std::string_view> first, before;
    for (const Node* node = &context_; node != nullptr; node = node->parent)
      for (const auto& declaration : node->declarations) {
        const auto& one = declaration.prefix;
        if (declaration.ns != ns || (is_attribute && one.empty()) || !is_bound(one, ns)) continue;
        if (!first || one < *first) first = one;
        if (one < prefix && (!before || one > *before)) before = one;
      }
    if (first) return before ? before : first;
    return fail(Errc::invalid_namespace_uri);
  }

  /// The prefix of a copied tag. What the copied content declares itself stays.
  std::optional<std::string_view> rename(const Node& from, std::string_view prefix, bool is_attribute) {
    if (prefix.empty() && is_attribute) return prefix;
    if (is_declared_inside(from, prefix)) return prefix;
    const auto chosen = translate(from, prefix, is_attribute);
    if (chosen && *chosen != prefix && is_declared_inside(from, *chosen))
      return fail(Errc::invalid_namespace_prefix);
    return chosen;
  }
  bool is_declared_inside(const Node& from, std::string_view prefix) const {
    for (const Node* node = &from;; node = node->parent) {
      if (std::ranges::find(node->declarations, prefix, &Node::Declaration::prefix) !=
          node->declarations.end())
        return true;
      if (node == top_) return false;
    }
  }

  /// Recurses as deep as the diff document nests, which its reader has bounded.
  Node* copy(const Node& from, std::size_t depth) {
    if (from.is_element() && depth > limits_.depth) return refuse(Errc::too_costly);
    if (depth == depth_ + 1) top_ = &from;
    target_.spend(1);
    Node& node = target_.make(from.kind);
    node.source = target_.keep(from.source);
    node.name = target_.keep(from.name);
    if (!from.is_element()) return &node;
    const auto prefix = rename(from, from.prefix, false);
    if (!prefix) return nullptr;
    node.prefix = keep(*prefix, from.prefix);
    for (const auto& each : from.declarations)
      node.declarations.push_back({target_.keep(each.prefix), target_.keep(each.ns)});
    for (const auto& each : from.attributes) {
      const auto its_prefix = rename(from, each.prefix, true);
      if (!its_prefix) return nullptr;
      node.attributes.push_back(
          {keep(*its_prefix, each.prefix), target_.keep(each.name), target_.keep(each.source), each.quote});
    }
    for (const Node* child = from.first; child != nullptr; child = child->next) {
      Node* made = copy(*child, depth + 1);
      if (made == nullptr) return nullptr;
      target_.insert(node, nullptr, *made);
    }
    return &node;
  }
  /// One that was chosen is the target's own.
  std::string_view keep(std::string_view chosen, std::string_view written) {
    return chosen == written ? target_.keep(chosen) : chosen;
  }
  Node* refuse(Errc why) {
    fault_ = why;
    return nullptr;
  }

  xml::Tree& target_;
  const Node& context_;
  const Limits& limits_;
  const std::size_t depth_;
  const Node* top_ = nullptr;
  Errc fault_ = Errc::invalid_namespace_uri;
};

/// One patch document at work. Functions named `do_` return what is wrong, if anything.
class Patcher {
 public:
  Patcher(xml::Tree& target, std::string_view ns, const xml::Vocabulary& vocabulary, const Limits& limits)
      : target_(target),
        ns_(ns),
        vocabulary_(vocabulary),
        limits_(limits),
        work_max_(target.work() + limits.work) {}

  Fault do_all(const Node& diff) {
    for (const Node* child = diff.first; child != nullptr; child = child->next) {
      if (child->is_text() && !child->is_space()) return Errc::invalid_diff_format;
      if (!child->is_element()) continue;
      if (const Fault fault = do_operation(*child)) return is_spent() ? Errc::too_costly : fault;
      if (is_spent()) return Errc::too_costly;
    }
    return std::nullopt;
  }

 private:
  bool is_spent() const { return target_.work() > work_max_; }
  bool is_beside_root(const Node& node) const { return node.parent == &target_.document(); }

  Fault do_operation(const Node& operation) {
    if (xml::find_ns(operation, operation.prefix) != ns_) return Errc::invalid_patch_directive;
    const auto sel = value_of(operation, "sel");
    if (!sel) return Errc::invalid_attribute_value;
    const auto selector = xml::parse_selector(*sel, scope_of(operation));
    if (!selector) return fault_of(selector.error());
    const auto found = xml::locate(target_, *selector, vocabulary_, work_max_);
    if (!found) return Errc::unlocated_node;
    if (operation.name == "add") return do_add(operation, *selector, *found->node);
    if (operation.name == "replace") return do_replace(operation, *selector, *found);
    if (operation.name == "remove") return do_remove(operation, *selector, *found);
    return Errc::invalid_patch_directive;
  }

  static std::optional<std::string> value_of(const Node& operation, std::string_view name) {
    const auto* attribute = operation.attribute(name);
    return attribute == nullptr ? std::nullopt : std::optional(xml::decode(attribute->source));
  }
  static xml::FindNs scope_of(const Node& operation) {
    return [&operation](std::string_view prefix) { return xml::find_ns(operation, prefix); };
  }
  static Errc fault_of(const ErrorCode& error) {
    return error == xml::SelectorErrc::unbound_prefix ? Errc::invalid_namespace_prefix
                                                      : Errc::invalid_attribute_value;
  }

  /// The content as one value of an attribute or declaration; it may be empty.
  static Fault read_value(const Node& operation, std::string& value) {
    if (operation.first == nullptr) return std::nullopt;
    if (operation.first != operation.last || !operation.first->is_text()) return Errc::invalid_node_types;
    if (operation.first->source.find("<![CDATA[") != std::string_view::npos)
      return Errc::invalid_attribute_value;
    value = xml::decode(operation.first->source);
    return std::nullopt;
  }
  /// As the value of an attribute. White space that a reader would make a blank is written as a reference.
  std::string_view escape(std::string_view value) {
    std::string out;
    for (const char c : xml::escape(value)) {
      if (c == '\n')
        out += "&#10;";
      else if (c == '\t')
        out += "&#9;";
      else
        out += c;
    }
    return target_.keep(out);
  }

  // Addition

  Fault do_add(const Node& operation, const Selector& selector, Node& at) {
    using Target = Selector::Target;
    if (selector.target == Target::attribute || selector.target == Target::declaration)
      return Errc::invalid_attribute_value;
    if (const auto type = value_of(operation, "type")) return do_add_part(operation, *type, at);
    const std::string pos = value_of(operation, "pos").value_or("");
    if (pos == "before") return do_add_content(operation, *at.parent, &at);
    if (pos == "after") return do_add_content(operation, *at.parent, at.next);
    if (!pos.empty() && pos != "prepend") return Errc::invalid_attribute_value;
    if (!at.is_element()) return Errc::invalid_node_types;
    return do_add_content(operation, at, pos.empty() ? nullptr : at.first);
  }

  Fault do_add_part(const Node& operation, std::string_view type, Node& at) {
    if (!at.is_element()) return Errc::invalid_node_types;
    if (operation.attribute("pos") != nullptr) return Errc::invalid_attribute_value;
    const auto part = xml::parse_last_step(type, scope_of(operation));
    if (!part) return fault_of(part.error());
    const bool is_attribute = part->target == Selector::Target::attribute;
    if (is_attribute && part->ns.empty() && part->name == "xmlns") return Errc::invalid_attribute_value;
    if (at.attributes.size() + at.declarations.size() >= limits_.attributes) return Errc::too_costly;
    std::string value;
    if (const Fault fault = read_value(operation, value)) return fault;
    return is_attribute ? do_add_attribute(operation, type, *part, value, at)
                        : do_declare(part->name, value, at);
  }

  Fault do_add_attribute(const Node& operation, std::string_view type, const Selector& part,
                         std::string_view value, Node& at) {
    const auto colon = type.find(':');
    const auto begin = type.find_first_not_of(" \t\r\n", type.find('@') + 1);
    const auto written = colon == type.npos ? std::string_view() : type.substr(begin, colon - begin);
    Copier copier(target_, at, limits_);
    const auto prefix = copier.translate(operation, written, true);
    if (!prefix) return copier.fault();
    for (const auto& each : at.attributes)
      if (each.name == part.name && each.prefix.empty() == part.ns.empty() &&
          (part.ns.empty() || xml::find_ns(at, each.prefix) == part.ns))
        return Errc::invalid_patch_directive;
    at.attributes.push_back({target_.keep(*prefix), target_.keep(part.name), escape(value)});
    return std::nullopt;
  }

  Fault do_declare(std::string_view prefix, std::string_view ns, Node& at) {
    if (const Fault fault = check_declaration(prefix, ns)) return fault;
    if (std::ranges::find(at.declarations, prefix, &Node::Declaration::prefix) != at.declarations.end())
      return Errc::invalid_namespace_prefix;
    at.declarations.push_back({target_.keep(prefix), target_.keep(ns)});
    return std::nullopt;
  }
  /// Namespaces in XML 1.0, 3.
  static Fault check_declaration(std::string_view prefix, std::string_view ns) {
    if (prefix == "xml" || prefix == "xmlns") return Errc::invalid_namespace_prefix;
    if (ns.empty() || ns == xml::xml_ns) return Errc::invalid_namespace_uri;
    return std::nullopt;
  }

  Fault do_add_content(const Node& operation, Node& parent, Node* before) {
    const bool is_outside = !parent.is_element();
    Copier copier(target_, parent, limits_);
    Node *first = nullptr, *last = nullptr;
    for (const Node* child = operation.first; child != nullptr; child = child->next) {
      if (is_outside && child->is_element()) return Errc::invalid_root_element_operation;
      if (is_outside && child->is_text()) {
        if (!child->is_space()) return Errc::invalid_xml_prolog_operation;
        continue;
      }
      Node* const made = copier.copy(*child);
      if (made == nullptr) return copier.fault();
      target_.insert(parent, before, *made);
      if (first == nullptr) first = made;
      last = made;
    }
    if (first != nullptr) target_.join(*first, *last);
    return std::nullopt;
  }

  // Replacement

  Fault do_replace(const Node& operation, const Selector& selector, const xml::Located& at) {
    using Target = Selector::Target;
    Node& node = *at.node;
    std::string value;
    switch (selector.target) {
      case Target::attribute:
        if (const Fault fault = read_value(operation, value)) return fault;
        node.attributes[at.index].source = escape(value);
        node.attributes[at.index].quote = '"';
        return std::nullopt;
      case Target::declaration: {
        if (const Fault fault = read_value(operation, value)) return fault;
        auto& declaration = node.declarations[at.index];
        if (const Fault fault = check_declaration(declaration.prefix, value)) return fault;
        declaration.ns = target_.keep(value);
        return std::nullopt;
      }
      case Target::text:
        if (operation.first == nullptr) {
          target_.remove(node);
          return std::nullopt;
        }
        if (operation.first != operation.last || !operation.first->is_text()) return Errc::invalid_node_types;
        target_.set_text(node, operation.first->source);
        return std::nullopt;
      case Target::element:
      case Target::comment:
      case Target::instruction:
        break;
    }
    const Node* const content = operation.first;
    if (content == nullptr || content != operation.last || content->kind != node.kind)
      return Errc::invalid_node_types;
    Copier copier(target_, *node.parent, limits_);
    Node* const made = copier.copy(*content);
    if (made == nullptr) return copier.fault();
    target_.insert(*node.parent, &node, *made);
    target_.remove(node);
    return std::nullopt;
  }

  // Removal

  Fault do_remove(const Node& operation, const Selector& selector, const xml::Located& at) {
    using Target = Selector::Target;
    if (operation.first != nullptr && !(operation.first == operation.last && operation.first->is_space()))
      return Errc::invalid_diff_format;
    Node& node = *at.node;
    const auto ws = value_of(operation, "ws");
    const bool is_part = selector.target == Target::attribute || selector.target == Target::declaration;
    if (ws && (is_part || node.is_text())) return Errc::invalid_attribute_value;
    const auto index = static_cast<std::ptrdiff_t>(at.index);
    if (selector.target == Target::attribute) {
      node.attributes.erase(node.attributes.begin() + index);
      return std::nullopt;
    }
    if (selector.target == Target::declaration) {
      if (is_used(node, node.declarations[at.index].prefix)) return Errc::invalid_namespace_prefix;
      node.declarations.erase(node.declarations.begin() + index);
      return std::nullopt;
    }
    if (node.is_element() && is_beside_root(node)) return Errc::invalid_root_element_operation;
    if (ws) {
      if (const Fault fault = do_remove_space(node, *ws)) return fault;
    }
    target_.remove(node);
    return std::nullopt;
  }

  Fault do_remove_space(Node& node, std::string_view ws) {
    if (ws != "before" && ws != "after" && ws != "both") return Errc::invalid_attribute_value;
    if (is_beside_root(node)) return Errc::invalid_xml_prolog_operation;
    Node* const before = ws == "after" ? nullptr : node.previous;
    Node* const after = ws == "before" ? nullptr : node.next;
    if ((ws != "after" && (before == nullptr || !before->is_space())) ||
        (ws != "before" && (after == nullptr || !after->is_space())))
      return Errc::invalid_whitespace_directive;
    if (before != nullptr) target_.remove(*before);
    if (after != nullptr) target_.remove(*after);
    return std::nullopt;
  }

  /// Does a tag at or below `top` use a prefix that is declared there?
  bool is_used(const Node& top, std::string_view prefix) {
    for (const Node* node = &top; node != nullptr && !is_spent();) {
      target_.spend(1);
      const bool hides =
          node != &top && std::ranges::find(node->declarations, prefix, &Node::Declaration::prefix) !=
                              node->declarations.end();
      if (!hides && node->is_element() &&
          (node->prefix == prefix ||
           std::ranges::find(node->attributes, prefix, &Node::Attribute::prefix) != node->attributes.end()))
        return true;
      if (!hides && node->first != nullptr) {
        node = node->first;
        continue;
      }
      while (node != &top && node->next == nullptr) node = node->parent;
      node = node == &top ? nullptr : node->next;
    }
    return false;
  }

  xml::Tree& target_;
  const std::string_view ns_;
  const xml::Vocabulary& vocabulary_;
  const Limits& limits_;
  const std::size_t work_max_;
};

}  // namespace

Result<void> apply(xml::Tree& target, const Node& diff, std::string_view ns,
                   const xml::Vocabulary& vocabulary, const Limits& limits) {
  if (const Fault fault = Patcher(target, ns, vocabulary, limits).do_all(diff)) return *fault;
  return {};
}

}  // namespace beckon::xml_patch
