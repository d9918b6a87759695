#include "protocol/documents/pidf_diff.hpp"

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/xml/tree.hpp"
#include "protocol/xml/writer.hpp"
#include "protocol/xml_patch/difference.hpp"
#include "protocol/xml_patch/patch.hpp"

namespace beckon::documents {

namespace {

constexpr std::string_view xml_declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
constexpr std::string_view presence_begin = "<presence ";
constexpr std::string_view presence_end = "</presence>";
constexpr std::string_view full_end = "</p:pidf-full>";

/// What every root of ours declares, so that no operation has to.
std::string declarations() {
  std::string text = "xmlns=\"";
  text.append(ns::pidf).append("\" xmlns:p=\"").append(ns::pidf_diff);
  text.append("\" xmlns:dm=\"").append(ns::data_model).append("\"");
  return text;
}

std::string version_attribute(std::uint32_t version) {
  return version == 0 ? std::string() : " version=\"" + std::to_string(version) + '"';
}

/// In attributes ">" is escaped, and the first attribute that is no declaration is the entity.
std::string as_full(std::string_view presence, std::uint32_t version) {
  const auto begin = presence.find(presence_begin);
  const auto entity = presence.find("entity=\"", begin);
  if (begin == presence.npos || entity == presence.npos) return {};
  std::string text;
  text.reserve(presence.size() + 200);
  text.append(xml_declaration)
      .append("<p:pidf-full ")
      .append(declarations())
      .append(version_attribute(version));
  text += ' ';
  auto rest = presence.substr(entity);
  if (!rest.ends_with(presence_end)) return text.append(rest);  // "/>"
  rest.remove_suffix(presence_end.size());
  return text.append(rest).append(full_end);
}

}  // namespace

std::string print_full(std::string_view presence, std::uint32_t version) {
  return as_full(presence, version);
}

std::optional<std::string> make_operations(std::string_view from, std::string_view to) {
  if (from == to) return std::string();
  auto old = xml::parse_tree(as_full(from, 0), xml::kept_limits);
  const auto fresh = xml::parse_tree(as_full(to, 0), xml::kept_limits);
  if (!old || !fresh) return std::nullopt;
  return xml_patch::difference(*old, *fresh, "p", to.size());
}

std::string print_diff(std::string_view entity, std::string_view operations, std::uint32_t version) {
  std::string text;
  text.reserve(operations.size() + 320);
  text.append(xml_declaration)
      .append("<p:pidf-diff ")
      .append(declarations())
      .append(version_attribute(version));
  text += " entity=\"";
  xml::append_escaped(text, entity);
  return text.append("\">").append(operations).append("</p:pidf-diff>");
}

// The watcher's side

namespace {

bool is_in_diff_ns(const xml::Node& root) { return xml::find_ns(root, root.prefix) == ns::pidf_diff; }

std::optional<std::uint32_t> version_of(const xml::Node& root) {
  const auto* version = root.attribute("version");
  if (version == nullptr) return std::nullopt;
  return parse_number<std::uint32_t>(trim(version->source));
}

}  // namespace

bool PartialPresence::set(std::string text) {
  const auto document = xml::parse(text);
  if (!document) return false;
  presence_ = read_presence(document->root());
  text_ = std::move(text);
  return true;
}

PartialPresence::Taken PartialPresence::take(std::string_view body, std::string_view subscription) {
  if (subscription != subscription_) {
    subscription_ = subscription;
    version_ = 0;
    drop();
  }
  const auto fail = [this] {
    drop();
    return Taken::failed;
  };
  const auto diff = xml::parse_tree(body);
  if (!diff || !is_in_diff_ns(diff->root())) return fail();
  const xml::Node& root = diff->root();
  const auto version = version_of(root);
  const bool is_full = root.name == "pidf-full";
  if (!version || (!is_full && root.name != "pidf-diff")) return fail();
  if (version_ != 0 && *version <= version_) return Taken::stale;
  if (is_full) {
    if (!set(std::string(body))) return fail();
    version_ = *version;
    return Taken::yes;
  }
  if (text_.empty() || *version != version_ + 1) return Taken::gap;
  auto copy = xml::parse_tree(text_);
  if (!copy) return fail();
  // The example of RFC 5262 6 calls the root of a <pidf-full> "presence".
  const xml::Vocabulary vocabulary{.has_ids = true, .root_ns = ns::pidf, .root_name = "presence"};
  if (!xml_patch::apply(*copy, root, ns::pidf_diff, vocabulary)) return fail();
  auto text = copy->print();
  if (!text || !set(std::move(*text))) return fail();
  version_ = *version;
  return Taken::yes;
}

}  // namespace beckon::documents
