#include "protocol/documents/resource_lists.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/reading.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::documents {

namespace {

using xml::Element;

constexpr std::array kind_names = {"entry", "entry-ref", "external", "list"};
constexpr std::array target_names = {"uri", "ref", "anchor", ""};

/// The elements that RFC 4826 has in a list stand in this namespace, in services too.
bool is_list_element(const Element& element, std::string_view name) {
  return element.is(ns::resource_lists, name);
}

Result<void> take_name(const Element& element, std::optional<DisplayName>& name) {
  if (name) return Errc::bad_structure;
  name = read_display_name(element);
  return {};
}

Result<ListItem> read_item(const Element& element, ListItem::Kind kind) {
  ListItem item{.kind = kind, .target = {}};
  if (kind == ListItem::Kind::list) {
    auto list = read_resource_list(element);
    if (list.has_error()) return list.error();
    item.list.push_back(std::move(*list));
    return item;
  }
  item.target = trim(text_of(element, target_names[static_cast<std::size_t>(kind)]));
  if (item.target.empty() && kind != ListItem::Kind::external) return Errc::missing_attribute;
  for (const Element& child : element.children()) {
    if (!is_list_element(child, "display-name")) {
      item.extensions.push_back(child.keep());
    } else if (const auto taken = take_name(child, item.name); taken.has_error()) {
      return taken.error();
    }
  }
  return item;
}

/// What must not stand twice beside each other.
std::optional<std::string_view> identity_of(const ListItem& item) {
  if (item.kind != ListItem::Kind::list) {
    if (item.target.empty()) return std::nullopt;
    return item.target;
  }
  const auto& name = item.list.front().name;
  return name ? std::optional<std::string_view>(*name) : std::nullopt;
}

bool has_twins(const ResourceList& list) {
  std::set<std::pair<ListItem::Kind, std::string_view>> seen;
  return std::ranges::any_of(list.items, [&](const ListItem& item) {
    const auto identity = identity_of(item);
    const bool is_twin = identity && !seen.emplace(item.kind, *identity).second;
    return is_twin || (item.kind == ListItem::Kind::list && has_twins(item.list.front()));
  });
}

Result<RlsService> read_service(const Element& element) {
  RlsService service{.uri = std::string(trim(text_of(element, "uri")))};
  if (service.uri.empty()) return Errc::missing_attribute;
  bool has_reference = false;
  for (const Element& child : element.children()) {
    // COMPAT: the list is in the namespace of services, or in that of lists.
    if (child.is(ns::rls_services, "list") || child.is(ns::resource_lists, "list")) {
      auto list = read_resource_list(child);
      if (list.has_error()) return list.error();
      if (service.list) return Errc::bad_structure;
      service.list = std::move(*list);
    } else if (child.is(ns::rls_services, "resource-list")) {
      if (std::exchange(has_reference, true)) return Errc::bad_structure;
      service.resource_list = trim(child.text());
    } else if (child.is(ns::rls_services, "packages")) {
      service.names_packages = true;
      for (const Element& package : child.children())
        if (package.is(ns::rls_services, "package")) service.packages.emplace_back(trim(package.text()));
    } else {
      service.extensions.push_back(child.keep());
    }
  }
  if (has_reference == service.list.has_value()) return Errc::bad_structure;
  return service;
}

void write(xml::Writer& writer, const std::string& prefix, const DisplayName& name) {
  writer.open(prefix + "display-name");
  if (!name.lang.empty()) writer.attribute("xml:lang", name.lang);
  writer.text(name.text).close();
}

void write(xml::Writer& writer, const std::vector<xml::Fragment>& extensions) {
  for (const xml::Fragment& extension : extensions) writer.raw(extension.text);
}

/// Inside `<list>`, which is open.
void write_inside(xml::Writer& writer, const std::string& prefix, const ResourceList& list) {
  if (list.name) writer.attribute("name", *list.name);
  if (list.display_name) write(writer, prefix, *list.display_name);
  for (const ListItem& item : list.items) {
    const auto kind = static_cast<std::size_t>(item.kind);
    writer.open(prefix + kind_names[kind]);
    if (item.kind == ListItem::Kind::list) {
      write_inside(writer, prefix, item.list.front());
    } else {
      if (!item.target.empty()) writer.attribute(target_names[kind], item.target);
      if (item.name) write(writer, prefix, *item.name);
      write(writer, item.extensions);
    }
    writer.close();
  }
  write(writer, list.extensions);
}

}  // namespace

DisplayName read_display_name(const Element& element) {
  return {std::string(trim(element.text())),
          std::string(element.attribute("lang", xml::xml_ns).value_or(""))};
}

bool ListItem::operator==(const ListItem& other) const {
  return kind == other.kind && target == other.target && name == other.name && list == other.list &&
         extensions == other.extensions;
}

Result<ResourceList> read_resource_list(const Element& element) {
  ResourceList list;
  if (const auto name = element.attribute("name")) list.name = *name;
  for (const Element& child : element.children()) {
    const auto kind =
        child.ns() == ns::resource_lists ? find_name<ListItem::Kind>(kind_names, child.name()) : std::nullopt;
    if (kind) {
      auto item = read_item(child, *kind);
      if (item.has_error()) return item.error();
      list.items.push_back(std::move(*item));
    } else if (!is_list_element(child, "display-name")) {
      list.extensions.push_back(child.keep());
    } else if (const auto taken = take_name(child, list.display_name); taken.has_error()) {
      return taken.error();
    }
  }
  return list;
}

Result<ResourceLists> parse_resource_lists(std::string_view body, const xml::Limits& limits) {
  const auto document = xml::parse(body, limits);
  if (document.has_error()) return document.error();
  const Element& root = document->root();
  if (!root.is(ns::resource_lists, "resource-lists")) return Errc::wrong_root;
  ResourceLists lists;
  for (const Element& child : root.children()) {
    if (!is_list_element(child, "list")) continue;
    auto list = read_resource_list(child);
    if (list.has_error()) return list.error();
    lists.lists.push_back(std::move(*list));
  }
  return lists;
}

Result<RlsServices> parse_rls_services(std::string_view body, const xml::Limits& limits) {
  const auto document = xml::parse(body, limits);
  return document ? read_rls_services(document->root()) : Result<RlsServices>(document.error());
}

Result<RlsServices> read_rls_services(const Element& root) {
  if (!root.is(ns::rls_services, "rls-services")) return Errc::wrong_root;
  RlsServices services;
  for (const Element& child : root.children()) {
    if (!child.is(ns::rls_services, "service")) continue;
    auto service = read_service(child);
    if (service.has_error()) return service.error();
    services.services.push_back(std::move(*service));
  }
  return services;
}

Result<void> check_twins(const ResourceLists& lists) {
  std::set<std::string_view> names;
  for (const ResourceList& list : lists.lists)
    if ((list.name && !names.insert(*list.name).second) || has_twins(list)) return Errc::duplicate_id;
  return {};
}

Result<void> check_twins(const RlsServices& services) {
  std::set<std::string_view> uris;
  for (const RlsService& service : services.services)
    if (!uris.insert(service.uri).second || (service.list && has_twins(*service.list)))
      return Errc::duplicate_id;
  return {};
}

std::string print(const ResourceLists& lists) {
  xml::Writer writer;
  writer.open("resource-lists").declare("", ns::resource_lists);
  for (const ResourceList& list : lists.lists) {
    writer.open("list");
    write_inside(writer, "", list);
    writer.close();
  }
  return writer.finish();
}

std::string print(const RlsServices& services) {
  xml::Writer writer;
  writer.open("rls-services").declare("", ns::rls_services).declare("rl", ns::resource_lists);
  for (const RlsService& service : services.services) {
    writer.open("service").attribute("uri", service.uri);
    if (service.list) {
      writer.open("list");
      write_inside(writer, "rl:", *service.list);
      writer.close();
    } else {
      writer.element("resource-list", service.resource_list);
    }
    if (service.names_packages) {
      writer.open("packages");
      for (const std::string& package : service.packages) writer.element("package", package);
      writer.close();
    }
    write(writer, service.extensions);
    writer.close();
  }
  return writer.finish();
}

}  // namespace beckon::documents
