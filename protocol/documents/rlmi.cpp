#include "protocol/documents/rlmi.hpp"

#include <array>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/reading.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::documents {

namespace {

using xml::Element;

constexpr std::array instance_state_names = {"active", "pending", "terminated"};

RlmiResource read_resource(const Element& element) {
  RlmiResource resource{.uri = std::string(trim(text_of(element, "uri")))};
  for (const Element& child : element.children()) {
    if (child.is(ns::rlmi, "name")) resource.names.push_back(read_display_name(child));
    if (!child.is(ns::rlmi, "instance")) continue;
    const auto state = find_name<RlmiInstance::State>(instance_state_names, trim(text_of(child, "state")));
    RlmiInstance instance{.id = text_of(child, "id")};
    if (!state || instance.id.empty()) continue;
    instance.state = *state;
    instance.reason = text_of(child, "reason");
    instance.cid = text_of(child, "cid");
    resource.instances.push_back(std::move(instance));
  }
  return resource;
}

void write_names(xml::Writer& writer, const std::vector<DisplayName>& names) {
  for (const DisplayName& name : names) {
    writer.open("name");
    if (!name.lang.empty()) writer.attribute("xml:lang", name.lang);
    writer.text(name.text).close();
  }
}

}  // namespace

const char* to_string(RlmiInstance::State state) {
  return instance_state_names[static_cast<std::size_t>(state)];
}

Result<Rlmi> parse_rlmi(std::string_view body, const xml::Limits& limits) {
  const auto document = xml::parse(body, limits);
  if (document.has_error()) return document.error();
  const Element& root = document->root();
  if (!root.is(ns::rlmi, "list")) return Errc::wrong_root;
  const auto version = root.attribute("version"), is_full = root.attribute("fullState");
  Rlmi rlmi{.uri = std::string(trim(text_of(root, "uri")))};
  if (!version || !is_full || rlmi.uri.empty()) return Errc::missing_attribute;
  const auto number = parse_number<std::uint32_t>(trim(*version));
  const auto full = read_bool(*is_full);
  if (!number || !full) return Errc::bad_value;
  rlmi.version = *number;
  rlmi.is_full = *full;
  rlmi.cid = text_of(root, "cid");
  for (const Element& child : root.children()) {
    if (child.is(ns::rlmi, "name")) rlmi.names.push_back(read_display_name(child));
    if (!child.is(ns::rlmi, "resource")) continue;
    auto resource = read_resource(child);
    if (!resource.uri.empty()) rlmi.resources.push_back(std::move(resource));
  }
  return rlmi;
}

std::string print(const Rlmi& rlmi) {
  xml::Writer writer;
  writer.open("list").declare("", ns::rlmi).attribute("uri", rlmi.uri).attribute("version", rlmi.version);
  writer.attribute("fullState", rlmi.is_full ? "true" : "false");
  if (!rlmi.cid.empty()) writer.attribute("cid", rlmi.cid);
  write_names(writer, rlmi.names);
  for (const RlmiResource& resource : rlmi.resources) {
    writer.open("resource").attribute("uri", resource.uri);
    write_names(writer, resource.names);
    for (const RlmiInstance& instance : resource.instances) {
      writer.open("instance").attribute("id", instance.id).attribute("state", to_string(instance.state));
      if (!instance.reason.empty()) writer.attribute("reason", instance.reason);
      if (!instance.cid.empty()) writer.attribute("cid", instance.cid);
      writer.close();
    }
    writer.close();
  }
  return writer.finish();
}

}  // namespace beckon::documents
