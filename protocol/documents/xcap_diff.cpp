#include "protocol/documents/xcap_diff.hpp"

#include <algorithm>

#include "protocol/documents/reading.hpp"
#include "protocol/xml/tree.hpp"
#include "protocol/xml_patch/difference.hpp"
#include "protocol/xml_patch/patch.hpp"

namespace beckon::documents {

namespace {

/// Of our elements. Documents and elements that give it another meaning are not shown.
constexpr std::string_view own_prefix = "xcap";

bool declares_own_prefix(const Declarations& declarations) {
  return std::ranges::any_of(declarations, [](const auto& each) { return each.first == own_prefix; });
}

}  // namespace

std::optional<XcapPatch> make_xcap_patch(std::string_view from, std::string_view to, std::size_t size_max) {
  auto old = xml::parse_tree(from);
  const auto fresh = xml::parse_tree(to);
  if (!old || !fresh) return std::nullopt;
  XcapPatch patch;
  for (const auto& each : fresh->root().declarations) patch.declarations.emplace_back(each.prefix, each.ns);
  if (declares_own_prefix(patch.declarations)) return std::nullopt;
  auto operations = xml_patch::difference(*old, *fresh, own_prefix, size_max);
  if (!operations) return std::nullopt;
  patch.operations = std::move(*operations);
  return patch;
}

XcapDiffWriter::XcapDiffWriter(std::string_view root) {
  writer_.open("xcap:xcap-diff").declare(own_prefix, xcap_diff_ns).attribute("xcap-root", root);
}

void XcapDiffWriter::document(std::string_view sel, std::string_view previous, std::string_view next,
                              const XcapPatch* patch) {
  const auto write = [&](std::string_view name, std::string_view etag) {
    if (!etag.empty()) writer_.attribute(name, etag);
  };
  writer_.open("xcap:document").attribute("sel", sel);
  write("previous-etag", previous);
  write("new-etag", next);
  if (patch && patch->operations.empty()) writer_.open("xcap:body-not-changed").close();
  if (patch && !patch->operations.empty()) {
    declare(patch->declarations);
    writer_.raw(patch->operations);
  }
  writer_.close();
}

void XcapDiffWriter::declare(const Declarations& declarations) {
  for (const auto& [prefix, ns] : declarations) writer_.declare(prefix, ns);
}

void XcapDiffWriter::element(std::string_view sel, const Declarations& declarations,
                             std::string_view source) {
  writer_.open("xcap:element").attribute("sel", sel);
  if (!source.empty() && !declares_own_prefix(declarations)) {
    declare(declarations);
    writer_.raw(source);
  }
  writer_.close();
}

void XcapDiffWriter::attribute(std::string_view sel, std::string_view value) {
  writer_.open("xcap:attribute").attribute("sel", sel).text(value).close();
}

void XcapDiffWriter::no_element(std::string_view sel) {
  writer_.open("xcap:element").attribute("sel", sel).attribute("exists", "0").close();
}

void XcapDiffWriter::no_attribute(std::string_view sel) {
  writer_.open("xcap:attribute").attribute("sel", sel).attribute("exists", "0").close();
}

namespace {

using Item = XcapDiff::Item;

std::optional<Item::Kind> kind_of(const xml::Element& element) {
  if (element.is(xcap_diff_ns, "document")) return Item::Kind::document;
  if (element.is(xcap_diff_ns, "element")) return Item::Kind::element;
  if (element.is(xcap_diff_ns, "attribute")) return Item::Kind::attribute;
  return std::nullopt;
}

bool is_operation(const xml::Element& element) {
  return element.ns() == xcap_diff_ns &&
         (element.name() == "add" || element.name() == "replace" || element.name() == "remove");
}

void read_document(const xml::Element& element, Item& item) {
  item.previous_etag = element.attribute("previous-etag").value_or("");
  item.new_etag = element.attribute("new-etag").value_or("");
  item.is_unchanged = element.child(xcap_diff_ns, "body-not-changed") != nullptr;
  item.has_patch = std::ranges::any_of(element.children(), is_operation);
}

Result<void> read_part(const xml::Element& element, Item& item) {
  const auto exists = read_bool(element.attribute("exists").value_or("true"));
  if (!exists) return Errc::bad_value;
  item.exists = *exists;
  if (!item.exists) return {};
  if (item.kind == Item::Kind::attribute)
    item.content = element.text();
  else if (!element.children().empty())
    item.content = element.children().front().keep().text;
  return {};
}

}  // namespace

Result<XcapDiff> parse_xcap_diff(std::string_view body, const xml::Limits& limits) {
  const auto document = xml::parse(body, limits);
  if (document.has_error()) return document.error();
  if (!document->root().is(xcap_diff_ns, "xcap-diff")) return Errc::wrong_root;
  const auto root = document->root().attribute("xcap-root");
  if (!root) return Errc::missing_attribute;
  XcapDiff diff{.root = std::string(*root), .items = {}};
  for (const xml::Element& element : document->root().children()) {
    const auto kind = kind_of(element);
    if (!kind) continue;
    const auto sel = element.attribute("sel");
    if (!sel) return Errc::missing_attribute;
    Item item{.kind = *kind, .sel = std::string(*sel)};
    if (*kind == Item::Kind::document)
      read_document(element, item);
    else if (const auto read = read_part(element, item); read.has_error())
      return read.error();
    diff.items.push_back(std::move(item));
  }
  return diff;
}

Result<std::string> apply_patch(std::string_view body, std::size_t item, std::string_view document) {
  const auto diff = xml::parse_tree(body);
  if (diff.has_error()) return diff.error();
  auto target = xml::parse_tree(document);
  if (target.has_error()) return target.error();
  for (const xml::Node* each = diff->root().first; each != nullptr; each = each->next) {
    if (!each->is_element() || xml::find_ns(*each, each->prefix) != xcap_diff_ns) continue;
    if (each->name != "document" && each->name != "element" && each->name != "attribute") continue;
    if (item-- != 0) continue;
    if (each->name != "document") break;
    if (const auto done = xml_patch::apply(*target, *each, xcap_diff_ns); done.has_error())
      return done.error();
    return target->print();
  }
  return Errc::bad_structure;
}

}  // namespace beckon::documents
