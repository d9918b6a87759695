#include "tests/simulation/picture.hpp"

#include "protocol/base/text.hpp"
#include "protocol/documents/dialoginfo.hpp"
#include "protocol/documents/reginfo.hpp"
#include "protocol/documents/winfo.hpp"

namespace beckon::simulation {

using sip::HeaderId;

namespace {

/// A document of changes, whatever its type.
struct Changes {
  DocumentVersion version;
  std::map<std::string, std::string> items;  ///< By id; a text that is empty: it is over.
};

Changes read(const documents::WatcherInfo& info) {
  using State = documents::WatcherInfo::State;
  Changes changes{{info.version, info.state == State::partial}, {}};
  for (const auto& list : info.lists)
    for (const auto& each : list.watchers)
      changes.items[each.id] = each.status == documents::WatcherStatus::terminated
                                   ? ""
                                   : each.uri + ' ' + documents::to_string(each.status);
  return changes;
}

Changes read(const documents::RegistrationInfo& info) {
  using State = documents::RegistrationInfo::State;
  Changes changes{{info.version, info.state == State::partial}, {}};
  for (const auto& registration : info.registrations)
    for (const auto& each : registration.contacts)
      changes.items[each.id] = each.state == documents::ContactState::terminated ? "" : each.uri;
  return changes;
}

Changes read(const documents::DialogInfo& info) {
  using State = documents::DialogInfo::State;
  Changes changes{{info.version, info.state == State::partial}, {}};
  for (const auto& each : info.dialogs)
    changes.items[each.id] = each.state == documents::DialogState::terminated
                                 ? ""
                                 : each.call_id + ' ' + documents::to_string(each.state);
  return changes;
}

template <class Document>
std::optional<Changes> read(const Result<Document>& document, std::string& fault) {
  if (document) return read(*document);
  fault = "a document that cannot be read: " + document.error().message();
  return std::nullopt;
}

std::optional<Changes> read_changes(const sip::Message& notify, std::string& fault) {
  const auto type = sip::media_type(notify.header(HeaderId::content_type));
  if (type == documents::winfo_type) return read(documents::parse_winfo(notify.body()), fault);
  if (type == documents::reginfo_type) return read(documents::parse_reginfo(notify.body()), fault);
  if (type == documents::dialoginfo_type) return read(documents::parse_dialoginfo(notify.body()), fault);
  return std::nullopt;
}

}  // namespace

std::optional<DocumentVersion> version_of(const sip::Message& notify, std::string& fault) {
  if (const auto list = read_list(notify.header(HeaderId::content_type), notify.body(), fault))
    return DocumentVersion{list->version, !list->is_full};
  const auto changes = read_changes(notify, fault);
  return changes ? std::optional(changes->version) : std::nullopt;
}

std::string Picture::apply(const sip::Message& notify) {
  const auto tag = notify.header(HeaderId::sip_etag);
  if (notify.body().empty()) {
    // A body that is suppressed is the one the watcher named (RFC 5839 6.2).
    const bool is_last = notify.header(HeaderId::subscription_state).starts_with("terminated");
    if (!tag.empty() && tag != entity_tag_ && !is_last)
      return "no body, and the entity-tag is not the watcher's";
    return {};
  }
  entity_tag_ = tag;
  std::string fault;
  if (sip::media_type(notify.header(HeaderId::content_type)) == documents::pidf_diff_type)
    return apply_partial(notify);
  const auto list = read_list(notify.header(HeaderId::content_type), notify.body(), fault);
  if (list) return apply_list(*list);
  const auto changes = read_changes(notify, fault);
  if (!fault.empty()) return fault;
  if (!changes) {
    body_ = notify.body();
    partial_.drop();
    return {};
  }
  const auto& [version, items] = *changes;
  if (version.is_partial && (!version_ || version.number != *version_ + 1))
    return "partial document " + std::to_string(version.number) + " follows " +
           (version_ ? std::to_string(*version_) : "nothing");
  if (!version.is_partial) items_.clear();
  version_ = version.number;
  for (const auto& [id, text] : items)
    text.empty() ? static_cast<void>(items_.erase(id)) : static_cast<void>(items_[id] = text);
  return {};
}

/// NOTIFYs come in order, and one that was lost is followed by the whole state: nothing is missed.
std::string Picture::apply_partial(const sip::Message& notify) {
  using Taken = documents::PartialPresence::Taken;
  const Taken taken = partial_.take(notify.body(), notify.call_id());
  if (taken != Taken::yes)
    return std::string("a partial document ") + (taken == Taken::stale ? "that is stale"
                                                 : taken == Taken::gap ? "after a gap"
                                                                       : "that cannot be applied");
  body_ = documents::print(partial_.presence());
  return {};
}

/// RFC 4662 5.6. One NOTIFY is under way at a time, and one that was lost is followed by full state.
std::string Picture::apply_list(const ListDocument& list) {
  const std::string version = std::to_string(list.version);
  if (version_ && list.version <= *version_)
    return "list " + version + " behind " + std::to_string(*version_);
  if (!list.is_full && (!version_ || list.version != *version_ + 1))
    return "partial list " + version + " leaves a gap";
  version_ = list.version;
  if (list.is_full) rows_.clear();
  for (const auto& resource : list.resources) {
    std::string fault;
    ListDocument::Resource& row = rows_[resource.uri] = resource;
    // A list in a list has versions of its own, which are another's in another subscription.
    const auto inner = read_list(resource.type, resource.text, fault);
    if (!fault.empty()) return fault;
    if (!inner) continue;
    Picture nested;
    if (fault = nested.apply_list(*inner); !fault.empty()) return fault;
    row.text = nested.print();
  }
  return {};
}

const ListDocument::Resource* Picture::row(const std::string& uri) const {
  const auto found = rows_.find(uri);
  return found == rows_.end() ? nullptr : &found->second;
}

std::string Picture::print() const {
  std::string text = body_;
  for (const auto& [uri, row] : rows_)
    text += uri + ' ' + row.state + ' ' + row.reason + '\n' + row.text + '\n';
  for (const auto& [id, item] : items_) text += id + ' ' + item + '\n';
  return text;
}

}  // namespace beckon::simulation
