#include "protocol/xml/tree.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "protocol/base/text.hpp"
#include "protocol/xml/reference.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::xml {

namespace {

constexpr std::string_view tree_space = " \t\r\n";
constexpr std::string_view cdata_begin = "<![CDATA[";
constexpr std::string_view cdata_end = "]]>";
/// Octets of joined text that count as one visit.
constexpr std::size_t octets_per_visit = 64;

bool is_blank_text(std::string_view text) { return text.find_first_not_of(tree_space) == text.npos; }

}  // namespace

bool Node::is_space() const {
  if (!is_text()) return false;
  if (source.find_first_of("&<") == source.npos) return is_blank_text(source);
  return is_blank_text(decode(source));
}

const Node::Attribute* Node::attribute(std::string_view a_name) const {
  const auto found =
      std::ranges::find_if(attributes, [&](const auto& a) { return a.prefix.empty() && a.name == a_name; });
  return found == attributes.end() ? nullptr : &*found;
}

Tree::Tree()
    : texts_(std::make_unique<std::pmr::monotonic_buffer_resource>()),
      nodes_(std::make_unique<std::deque<Node>>(1)) {}

Node& Tree::root() {
  Node* node = document().first;
  while (!node->is_element()) node = node->next;
  return *node;
}

Node& Tree::make(Node::Kind kind) {
  Node& node = nodes_->emplace_back();
  node.kind = kind;
  return node;
}

std::string_view Tree::keep(std::string_view text) {
  if (text.empty()) return {};
  char* const copy = static_cast<char*>(texts_->allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

void Tree::insert(Node& parent, Node* before, Node& node) {
  Node* const previous = before != nullptr ? before->previous : parent.last;
  node.parent = &parent;
  node.previous = previous;
  node.next = before;
  (previous != nullptr ? previous->next : parent.first) = &node;
  (before != nullptr ? before->previous : parent.last) = &node;
}

void Tree::join(Node& first, Node& last) {
  join_next(last);
  if (first.previous != nullptr) join_next(*first.previous);
}

/// Makes one of a text and the next one, if both are texts. "]" and ">" must not meet as the end of a CDATA
/// section would: the last "]" becomes a reference.
void Tree::join_next(Node& text) {
  if (!text.is_text() || text.next == nullptr || !text.next->is_text()) return;
  std::string joined(text.source);
  if (joined.ends_with(']')) joined.replace(joined.size() - 1, 1, "&#93;");
  joined += text.next->source;
  spend(joined.size() / octets_per_visit);
  text.source = keep(joined);
  unlink(*text.next);
}

void Tree::unlink(Node& node) {
  (node.previous != nullptr ? node.previous->next : node.parent->first) = node.next;
  (node.next != nullptr ? node.next->previous : node.parent->last) = node.previous;
}

void Tree::remove(Node& node) {
  Node* const previous = node.previous;
  unlink(node);
  if (previous != nullptr) join_next(*previous);
}

void Tree::set_text(Node& text, std::string_view source) { text.source = keep(source); }

// Reading: the text has been checked, so each construct is only cut.

class TreeReader {
 public:
  explicit TreeReader(std::string_view text) : rest_(tree_.keep(text)) {}

  Tree read() {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
    if (rest_.starts_with("<?xml") && tree_space.find(rest_[5]) != tree_space.npos)
      tree_.prolog_ = take(rest_.find("?>") + 2);
    open_ = &tree_.document();
    while (!rest_.empty()) step();
    return std::move(tree_);
  }

 private:
  std::string_view take(std::size_t size) {
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  void skip_space() { take(std::min(rest_.find_first_not_of(tree_space), rest_.size())); }
  std::string_view take_name() { return take(rest_.find_first_of(" \t\r\n=/>")); }

  void step() {
    if (rest_[0] != '<' || rest_.starts_with(cdata_begin)) return read_text();
    if (rest_.starts_with("<!--")) return add(Node::Kind::comment, take(rest_.find("-->", 4) + 3));
    if (rest_[1] == '?') {
      Node& node = tree_.make(Node::Kind::instruction);
      node.source = take(rest_.find("?>") + 2);
      const auto inside = node.source.substr(2, node.source.size() - 4);
      node.name = inside.substr(0, inside.find_first_of(tree_space));
      return tree_.insert(*open_, nullptr, node);
    }
    if (rest_[1] == '/') {
      take(rest_.find('>') + 1);
      open_ = open_->parent;
      return;
    }
    read_start_tag();
  }

  void add(Node::Kind kind, std::string_view source) {
    Node& node = tree_.make(kind);
    node.source = source;
    tree_.insert(*open_, nullptr, node);
  }

  void read_text() {
    std::size_t at = 0;
    while (at < rest_.size()) {
      if (rest_.substr(at).starts_with(cdata_begin))
        at = rest_.find(cdata_end, at) + cdata_end.size();
      else if (rest_[at] == '<')
        break;
      else
        at = std::min(rest_.find('<', at), rest_.size());
    }
    const auto text = take(at);
    // A document has no text beside its root element, only lines; an empty CDATA section is no text.
    if (open_->kind != Node::Kind::document && text != "<![CDATA[]]>") add(Node::Kind::text, text);
  }

  void read_start_tag() {
    take(1);
    Node& node = tree_.make(Node::Kind::element);
    set_name(take_name(), node.prefix, node.name);
    for (skip_space(); rest_[0] != '>' && rest_[0] != '/'; skip_space()) read_attribute(node);
    tree_.insert(*open_, nullptr, node);
    if (take(1) == "/")
      take(1);
    else
      open_ = &node;
  }

  void read_attribute(Node& node) {
    Node::Attribute attribute;
    set_name(take_name(), attribute.prefix, attribute.name);
    skip_space();
    take(1);
    skip_space();
    attribute.quote = take(1)[0];
    attribute.source = take(rest_.find(attribute.quote));
    take(1);
    const bool is_default = attribute.prefix.empty() && attribute.name == "xmlns";
    if (!is_default && attribute.prefix != "xmlns") return node.attributes.push_back(attribute);
    node.declarations.push_back(
        {is_default ? std::string_view() : attribute.name, attribute.source.find('&') == attribute.source.npos
                                                               ? attribute.source
                                                               : tree_.keep(decode(attribute.source))});
  }

  static void set_name(std::string_view whole, std::string_view& prefix, std::string_view& name) {
    const auto colon = whole.find(':');
    prefix = colon == whole.npos ? std::string_view() : whole.substr(0, colon);
    name = colon == whole.npos ? whole : whole.substr(colon + 1);
  }

  Tree tree_;
  std::string_view rest_;
  Node* open_ = nullptr;
};

Result<Tree> parse_tree(std::string_view text, const Limits& limits) {
  if (const auto checked = parse(text, limits); checked.has_error()) return checked.error();
  return TreeReader(text).read();
}

// What nodes say

std::string decode(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  while (!source.empty()) {
    const auto plain = source.substr(0, source.find_first_of("&<"));
    out += plain;
    source.remove_prefix(plain.size());
    if (source.starts_with('&')) {
      const auto end = source.find(';');
      std::uint32_t code = 0;
      char octets[4];
      if (end != source.npos && !resolve_reference(source.substr(1, end - 1), code))
        out.append(octets, static_cast<std::size_t>(put_utf8(octets, code) - octets));
      source.remove_prefix(std::min(end, source.size() - 1) + 1);
    } else if (!source.empty()) {
      const auto inside = source.substr(std::min(cdata_begin.size(), source.size()));
      const auto end = std::min(inside.find(cdata_end), inside.size());
      out += inside.substr(0, end);
      source = inside.substr(std::min(end + cdata_end.size(), inside.size()));
    }
  }
  return out;
}

bool says(std::string_view source, std::string_view value) {
  return source.find_first_of("&<") == source.npos ? source == value : decode(source) == value;
}

std::optional<std::string_view> find_ns(const Node& scope, std::string_view prefix) {
  for (const Node* node = &scope; node != nullptr; node = node->parent)
    for (const auto& declaration : node->declarations)
      if (declaration.prefix == prefix) return declaration.ns;
  if (prefix == "xml") return xml_ns;
  return prefix.empty() ? std::optional(std::string_view()) : std::nullopt;
}

std::size_t depth_of(const Node& node) {
  std::size_t depth = 0;
  for (const Node* each = &node; each->parent != nullptr; each = each->parent) ++depth;
  return depth;
}

namespace {

bool same_tag(const Node& a, const Node& b) {
  if (a.kind != b.kind || a.prefix != b.prefix || a.name != b.name ||
      a.attributes.size() != b.attributes.size() || a.declarations.size() != b.declarations.size())
    return false;
  const bool declares_same = std::ranges::all_of(a.declarations, [&](const auto& one) {
    return std::ranges::any_of(
        b.declarations, [&](const auto& other) { return one.prefix == other.prefix && one.ns == other.ns; });
  });
  return declares_same && std::ranges::all_of(a.attributes, [&](const auto& one) {
           return std::ranges::any_of(b.attributes, [&](const auto& other) {
             return one.prefix == other.prefix && one.name == other.name &&
                    (one.source == other.source || says(one.source, decode(other.source)));
           });
         });
}

}  // namespace

bool equal(const Node& a, const Node& b) {
  if (!same_tag(a, b)) return false;
  if (a.is_text()) return a.source == b.source || says(a.source, decode(b.source));
  if (a.source != b.source) return false;
  const Node* other = b.first;
  for (const Node* each = a.first; each != nullptr; each = each->next, other = other->next)
    if (other == nullptr || !equal(*each, *other)) return false;
  return other == nullptr;
}

// Printing

namespace {

void append_name(std::string& out, std::string_view prefix, std::string_view name) {
  if (!prefix.empty()) out.append(prefix).append(1, ':');
  out += name;
}

void append_start_tag(std::string& out, const Node& node) {
  out += '<';
  append_name(out, node.prefix, node.name);
  for (const auto& declaration : node.declarations) {
    out += declaration.prefix.empty() ? " xmlns" : " xmlns:";
    out.append(declaration.prefix).append("=\"");
    append_escaped(out, declaration.ns);
    out += '"';
  }
  for (const auto& attribute : node.attributes) {
    out += ' ';
    append_name(out, attribute.prefix, attribute.name);
    out.append(1, '=').append(1, attribute.quote).append(attribute.source).append(1, attribute.quote);
  }
  out += node.first == nullptr ? "/>" : ">";
}

void append_end_tag(std::string& out, const Node& node) {
  out += "</";
  append_name(out, node.prefix, node.name);
  out += '>';
}

/// False: past `size_max`. Does not recurse.
bool append_bounded(std::string& out, const Node& top, std::size_t size_max) {
  for (const Node* node = &top;;) {
    if (node->is_element())
      append_start_tag(out, *node);
    else
      out += node->source;
    if (out.size() > size_max) return false;
    if (node->first != nullptr) {
      node = node->first;
      continue;
    }
    while (node != &top && node->next == nullptr) {
      node = node->parent;
      append_end_tag(out, *node);
    }
    if (node == &top) return out.size() <= size_max;
    node = node->next;
  }
}

}  // namespace

void append(std::string& out, const Node& node) { append_bounded(out, node, std::string::npos); }

Result<std::string> Tree::print(std::size_t size_max) const {
  std::string out(prolog_);
  if (!out.empty()) out += '\n';
  for (const Node* node = document().first; node != nullptr; node = node->next) {
    if (!append_bounded(out, *node, size_max)) return Errc::too_large;
    if (node->next != nullptr) out += '\n';
  }
  return out;
}

}  // namespace beckon::xml
