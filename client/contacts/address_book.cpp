#include "client/contacts/address_book.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/documents/error.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/sip/uri.hpp"
#include "protocol/xml/document.hpp"
#include "protocol/xml/edit.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::client::contacts {

using xml::Element;

namespace {

using Names = std::vector<std::string>;

constexpr std::string_view list_ns = documents::ns::resource_lists;
constexpr std::string_view empty_book =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"></resource-lists>\n";

bool is_list(const Element& element) { return element.is(list_ns, "list"); }
bool is_entry(const Element& element) { return element.is(list_ns, "entry"); }

std::string canonical(std::string_view text) {
  const auto uri = sip::parse_uri(trim(text));
  std::string aor = uri ? sip::canonical_aor(*uri) : std::string();
  return aor.find('@') == std::string::npos ? std::string(trim(text)) : aor;
}

std::string uri_of(const Element& entry) { return canonical(entry.attribute("uri").value_or("")); }

std::string name_of(const Element& element) {
  const Element* const name = element.child(list_ns, "display-name");
  return name ? std::string(trim(name->text())) : std::string();
}

/// Empty: it names no group.
Names read_path(std::string_view text) {
  Names names;
  for (const std::string_view piece : split(text, '/')) names.emplace_back(piece);
  if (std::ranges::find(names, "") != names.end()) names.clear();
  return names;
}

const Element* child_list(const Element& parent, std::string_view name) {
  for (const Element& child : parent.children())
    if (is_list(child) && child.attribute("name") == name) return &child;
  return nullptr;
}

/// Where a list is, or would be: the innermost list on the way that exists, and the names of those that do
/// not.
struct Place {
  const Element* inside;
  std::span<const std::string> missing;
};

Place descend(const Element& from, std::span<const std::string> names) {
  const Element* inside = &from;
  while (!names.empty()) {
    const Element* const next = child_list(*inside, names.front());
    if (!next) break;
    inside = next;
    names = names.subspan(1);
  }
  return {inside, names};
}

/// `names` begin with that of the book.
Place locate(const Element& root, std::span<const std::string> names) {
  const auto in_book = descend(root, names);
  if (in_book.missing.empty() || names.size() == 1) return in_book;
  const auto beside = descend(root, names.subspan(1));
  return beside.missing.empty() ? beside : in_book;
}

Names path_from_root(std::string_view group) {
  Names names = read_path(group);
  if (!names.empty() && names.front() != book_name) names.emplace(names.begin(), book_name);
  return names;
}

/// The list of that name; null: there is none.
const Element* find_group(const Element& root, std::string_view group) {
  const Names names = path_from_root(group);
  if (names.empty()) return nullptr;
  const auto place = locate(root, names);
  return place.missing.empty() ? place.inside : nullptr;
}

template <class Visit>
void each_entry(const Element& parent, const Visit& visit) {
  for (const Element& child : parent.children()) {
    if (is_entry(child)) visit(child);
    if (is_list(child)) each_entry(child, visit);
  }
}

/// One change of the book.
class Edit {
 public:
  /// `text` is well-formed.
  Edit(std::string_view text, const xml::Document& document)
      : text_(text), root_(document.root()), editor_(root_) {}

  const Element& root() const { return root_; }

  void remove(const Element& element) { editor_.remove(element); }

  void set_name(const Element& element, const std::string& name) {
    const Element* const known = element.child(list_ns, "display-name");
    if (name == name_of(element)) return;
    const std::string fragment = name.empty() ? std::string() : print_name(element, name);
    if (known) {
      editor_.insert_before(*known, fragment);
      editor_.remove(*known);
    } else if (element.children().empty()) {
      editor_.append(element, fragment);
    } else {
      editor_.insert_before(element.children().front(), fragment);
    }
  }

  /// Makes the missing lists of a place, the innermost with what `fill` writes into it.
  template <class Fill>
  void put(const Place& place, const Fill& fill) {
    xml::Writer writer(xml::Writer::Start::fragment);
    bool is_declared = has_default_ns(*place.inside);
    const auto open = [&](std::string_view name) -> xml::Writer& {
      writer.open(name);
      if (!std::exchange(is_declared, true)) writer.declare("", list_ns);
      return writer;
    };
    for (const std::string& name : place.missing) open("list").attribute("name", name);
    fill(open);
    add(*place.inside, writer.finish());
  }

  std::string finish() const {
    const std::size_t begin = xml::root_offset(text_);
    return std::string(text_.substr(0, begin)) + editor_.finish().text +
           std::string(text_.substr(begin + root_.source().size()));
  }

 private:
  static bool has_default_ns(const Element& element) {
    const auto* const binding = xml::find_binding(xml::Editor::scope_of(element), "");
    return binding && binding->ns == list_ns;
  }

  static std::string print_name(const Element& parent, const std::string& name) {
    xml::Writer writer(xml::Writer::Start::fragment);
    writer.open("display-name");
    if (!has_default_ns(parent)) writer.declare("", list_ns);
    writer.text(name);
    return writer.finish();
  }

  /// The schema wants elements of other namespaces last.
  void add(const Element& parent, const std::string& fragment) {
    for (const Element& child : parent.children())
      if (child.ns() != list_ns) return editor_.insert_before(child, fragment);
    editor_.append(parent, fragment);
  }

  std::string_view text_;
  const Element& root_;
  xml::Editor editor_;
};

Result<xml::Document> parse_book(std::string_view text) {
  auto document = xml::parse(text.empty() ? empty_book : text);
  if (document && !document->root().is(list_ns, "resource-lists")) return documents::Errc::wrong_root;
  return document;
}

/// The new text after `change`, which gives a Result<void>.
template <class Change>
Result<std::string> edit(std::string_view text, const Change& change) {
  const std::string_view before = text.empty() ? empty_book : text;
  const auto document = parse_book(before);
  if (!document) return document.error();
  Edit book(before, *document);
  if (const Result<void> done = change(book); !done) return done.error();
  return book.finish();
}

std::string join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + '/' + std::string(name);
}

/// `outer`: the path of the list around; empty at the top and in the book itself.
void read_groups(const Element& parent, const std::string& outer, bool is_nameless,
                 std::vector<Group>& groups) {
  for (const Element& child : parent.children()) {
    if (!is_list(child)) continue;
    const auto name = child.attribute("name").value_or("");
    const bool has_no_path = is_nameless || name.empty();
    Group group{.path = has_no_path ? std::string() : join(outer, name), .name = name_of(child)};
    for (const Element& each : child.children())
      if (is_entry(each)) group.contacts.push_back({uri_of(each), name_of(each)});
    const std::string inner = group.path == book_name ? std::string() : group.path;
    groups.push_back(std::move(group));
    read_groups(child, inner, has_no_path, groups);
  }
}

}  // namespace

const char* to_string(Errc value) {
  switch (value) {
    case Errc::no_such_contact:
      return "no such contact";
    case Errc::no_such_group:
      return "no such group";
    case Errc::bad_group:
      return "a group is named as friends, or friends/close";
    case Errc::not_empty:
      return "the group has contacts, or groups; remove these first";
  }
  return "unknown";
}

Result<std::vector<Group>> read_book(std::string_view text) {
  const auto document = parse_book(text);
  if (!document) return document.error();
  std::vector<Group> groups;
  read_groups(document->root(), {}, false, groups);
  return groups;
}

Result<std::string> add_contact(std::string_view text, const std::string& uri,
                                const std::optional<std::string>& name,
                                const std::optional<std::string>& group) {
  return edit(text, [&](Edit& book) -> Result<void> {
    const Names names = path_from_root(group.value_or(std::string(book_name)));
    if (names.empty()) return Errc::bad_group;
    const auto place = locate(book.root(), names);
    bool is_there = false;
    std::string shown = name.value_or("");
    each_entry(book.root(), [&](const Element& entry) {
      if (uri_of(entry) != uri) return;
      is_there = is_there || !group;
      if (name) return book.set_name(entry, *name);
      if (shown.empty()) shown = name_of(entry);
    });
    if (place.missing.empty())
      for (const Element& child : place.inside->children())
        is_there = is_there || (is_entry(child) && uri_of(child) == uri);
    if (is_there) return {};
    book.put(place, [&](const auto& open) {
      open("entry").attribute("uri", uri);
      if (!shown.empty()) open("display-name").text(shown);
    });
    return {};
  });
}

Result<std::string> remove_contact(std::string_view text, const std::string& uri,
                                   const std::optional<std::string>& group) {
  return edit(text, [&](Edit& book) -> Result<void> {
    bool is_found = false;
    const auto remove = [&](const Element& entry) {
      if (!is_entry(entry) || uri_of(entry) != uri) return;
      is_found = true;
      book.remove(entry);
    };
    if (!group) {
      each_entry(book.root(), remove);
    } else {
      const Element* const list = find_group(book.root(), *group);
      if (!list) return Errc::no_such_group;
      for (const Element& child : list->children()) remove(child);
    }
    if (!is_found) return Errc::no_such_contact;
    return {};
  });
}

Result<std::string> set_group(std::string_view text, const std::string& group,
                              const std::optional<std::string>& name) {
  return edit(text, [&](Edit& book) -> Result<void> {
    const Names names = path_from_root(group);
    if (names.empty()) return Errc::bad_group;
    const auto place = locate(book.root(), names);
    if (place.missing.empty()) {
      if (name) book.set_name(*place.inside, *name);
      return {};
    }
    book.put(place, [&](const auto& open) {
      if (name && !name->empty()) open("display-name").text(*name);
    });
    return {};
  });
}

Result<std::string> remove_group(std::string_view text, const std::string& group) {
  return edit(text, [&](Edit& book) -> Result<void> {
    const Element* const list = find_group(book.root(), group);
    if (!list) return Errc::no_such_group;
    for (const Element& child : list->children())
      if (!child.is(list_ns, "display-name")) return Errc::not_empty;
    book.remove(*list);
    return {};
  });
}

Result<std::string> selector_of(std::string_view text, const std::string& group) {
  const auto document = parse_book(text);
  if (!document) return document.error();
  const Element& root = document->root();
  const Element* const list = find_group(root, group);
  if (!list) return Errc::no_such_group;
  // It stands in the book, or beside it.
  Names names = path_from_root(group);
  if (descend(root, names).inside != list) names.erase(names.begin());
  std::string selector = "resource-lists";
  for (const std::string& name : names) {
    if (name.find_first_of("\"&<") != std::string::npos) return Errc::bad_group;
    selector += "/list[@name=\"" + name + "\"]";
  }
  return selector;
}

}  // namespace beckon::client::contacts
