#include "protocol/xml_patch/difference.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "protocol/xml/writer.hpp"

namespace beckon::xml_patch {

using xml::Node;

namespace {

/// Children compared one by one: past it the parent is replaced.
constexpr std::size_t aligned_max = 256;
/// Visits of nodes: some ten milliseconds; a patch of some kilobytes needs a hundredth.
constexpr std::size_t work_max = 200'000;

std::string id_of(const Node& node) {
  const auto* id = node.attribute("id");
  return id == nullptr ? std::string() : xml::decode(id->source);
}

bool is_same_name(const Node& a, const Node& b) {
  return a.is_element() && b.is_element() && a.name == b.name && a.prefix == b.prefix;
}

/// May one become the other, rather than make place for it?
bool is_same_thing(const Node& a, const Node& b) {
  return (a.is_text() && b.is_text()) || (is_same_name(a, b) && id_of(a) == id_of(b));
}

/// What stands beside the root elements, and which prefixes these declare, cannot be changed.
bool is_alike_outside(const Node& a, const Node& b) {
  const Node* left = a.first;
  const Node* right = b.first;
  for (; left != nullptr && right != nullptr; left = left->next, right = right->next)
    if (left->is_element() ? !is_same_name(*left, *right) : !xml::equal(*left, *right)) return false;
  return left == right;
}

class Difference {
 public:
  Difference(xml::Tree& from, std::string_view prefix, std::size_t size_max)
      : tree_(from), prefix_(prefix), size_max_(size_max), work_max_(from.work() + work_max) {}

  std::optional<std::string> make(const xml::Tree& to) {
    Node& root = tree_.root();
    if (!is_alike_outside(tree_.document(), to.document()) || !declares_same(root, to.root()))
      return std::nullopt;
    if (!change_attributes(root, to.root()) || !change_children(root, to.root()) || is_over())
      return std::nullopt;
    return std::move(out_);
  }

 private:
  bool is_over() const { return out_.size() > size_max_ || tree_.work() > work_max_; }

  static bool declares_same(const Node& a, const Node& b) {
    return a.declarations.size() == b.declarations.size() &&
           std::ranges::all_of(a.declarations, [&](const auto& one) {
             return std::ranges::any_of(b.declarations, [&](const auto& other) {
               return one.prefix == other.prefix && one.ns == other.ns;
             });
           });
  }

  // What is written

  void begin(std::string_view operation, const std::string& path) {
    out_.append("<").append(prefix_).append(":").append(operation).append(" sel=\"");
    xml::append_escaped(out_, path);
    out_ += '"';
  }
  void end(std::string_view operation) {
    out_.append("</").append(prefix_).append(":").append(operation).append(">");
  }
  /// `space`: the attribute that takes white space along.
  void write_removal(const std::string& path, std::string_view space = {}) {
    begin("remove", path);
    out_.append(space).append("/>");
  }
  void write_replacement(const std::string& path, std::string_view content) {
    begin("replace", path);
    out_.append(">").append(content);
    end("replace");
  }
  void write_addition(const std::string& path, std::string_view attribute, std::string_view content) {
    begin("add", path);
    out_.append(attribute).append(">").append(content);
    end("add");
  }

  /// One step for each level, as short as it is unique.
  std::string path_of(const Node& node) {
    std::vector<const Node*> levels;
    for (const Node* each = &node; each->parent != nullptr; each = each->parent) levels.push_back(each);
    std::string path = "*";
    for (auto level = levels.rbegin() + 1; level != levels.rend(); ++level) append_step(path, **level);
    return path;
  }

  void append_step(std::string& path, const Node& node) {
    path += '/';
    node.is_element() ? append_element(path, node) : append_other(path, node);
  }

  /// A text, comment or instruction: by its place among those.
  void append_other(std::string& path, const Node& node) {
    std::size_t alike = 0, position = 0;
    for (const Node* each = node.parent->first; each != nullptr; each = each->next) {
      tree_.spend(1);
      if (each->kind != node.kind) continue;
      ++alike;
      if (each == &node) position = alike;
    }
    path += node.is_text()                     ? "text()"
            : node.kind == Node::Kind::comment ? "comment()"
                                               : "processing-instruction()";
    if (alike != 1) path.append("[").append(std::to_string(position)).append("]");
  }

  /// By name: one that declares a prefix of its own cannot be named in the diff document.
  void append_element(std::string& path, const Node& node) {
    std::size_t alike = 0, position = 0, same_id = 0;
    const std::string id = id_of(node);
    const auto ns = xml::find_ns(node, node.prefix);
    const bool is_any = !node.declarations.empty();
    for (const Node* each = node.parent->first; each != nullptr; each = each->next) {
      tree_.spend(1);
      if (!each->is_element()) continue;
      if (!is_any && (each->name != node.name || xml::find_ns(*each, each->prefix) != ns)) continue;
      ++alike;
      if (each == &node) position = alike;
      if (id_of(*each) == id) ++same_id;
    }
    if (is_any) {
      path.append("*[").append(std::to_string(position)).append("]");
      return;
    }
    append_name(path, node.prefix, node.name);
    if (alike == 1) return;
    const char quote = id.find('\'') == id.npos ? '\'' : '"';
    if (!id.empty() && same_id == 1 && id.find(quote) == id.npos)
      path.append("[@id=").append(1, quote).append(id).append(1, quote).append("]");
    else
      path.append("[").append(std::to_string(position)).append("]");
  }

  static void append_name(std::string& out, std::string_view prefix, std::string_view name) {
    if (!prefix.empty()) out.append(prefix).append(1, ':');
    out += name;
  }

  // What is changed

  /// `a` becomes `b`, which is the same thing.
  bool change(Node& a, const Node& b) {
    if (xml::equal(a, b)) return true;
    const std::string path = path_of(a);
    if (a.is_text()) {
      write_replacement(path, b.source);
      a.source = b.source;
      return !is_over();
    }
    std::string whole;
    xml::append(whole, b);
    const std::size_t before = out_.size();
    if (a.declarations.empty() && b.declarations.empty()) {
      if (!change_attributes(a, b) || !change_children(a, b)) return false;
      // The tree is right either way.
      const std::size_t frame =
          path.size() + 2 * prefix_.size() + std::string_view("<: sel=\"\"></:>").size() + 14;
      if (out_.size() - before <= whole.size() + frame) return !is_over();
      out_.resize(before);
    } else {
      Node& made = copy(b);
      tree_.insert(*a.parent, &a, made);
      tree_.remove(a);
    }
    write_replacement(path, whole);
    return !is_over();
  }

  /// Copies share the texts of `to`, which lives as long as the search.
  Node& copy(const Node& from) {
    tree_.spend(1);
    Node& node = tree_.make(from.kind);
    node.prefix = from.prefix;
    node.name = from.name;
    node.source = from.source;
    node.declarations = from.declarations;
    node.attributes = from.attributes;
    for (const Node* child = from.first; child != nullptr; child = child->next)
      tree_.insert(node, nullptr, copy(*child));
    return node;
  }

  bool change_attributes(Node& a, const Node& b) {
    const auto find = [](auto& node, const Node::Attribute& like) {
      return std::ranges::find_if(node.attributes, [&](const auto& each) {
        return each.prefix == like.prefix && each.name == like.name;
      });
    };
    const auto path_to = [&](const Node::Attribute& attribute) {
      std::string path = path_of(a) + "/@";
      append_name(path, attribute.prefix, attribute.name);
      return path;
    };
    for (std::size_t i = a.attributes.size(); i-- > 0;) {
      if (find(b, a.attributes[i]) != b.attributes.end()) continue;
      write_removal(path_to(a.attributes[i]));
      a.attributes.erase(a.attributes.begin() + static_cast<std::ptrdiff_t>(i));
    }
    for (const auto& wanted : b.attributes) {
      const std::string value = xml::decode(wanted.source);
      const auto has = find(a, wanted);
      if (has != a.attributes.end() && xml::says(has->source, value)) continue;
      if (has != a.attributes.end()) {
        write_replacement(path_to(*has), xml::escape(value));
        *has = wanted;
        continue;
      }
      if (value.empty()) return false;  // an addition has a text (RFC 5261 4.3)
      std::string type = " type=\"@";
      append_name(type, wanted.prefix, wanted.name);
      write_addition(path_of(a), type + '"', xml::escape(value));
      a.attributes.push_back(wanted);
    }
    return !is_over();
  }

  /// Children that stay, in order; the others go or come.
  bool change_children(Node& a, const Node& b) {
    std::vector<Node*> old;
    std::vector<const Node*> fresh;
    for (Node* child = a.first; child != nullptr; child = child->next) old.push_back(child);
    for (const Node* child = b.first; child != nullptr; child = child->next) fresh.push_back(child);
    tree_.spend(old.size() + fresh.size());
    std::size_t front = 0, back = 0;
    const std::size_t least = std::min(old.size(), fresh.size());
    while (front < least && xml::equal(*old[front], *fresh[front])) ++front;
    while (back < least - front && xml::equal(*old[old.size() - 1 - back], *fresh[fresh.size() - 1 - back]))
      ++back;
    old = {old.begin() + static_cast<std::ptrdiff_t>(front), old.end() - static_cast<std::ptrdiff_t>(back)};
    fresh = {fresh.begin() + static_cast<std::ptrdiff_t>(front),
             fresh.end() - static_cast<std::ptrdiff_t>(back)};
    if (old.size() > aligned_max || fresh.size() > aligned_max) return false;
    Node* behind = a.last;
    for (std::size_t i = 0; i < back; ++i) behind = behind->previous;
    behind = behind == nullptr ? a.first : behind->next;
    const auto partners = align(old, fresh);
    for (std::size_t from = 0, done = 0;;) {
      std::size_t stays = from;
      while (stays < old.size() && partners[stays] == none) ++stays;
      const bool is_last = stays == old.size();
      const std::size_t come = is_last ? fresh.size() : partners[stays];
      const std::vector<Node*> gone(old.begin() + static_cast<std::ptrdiff_t>(from),
                                    old.begin() + static_cast<std::ptrdiff_t>(stays));
      if (!exchange(a, gone, fresh, done, come, is_last ? behind : old[stays])) return false;
      if (is_last) return true;
      if (!change(*old[stays], *fresh[come])) return false;
      done = come + 1;
      from = stays + 1;
    }
  }

  /// `gone`, which stand beside each other before `next`, make place for fresh[from, to). Two texts never
  /// meet, as they would become one: texts go first, and where texts stand on both sides of what goes, as
  /// neighbours of what comes, that comes before the rest goes.
  bool exchange(Node& a, const std::vector<Node*>& gone, const std::vector<const Node*>& fresh,
                std::size_t from, std::size_t to, Node* next) {
    std::vector<Node*> rest;
    for (std::size_t i = 0; i < gone.size(); ++i) {
      if (!gone[i]->is_text()) {
        rest.push_back(gone[i]);
        continue;
      }
      const bool is_space = gone[i]->is_space();
      if (is_space && !rest.empty() && rest.back()->is_element() && rest.back()->next == gone[i]) {
        remove_with(*rest.back(), *gone[i], " ws=\"after\"");
        rest.pop_back();
      } else if (is_space && i + 1 < gone.size() && gone[i + 1]->is_element()) {
        remove_with(*gone[i + 1], *gone[i], " ws=\"before\"");
        ++i;
      } else {
        remove(*gone[i]);
      }
    }
    const auto is_text = [](const Node* node) { return node != nullptr && node->is_text(); };
    const Node* const first = rest.empty() ? next : rest.front();
    const bool would_join = is_text(next) && is_text(first == nullptr ? a.last : first->previous);
    if (!would_join) {
      for (Node* each : rest) remove(*each);
      rest.clear();
    }
    if (!add(a, fresh, from, to, rest.empty() ? next : rest.front())) return false;
    for (Node* each : rest) remove(*each);
    return !is_over();
  }

  void remove(Node& node) {
    write_removal(path_of(node));
    tree_.remove(node);
  }
  void remove_with(Node& node, Node& space, std::string_view where) {
    write_removal(path_of(node), where);
    tree_.remove(space);
    tree_.remove(node);
  }

  /// Adds fresh[from, to) before `before`, a child of `a`, or last.
  bool add(Node& a, const std::vector<const Node*>& fresh, std::size_t from, std::size_t to, Node* before) {
    if (from == to) return !is_over();
    std::string content;
    for (std::size_t i = from; i < to; ++i) xml::append(content, *fresh[i]);
    if (before == nullptr)
      write_addition(path_of(a), "", content);
    else if (before->previous == nullptr)
      write_addition(path_of(a), " pos=\"prepend\"", content);
    else if (before->is_text())
      write_addition(path_of(*before->previous), " pos=\"after\"", content);
    else
      write_addition(path_of(*before), " pos=\"before\"", content);
    for (std::size_t i = from; i < to; ++i) tree_.insert(a, before, copy(*fresh[i]));
    return !is_over();
  }

  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  /// What is won where one stays as the other. White space stands everywhere, and must not draw elements
  /// away from their likes.
  static std::uint8_t weight_of(const Node& a, const Node& b, bool is_equal) {
    if (is_equal && a.kind == b.kind) return a.is_text() ? 2 : 8;
    if (!is_same_thing(a, b)) return 0;
    return a.is_text() ? 1 : 3;
  }

  /// For each of `old` its partner in `fresh`: the longest common row, where equal ones weigh more than those
  /// that are the same thing.
  std::vector<std::size_t> align(const std::vector<Node*>& old, const std::vector<const Node*>& fresh) {
    const std::size_t columns = fresh.size() + 1;
    std::vector<std::uint16_t> best((old.size() + 1) * columns);
    std::vector<std::uint8_t> weights(old.size() * fresh.size());
    const auto texts_of = [](const auto& nodes) {
      std::vector<std::string> texts;
      for (const Node* node : nodes) xml::append(texts.emplace_back(), *node);
      return texts;
    };
    const auto old_texts = texts_of(old), fresh_texts = texts_of(fresh);
    tree_.spend(old.size() * fresh.size());
    for (std::size_t i = old.size(); i-- > 0;)
      for (std::size_t j = fresh.size(); j-- > 0;) {
        auto& weight = weights[i * fresh.size() + j];
        weight = weight_of(*old[i], *fresh[j], old_texts[i] == fresh_texts[j]);
        const std::uint16_t skipped = std::max(best[(i + 1) * columns + j], best[i * columns + j + 1]);
        const auto taken = static_cast<std::uint16_t>(weight + best[(i + 1) * columns + j + 1]);
        best[i * columns + j] = weight == 0 ? skipped : std::max(skipped, taken);
      }
    std::vector<std::size_t> partners(old.size(), none);
    for (std::size_t i = 0, j = 0; i < old.size() && j < fresh.size();) {
      const auto weight = weights[i * fresh.size() + j];
      if (weight != 0 && best[i * columns + j] == weight + best[(i + 1) * columns + j + 1])
        partners[i++] = j++;
      else if (best[i * columns + j] == best[(i + 1) * columns + j])
        ++i;
      else
        ++j;
    }
    return partners;
  }

  xml::Tree& tree_;
  const std::string_view prefix_;
  const std::size_t size_max_;
  const std::size_t work_max_;
  std::string out_;
};

}  // namespace

std::optional<std::string> difference(xml::Tree& from, const xml::Tree& to, std::string_view prefix,
                                      std::size_t size_max) {
  return Difference(from, prefix, size_max).make(to);
}

}  // namespace beckon::xml_patch
