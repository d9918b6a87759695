#include "server/packages/xcap_diff.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "protocol/base/text.hpp"
#include "protocol/documents/resource_lists.hpp"
#include "protocol/sip/header.hpp"
#include "protocol/xcap/effect.hpp"
#include "protocol/xcap/node.hpp"
#include "protocol/xcap/usage.hpp"
#include "server/packages/xcap_resources.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::packages {

using documents::XcapDiffWriter;
using subscription::Permission;
using subscription::Subscription;
using Kind = XcapResource::Kind;

namespace {

constexpr std::array xcap_diff_types{documents::xcap_diff_type};

/// Entries of a list, and their octets: each is looked for with each change (RFC 5875 7).
constexpr std::size_t entries_max = 64;
constexpr std::size_t list_octets_max = 16384;
/// Octets of old versions of one document that are kept for one device; past it patches leave some out.
constexpr std::size_t versions_octets_max = 512U << 10;
constexpr std::size_t versions_max = 32;
/// Octets of a NOTIFY, about, over a stream and in a datagram; then documents have no patches, and elements
/// are not shown.
constexpr std::size_t stream_octets = 256U << 10;
constexpr std::size_t datagram_octets = 32U << 10;
/// Patches kept: of the last changes of some users.
constexpr std::size_t patches_max = 16;
constexpr std::size_t patch_octets_max = 64U << 10;

}  // namespace

XcapDiff::Mode XcapDiff::mode_of(std::string_view selection) {
  if (selection == ";diff-processing=xcap-patching") return Mode::xcap_patching;
  if (selection == ";diff-processing=aggregate") return Mode::aggregate;
  return Mode::no_patching;
}

/// What one device follows, and has been told of it.
struct XcapDiff::Told final : subscription::PackageData {
  struct Document {
    std::string sel;
    /// Those after the one that the device knows, which is the first; nothing where there was no document.
    /// One without text makes no patch.
    std::vector<std::optional<Version>> versions;

    const std::optional<Version>& newest() const { return versions.back(); }
  };
  struct Part {
    const XcapResource* resource;
    std::optional<beckon::xcap::Excerpt> known, newest;
  };

  Told(const Entry& owner, std::string_view list, Mode its_mode) : mode(its_mode) {
    if (list.empty()) {
      resources.push_back({.kind = Kind::collection, .sel = ""});
      return;
    }
    for (const std::string_view uri : split(list, '\n')) {
      const bool is_there = std::ranges::find(resources, uri, &XcapResource::sel) != resources.end();
      auto resource = uri.empty() || is_there ? std::nullopt : read_xcap_resource(uri, owner.aor());
      if (resource) resources.push_back(std::move(*resource));
    }
    for (const XcapResource& each : resources)
      if (each.kind == Kind::element || each.kind == Kind::attribute) parts.push_back({&each, {}, {}});
  }

  /// How the device names a document; empty: it does not follow it. One that it names itself is not repeated
  /// as a member of a collection.
  std::string name_of(std::string_view key, const Entry& owner) const {
    std::string name;
    for (const XcapResource& each : resources) {
      if (each.kind == Kind::document && each.key == key) return each.sel;
      if (each.kind == Kind::collection && name.empty()) name = name_in(each, key, owner.aor());
    }
    return name;
  }

  /// Takes over the newest version of a document. `tree`: what it says, null where it is removed. False: the
  /// device sees no difference.
  bool take(const std::string& key, const Entry& owner, std::optional<Version> version,
            const xml::Document* tree) {
    bool is_news = false;
    for (Part& part : parts) {
      if (part.resource->key != key) continue;
      part.newest = tree ? beckon::xcap::excerpt(*tree, part.resource->selector) : std::nullopt;
      is_news = is_news || part.newest != part.known;
    }
    auto known = documents.find(key);
    if (known == documents.end()) {
      std::string sel = name_of(key, owner);
      if (sel.empty()) return is_news;
      known = documents.emplace(key, Document{.sel = std::move(sel), .versions = {std::nullopt}}).first;
    }
    if (mode == Mode::no_patching && version) version->text = nullptr;
    auto& versions = known->second.versions;
    versions.push_back(std::move(version));
    shorten(known->second);
    return is_news || versions.front() != versions.back();
  }

  /// The device knows the newest of everything.
  void settle() {
    for (auto& [key, document] : documents) {
      document.versions.erase(document.versions.begin(), document.versions.end() - 1);
    }
    std::erase_if(documents, [](const auto& each) { return !each.second.newest(); });
    for (Part& part : parts) part.known = part.newest;
  }

  const Mode mode;
  std::vector<XcapResource> resources;
  std::map<std::string, Document> documents;  ///< By key.
  std::vector<Part> parts;

 private:
  void shorten(Document& document) const {
    auto& versions = document.versions;
    const auto keep_ends = [&] {
      if (versions.size() > 2) versions.erase(versions.begin() + 1, versions.end() - 1);
    };
    if (mode != Mode::xcap_patching) keep_ends();
    std::size_t octets = 0;
    for (const auto& each : versions) octets += each && each->text ? each->text->size() : 0;
    if (octets <= versions_octets_max && versions.size() <= versions_max) return;
    keep_ends();
    if (versions.front()) versions.front()->text = nullptr;
  }
};

XcapDiff::XcapDiff(xcap::Documents& documents) : documents_(documents) {
  documents.observe([this](Entry& owner, const std::string& key, const std::optional<Version>& version,
                           Now now) { on_changed(owner, key, version, now); });
}

std::span<const std::string_view> XcapDiff::body_types() const { return xcap_diff_types; }

Permission XcapDiff::admit(Entry& resource, const std::string& watcher, Now) {
  return watcher == resource.aor() ? Permission::active : Permission::refused;
}

/// The list is kept as its URIs, each with its end of line. What it has besides entries means nothing here
/// (RFC 5875 4.4). A refresh without body follows what was followed.
int XcapDiff::read(const sip::Message& subscribe, std::string_view parameters, Interest& interest) const {
  interest.selection.clear();
  const auto mode = sip::find_parameter(parameters, "diff-processing").value_or("");
  for (const std::string_view known : {"xcap-patching", "aggregate"})
    if (iequals(mode, known)) interest.selection = std::string(";diff-processing=").append(known);
  if (subscribe.body().empty()) return 200;
  const auto type = trim(cut(subscribe.header(sip::HeaderId::content_type), ';').first);
  if (!iequals(type, documents::resource_lists_type)) return 415;
  const auto lists = documents::parse_resource_lists(subscribe.body());
  if (!lists) return 400;
  std::string uris;
  std::size_t entries = 0;
  for (const documents::ResourceList& list : lists->lists)
    for (const documents::ListItem& item : list.items) {
      if (item.kind != documents::ListItem::Kind::entry) continue;
      ++entries;
      uris.append(trim(item.target)).append("\n");
    }
  if (entries > entries_max || uris.size() > list_octets_max) return 413;
  if (std::ranges::count(uris, '\n') != static_cast<std::ptrdiff_t>(entries)) return 400;
  interest.list = uris.empty() ? "\n" : std::move(uris);
  return 200;
}

Permission XcapDiff::begin(Subscription& subscription, Now now) {
  asked(subscription, now);
  return admit(subscription.resource(), subscription.watcher(), now);
}

void XcapDiff::asked(Subscription& subscription, Now) {
  const Entry& owner = subscription.resource();
  auto made = std::make_unique<Told>(owner, subscription.list(), mode_of(subscription.selection()));
  const auto take = [&](const std::string& key, const Version& version) {
    const bool has_part =
        std::ranges::any_of(made->parts, [&](const auto& part) { return part.resource->key == key; });
    const auto tree = has_part ? xml::parse(*version.text) : Result<xml::Document>(xml::Errc::not_one_root);
    made->take(key, owner, version, tree ? &*tree : nullptr);
  };
  documents_.each(owner, take);
  const std::string capabilities = beckon::xcap::print_capabilities();
  take(std::string(capabilities_key), {beckon::xcap::etag_of(capabilities), share(capabilities)});
  made->settle();
  subscription.data = std::move(made);
}

XcapDiff::Told& XcapDiff::told(const Subscription& subscription) {
  return static_cast<Told&>(*subscription.data);
}

void XcapDiff::on_changed(Entry& owner, const std::string& key, const std::optional<Version>& version,
                          Now now) {
  std::optional<Result<xml::Document>> tree;  // read once, if anybody follows a part
  subscriptions().each_of(*this, owner, owner.aor(), [&](Subscription& subscription) {
    Told& device = told(subscription);
    if (version && !tree && !device.parts.empty()) tree = xml::parse(*version->text);
    const bool is_news = device.take(key, owner, version, tree && *tree ? &**tree : nullptr);
    if (!subscription.hears_news()) return device.settle();  // it is told everything when it is back
    if (is_news) subscriptions().changed(subscription, now);
  });
}

void XcapDiff::lost(Subscription& subscription, Now) { told(subscription).settle(); }
void XcapDiff::notified(Subscription& subscription, Now) { told(subscription).settle(); }
void XcapDiff::suppressed(Subscription& subscription) { told(subscription).settle(); }

// Documents

namespace {

void write_part(XcapDiffWriter& writer, const XcapResource& resource,
                const std::optional<beckon::xcap::Excerpt>& part, std::size_t octets_max) {
  const bool is_attribute = resource.kind == Kind::attribute;
  if (!part) return is_attribute ? writer.no_attribute(resource.sel) : writer.no_element(resource.sel);
  const bool fits = writer.size() + part->text.size() <= octets_max;
  // An attribute has no form without its value.
  if (is_attribute) return fits ? writer.attribute(resource.sel, part->text) : void();
  writer.element(resource.sel, part->declarations, fits ? std::string_view(part->text) : std::string_view());
}

}  // namespace

subscription::Content XcapDiff::compose(Subscription& subscription, event::Notifier::Body body, Now) {
  const Told& device = told(subscription);
  const Entry& owner = subscription.resource();
  const std::size_t octets_max = subscription.is_by_datagram() ? datagram_octets : stream_octets;
  SharedText whole = share(full(device, owner, octets_max));
  if (body != event::Notifier::Body::partial) return {documents::xcap_diff_type, std::move(whole)};
  return {documents::xcap_diff_type, share(partial(device, owner, octets_max)), std::move(whole)};
}

/// In the order of the names, whatever the order of the list: equal states give equal documents.
std::string XcapDiff::full(const Told& device, const Entry& owner, std::size_t octets_max) const {
  struct Line {
    std::string_view sel;
    const Version* document = nullptr;
    const Told::Part* part = nullptr;
  };
  std::vector<Line> lines;
  for (const auto& [key, document] : device.documents)
    if (document.newest()) lines.push_back({document.sel, &*document.newest()});
  for (const Told::Part& part : device.parts)
    if (part.newest) lines.push_back({part.resource->sel, nullptr, &part});
  std::ranges::sort(lines, {}, &Line::sel);
  XcapDiffWriter writer(root_of(owner));
  for (const Line& line : lines)
    line.document ? writer.document(line.sel, {}, line.document->etag)
                  : write_part(writer, *line.part->resource, line.part->newest, octets_max);
  return writer.finish();
}

std::string XcapDiff::partial(const Told& device, const Entry& owner, std::size_t octets_max) {
  XcapDiffWriter writer(root_of(owner));
  for (const auto& [key, document] : device.documents) {
    for (std::size_t i = 1; i < document.versions.size(); ++i) {
      const auto &before = document.versions[i - 1], &after = document.versions[i];
      if (before == after) continue;
      const bool may_patch = device.mode != Mode::no_patching && before && after;
      const auto* patch = may_patch ? find_patch(*before, *after) : nullptr;
      if (patch && writer.size() + patch->operations.size() > octets_max) patch = nullptr;
      writer.document(document.sel, before ? before->etag : std::string(),
                      after ? after->etag : std::string(), patch);
    }
  }
  for (const Told::Part& part : device.parts)
    if (part.newest != part.known) write_part(writer, *part.resource, part.newest, octets_max);
  return writer.finish();
}

/// Where the server is reached over HTTPS, unless by another port: whoever asks knows that one.
std::string XcapDiff::root_of(const Entry& owner) {
  return std::string("https://").append(domain_of_aor(owner.aor())).append(xcap::root).append("/");
}

const documents::XcapPatch* XcapDiff::find_patch(const Version& from, const Version& to) {
  if (!from.text || !to.text) return nullptr;
  const auto is_it = [&](const Patch& each) { return each.from == from.etag && each.to == to.etag; };
  auto found = std::ranges::find_if(patches_, is_it);
  if (found == patches_.end()) {
    ++differences_;
    if (patches_.size() == patches_max) patches_.pop_front();
    // A longer one is worth no more than the document.
    const std::size_t size_max = std::min(to.text->size(), patch_octets_max);
    patches_.push_back({from.etag, to.etag, documents::make_xcap_patch(*from.text, *to.text, size_max)});
    found = patches_.end() - 1;
  }
  return found->patch ? &*found->patch : nullptr;
}

}  // namespace beckon::server::packages
