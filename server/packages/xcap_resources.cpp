#include "server/packages/xcap_resources.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/xcap/target.hpp"
#include "protocol/xcap/usage.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server::packages {

using beckon::xcap::Target;
using Kind = XcapResource::Kind;

namespace {

/// The path from the XCAP root on; absent: it is under another root.
std::optional<std::string_view> below_root(std::string_view uri) {
  const auto scheme = uri.substr(0, uri.find("://"));
  if (iequals(scheme, "http") || iequals(scheme, "https")) {
    uri.remove_prefix(std::min(scheme.size() + 3, uri.size()));
    uri.remove_prefix(std::min(uri.find('/'), uri.size()));
  }
  if (!uri.starts_with('/')) return uri;
  if (!uri.starts_with(xcap::root) || !uri.substr(xcap::root.size()).starts_with('/')) return std::nullopt;
  return uri.substr(xcap::root.size() + 1);
}

std::string_view canonical_of(std::string_view auid) {
  const beckon::xcap::Usage* usage = beckon::xcap::find_usage(auid);
  return usage && !usage->is_made ? usage->canonical : std::string_view();
}

/// A document below the collection is one that can be read: so is the collection.
std::optional<XcapResource> read_collection(std::string_view path) {
  XcapResource resource{.kind = Kind::collection, .sel = std::string(path)};
  if (path.empty()) return resource;
  const auto levels = static_cast<std::size_t>(std::ranges::count(path, '/'));
  // What is missing on the way to a document is filled in, so that the path is read as those of documents.
  std::string document(path);
  if (levels == 1) document += "users/x/x";
  if (levels == 2) document += path.ends_with("/users/") ? "x/x" : "x";
  if (levels >= 3) document += "x";
  const auto target = beckon::xcap::parse_target("/" + document, "");
  if (!target || target->has_node) return std::nullopt;
  const bool is_global = target->tree == Target::Tree::global;
  resource.path = {target->auid, is_global ? "global" : "users", target->user};
  if (is_global) resource.path.pop_back();
  // There are no directories below that of a user.
  if (levels > resource.path.size()) return std::nullopt;
  resource.path.resize(levels);
  return resource;
}

}  // namespace

std::optional<XcapResource> read_xcap_resource(std::string_view uri, const std::string& owner) {
  const auto path = below_root(trim(uri));
  if (!path) return std::nullopt;
  if ((path->empty() || path->ends_with('/')) && path->find("/~~/") == path->npos)
    return read_collection(*path);
  const auto target = beckon::xcap::parse_target("/" + std::string(*path), "");
  if (!target) return std::nullopt;
  XcapResource resource{.sel = std::string(*path)};
  std::string_view ns;
  if (target->tree == Target::Tree::global) {
    if (target->auid != beckon::xcap::caps_auid || target->document != "index") return std::nullopt;
    resource.key = capabilities_key;
    ns = beckon::xcap::caps_ns;
  } else {
    const auto canonical = canonical_of(target->auid);
    if (canonical.empty() || xcap::aor_of(target->user) != owner) return std::nullopt;
    resource.key = std::string(canonical).append("/").append(target->document);
    ns = beckon::xcap::find_usage(target->auid)->ns;
  }
  if (!target->has_node) return resource;
  auto selector = beckon::xcap::parse_node_selector(target->node_selector, target->query, ns);
  using Part = beckon::xcap::NodeSelector::Target;
  if (!selector || selector->target == Part::namespaces) return std::nullopt;
  resource.kind = selector->target == Part::element ? Kind::element : Kind::attribute;
  resource.selector = std::move(*selector);
  return resource;
}

std::string name_in(const XcapResource& collection, std::string_view key, const std::string& owner) {
  const auto& path = collection.path;
  Target target{.auid = std::string(cut(key, '/').first)};
  std::vector<std::string> whole{target.auid, "users", owner};
  if (key == capabilities_key) {
    whole = {std::string(beckon::xcap::caps_auid), "global"};
    target = {.auid = whole.front(), .tree = Target::Tree::global, .document = "index"};
  } else {
    target.user = owner;
    target.document = cut(key, '/').second;
  }
  if (path.size() > whole.size()) return {};
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool is_same = path[i] == whole[i] || (i == 0 && canonical_of(path[i]) == whole[i]) ||
                         (i == 2 && xcap::aor_of(path[i]) == whole[i]);
    if (!is_same) return {};
  }
  if (!path.empty()) target.auid = path.front();
  return print(target, "").substr(1);
}

}  // namespace beckon::server::packages
