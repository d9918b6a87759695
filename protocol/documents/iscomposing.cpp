#include "protocol/documents/iscomposing.hpp"

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/reading.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::documents {

namespace {

std::string child_text(const xml::Element& root, std::string_view name) {
  const xml::Element* const child = root.child(ns::is_composing, name);
  return child == nullptr ? std::string() : std::string(trim(child->text()));
}

}  // namespace

Result<IsComposing> parse_is_composing(std::string_view body, const xml::Limits& limits) {
  const auto document = xml::parse(body, limits);
  if (document.has_error()) return document.error();
  const xml::Element& root = document->root();
  if (!root.is(ns::is_composing, "isComposing")) return Errc::wrong_root;
  if (root.child(ns::is_composing, "state") == nullptr) return Errc::bad_structure;
  IsComposing composing{.active = child_text(root, "state") == "active",
                        .last_active = child_text(root, "lastactive"),
                        .content_type = child_text(root, "contenttype")};
  composing.refresh_seconds = parse_number<std::uint32_t>(child_text(root, "refresh"));
  if (composing.refresh_seconds == 0U) composing.refresh_seconds.reset();
  return composing;
}

std::string print(const IsComposing& composing) {
  xml::Writer writer;
  writer.open("isComposing").declare("", ns::is_composing);
  writer.element("state", composing.active ? "active" : "idle");
  if (!composing.last_active.empty()) writer.element("lastactive", composing.last_active);
  if (!composing.content_type.empty()) writer.element("contenttype", composing.content_type);
  if (composing.refresh_seconds) writer.element("refresh", std::to_string(*composing.refresh_seconds));
  return writer.finish();
}

}  // namespace beckon::documents
