#include "protocol/xml/selector.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::xml {

const char* to_string(SelectorErrc value) {
  switch (value) {
    case SelectorErrc::bad_syntax:
      return "the selector cannot be read";
    case SelectorErrc::unbound_prefix:
      return "the selector uses an undeclared namespace prefix";
  }
  return "unknown selector error";
}

namespace {

bool starts_ncname(char c) { return is_alpha(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }
bool is_in_ncname(char c) { return starts_ncname(c) || is_digit(c) || c == '-' || c == '.'; }

/// Functions named `read_` take what they read from the front; false: it is not there, or wrong.
class SelectorReader {
 public:
  SelectorReader(std::string_view text, const FindNs& find_ns) : rest_(text), find_ns_(find_ns) {}

  Result<Selector> read() {
    if (rest_.size() > selector_size_max) return SelectorErrc::bad_syntax;
    (void)skip("/");
    if (skip("id(")) {
      std::string id;
      if (!read_literal(id) || !skip(")")) return fault();
      selector_.id = std::move(id);
      if (is_at_end()) return std::move(selector_);
      if (!skip("/")) return fault();
    }
    do {
      if (!read_step()) return fault();
    } while (selector_.target == Selector::Target::element && skip("/"));
    if (!is_at_end()) return fault();
    return std::move(selector_);
  }

  Result<Selector> read_last() {
    if (rest_.size() > selector_size_max) return SelectorErrc::bad_syntax;
    if (!read_named_part() || !is_at_end()) return fault();
    return std::move(selector_);
  }

 private:
  SelectorErrc fault() const { return fault_; }
  void skip_space() {
    while (!rest_.empty() && (is_blank(rest_[0]) || rest_[0] == '\r' || rest_[0] == '\n'))
      rest_.remove_prefix(1);
  }
  bool is_at_end() {
    skip_space();
    return rest_.empty();
  }
  bool skip(std::string_view what) {
    skip_space();
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }

  bool read_ncname(std::string_view& name) {
    if (rest_.empty() || !starts_ncname(rest_[0])) return false;
    const auto end = std::ranges::find_if_not(rest_, is_in_ncname);
    name = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(name.size());
    return true;
  }

  /// An attribute without prefix is in no namespace.
  bool read_qname(std::string& ns, std::string& name, bool is_attribute = false) {
    skip_space();
    std::string_view prefix, local;
    if (!read_ncname(local)) return false;
    if (rest_.size() > 1 && rest_[0] == ':' && rest_[1] != ':') {
      rest_.remove_prefix(1);
      prefix = local;
      if (!read_ncname(local)) return false;
    }
    name = local;
    if (is_attribute && prefix.empty()) return true;
    const auto found = find_ns_(prefix);
    if (!found) {
      fault_ = SelectorErrc::unbound_prefix;
      return false;
    }
    ns = *found;
    return true;
  }

  bool read_literal(std::string& value) {
    skip_space();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) return false;
    const auto end = rest_.find(rest_[0], 1);
    if (end == rest_.npos) return false;
    value = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return true;
  }

  bool read_position(std::size_t& position) {
    skip_space();
    const auto digits = rest_.substr(0, std::min(rest_.find_first_not_of("0123456789"), rest_.size()));
    const auto number = parse_number<std::uint32_t>(digits);
    if (!number) return false;
    rest_.remove_prefix(digits.size());
    position = *number;
    return true;
  }

  bool read_named_part() {
    if (skip("@")) {
      selector_.target = Selector::Target::attribute;
      return read_qname(selector_.ns, selector_.name, true);
    }
    std::string_view prefix;
    if (!skip("namespace::") || !read_ncname(prefix)) return false;
    selector_.target = Selector::Target::declaration;
    selector_.name = prefix;
    return true;
  }

  /// "text()" and the like, with a position or without one.
  bool read_node_part(Selector::Target target) {
    selector_.target = target;
    if (target == Selector::Target::instruction) {
      skip_space();
      if (!rest_.starts_with(')') && !read_literal(selector_.name)) return false;
    }
    if (!skip(")")) return false;
    if (!skip("[")) return true;
    std::size_t position = 0;
    if (!read_position(position) || !skip("]")) return false;
    selector_.position = position;
    return true;
  }

  bool read_step() {
    skip_space();
    if (rest_.starts_with('@') || rest_.starts_with("namespace::")) return read_named_part();
    if (skip("text(")) return read_node_part(Selector::Target::text);
    if (skip("comment(")) return read_node_part(Selector::Target::comment);
    if (skip("processing-instruction(")) return read_node_part(Selector::Target::instruction);
    Selector::Step step;
    step.is_any = skip("*");
    if (!step.is_any && !read_qname(step.ns, step.name)) return false;
    while (skip("["))
      if (!read_predicate(step.predicates.emplace_back())) return false;
    selector_.steps.push_back(std::move(step));
    return true;
  }

  bool read_predicate(Selector::Predicate& predicate) {
    using Kind = Selector::Predicate::Kind;
    skip_space();
    if (!rest_.empty() && is_digit(rest_[0])) return read_position(predicate.position) && skip("]");
    if (skip("@")) {
      predicate.kind = Kind::attribute;
      if (!read_qname(predicate.ns, predicate.name, true)) return false;
    } else if (skip(".")) {
      predicate.kind = Kind::self;
    } else {
      predicate.kind = Kind::child;
      if (!read_qname(predicate.ns, predicate.name)) return false;
    }
    return skip("=") && read_literal(predicate.value) && skip("]");
  }

  std::string_view rest_;
  const FindNs& find_ns_;
  Selector selector_;
  SelectorErrc fault_ = SelectorErrc::bad_syntax;
};

}  // namespace

Result<Selector> parse_selector(std::string_view text, const FindNs& find_ns) {
  return SelectorReader(text, find_ns).read();
}

Result<Selector> parse_last_step(std::string_view text, const FindNs& find_ns) {
  return SelectorReader(text, find_ns).read_last();
}

namespace {

/// Evaluates one selector. Elements found so far are in document order.
class Locator {
 public:
  Locator(Tree& tree, const Selector& selector, const Vocabulary& vocabulary, std::size_t work_max)
      : tree_(tree), selector_(selector), vocabulary_(vocabulary), work_max_(work_max) {}

  std::optional<Located> locate() {
    std::vector<Node*> found{&tree_.document()};
    if (selector_.id) found = find_id(*selector_.id);
    for (const Selector::Step& step : selector_.steps) found = take(step, found);
    if (is_spent()) return std::nullopt;
    if (selector_.target == Selector::Target::element) {
      if (found.size() != 1 || !found.front()->is_element()) return std::nullopt;
      return Located{found.front(), 0};
    }
    std::optional<Located> only;
    for (Node* each : found) {
      const auto part = part_of(*each);
      if (part && only) return std::nullopt;
      if (part) only = part;
      if (is_several_) return std::nullopt;
    }
    return is_spent() ? std::nullopt : only;
  }

 private:
  bool is_spent() const { return tree_.work() > work_max_; }

  std::vector<Node*> find_id(std::string_view id) {
    std::vector<Node*> found;
    for (Node* node = tree_.document().first; node != nullptr && !is_spent(); node = following(*node)) {
      tree_.spend(1 + node->attributes.size());
      if (node->is_element() && has_id(*node, id)) found.push_back(node);
    }
    return found;
  }
  static Node* following(Node& node) {
    if (node.first != nullptr) return node.first;
    Node* at = &node;
    while (at != nullptr && at->next == nullptr) at = at->parent;
    return at == nullptr ? nullptr : at->next;
  }
  bool has_id(const Node& node, std::string_view id) const {
    return std::ranges::any_of(node.attributes, [&](const auto& attribute) {
      const bool is_id = attribute.name == "id" &&
                         (attribute.prefix == "xml" || (vocabulary_.has_ids && attribute.prefix.empty()));
      return is_id && says(attribute.source, id);
    });
  }

  std::vector<Node*> take(const Selector::Step& step, const std::vector<Node*>& from) {
    std::vector<Node*> found, of_one;
    for (Node* parent : from) {
      of_one.clear();
      for (Node* child = parent->first; child != nullptr; child = child->next) {
        tree_.spend(1);
        if (is_spent()) return {};
        if (child->is_element() && is_named(*child, step)) of_one.push_back(child);
      }
      for (const auto& predicate : step.predicates) filter(predicate, of_one);
      found.insert(found.end(), of_one.begin(), of_one.end());
    }
    return found;
  }

  bool is_named(const Node& node, const Selector::Step& step) const {
    if (step.is_any || is_qname(node, step.ns, step.name)) return true;
    const bool is_root = node.parent == &tree_.document();
    return is_root && step.name == vocabulary_.root_name && step.ns == vocabulary_.root_ns;
  }
  static bool is_qname(const Node& node, std::string_view ns, std::string_view name) {
    return node.name == name && find_ns(node, node.prefix) == ns;
  }

  void filter(const Selector::Predicate& predicate, std::vector<Node*>& nodes) {
    using Kind = Selector::Predicate::Kind;
    tree_.spend(nodes.size());
    if (predicate.kind == Kind::position) {
      if (predicate.position == 0 || predicate.position > nodes.size()) return nodes.clear();
      nodes = {nodes[predicate.position - 1]};
      return;
    }
    std::erase_if(nodes, [&](const Node* node) { return is_spent() || !holds(predicate, *node); });
  }

  bool holds(const Selector::Predicate& predicate, const Node& node) {
    using Kind = Selector::Predicate::Kind;
    if (predicate.kind == Kind::attribute) {
      const auto found = find_attribute(node, predicate.ns, predicate.name);
      return found && says(node.attributes[*found].source, predicate.value);
    }
    if (predicate.kind == Kind::self) return has_value(node, predicate.value);
    for (const Node* child = node.first; child != nullptr && !is_spent(); child = child->next) {
      tree_.spend(1);
      if (child->is_element() && is_qname(*child, predicate.ns, predicate.name) &&
          has_value(*child, predicate.value))
        return true;
    }
    return false;
  }

  std::optional<std::size_t> find_attribute(const Node& node, std::string_view ns, std::string_view name) {
    tree_.spend(node.attributes.size());
    for (std::size_t i = 0; i < node.attributes.size(); ++i) {
      const auto& attribute = node.attributes[i];
      if (attribute.name != name || attribute.prefix.empty() != ns.empty()) continue;
      if (ns.empty() || find_ns(node, attribute.prefix) == ns) return i;
    }
    return std::nullopt;
  }

  /// The texts inside, joined, are `value` (XPath 1.0 5.2). Stops at the first that differs.
  bool has_value(const Node& top, std::string_view value) {
    for (const Node* node = top.first; node != nullptr && !is_spent();) {
      tree_.spend(1);
      if (node->is_text()) {
        const std::string text = decode(node->source);
        tree_.spend(text.size() / 64);
        if (!value.starts_with(text)) return false;
        value.remove_prefix(text.size());
      }
      if (node->first != nullptr) {
        node = node->first;
        continue;
      }
      while (node != &top && node->next == nullptr) node = node->parent;
      node = node == &top ? nullptr : node->next;
    }
    return value.empty();
  }

  /// What the last step names below `node`.
  std::optional<Located> part_of(Node& node) {
    using Target = Selector::Target;
    if (selector_.target == Target::attribute) {
      const auto found = find_attribute(node, selector_.ns, selector_.name);
      return found ? std::optional(Located{&node, *found}) : std::nullopt;
    }
    if (selector_.target == Target::declaration) {
      const auto found = std::ranges::find(node.declarations, selector_.name, &Node::Declaration::prefix);
      if (found == node.declarations.end()) return std::nullopt;
      return Located{&node, static_cast<std::size_t>(found - node.declarations.begin())};
    }
    const Node::Kind kind = selector_.target == Target::text      ? Node::Kind::text
                            : selector_.target == Target::comment ? Node::Kind::comment
                                                                  : Node::Kind::instruction;
    std::optional<Located> found;
    std::size_t seen = 0;
    for (Node* child = node.first; child != nullptr; child = child->next) {
      tree_.spend(1);
      if (child->kind != kind) continue;
      if (kind == Node::Kind::instruction && !selector_.name.empty() && child->name != selector_.name)
        continue;
      if (selector_.position && ++seen != *selector_.position) continue;
      if (found) {
        is_several_ = true;
        return std::nullopt;
      }
      found = Located{child, 0};
    }
    return found;
  }

  Tree& tree_;
  const Selector& selector_;
  const Vocabulary& vocabulary_;
  const std::size_t work_max_;
  bool is_several_ = false;
};

}  // namespace

std::optional<Located> locate(Tree& tree, const Selector& selector, const Vocabulary& vocabulary,
                              std::size_t work_max) {
  return Locator(tree, selector, vocabulary, work_max).locate();
}

}  // namespace beckon::xml
