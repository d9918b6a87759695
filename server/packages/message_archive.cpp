#include "server/packages/message_archive.hpp"

#include <array>
#include <memory>

#include "protocol/documents/message_archive.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::packages {

using subscription::Permission;
using subscription::Subscription;

namespace {

constexpr std::array archive_types{documents::message_archive_type};

/// Octets of texts in one NOTIFY, about; what is left follows in the next one.
constexpr std::size_t notify_octets = 8192;

}  // namespace

/// What one device was told.
struct MessageArchive::Told final : subscription::PackageData {
  std::uint64_t newest = 0;
};

MessageArchive::MessageArchive(archive::Archive& archive) : archive_(archive) {
  archive_.observe([this](Entry& user, Now now) { subscriptions().changed(*this, user, now); });
}

std::span<const std::string_view> MessageArchive::body_types() const { return archive_types; }

Permission MessageArchive::admit(Entry& resource, const std::string& watcher, Now) {
  return watcher == resource.aor() ? Permission::active : Permission::refused;
}

Permission MessageArchive::begin(Subscription& subscription, Now now) {
  subscription.data = std::make_unique<Told>();
  return admit(subscription.resource(), subscription.watcher(), now);
}

bool MessageArchive::has_news(const Subscription& subscription) const {
  return static_cast<const Told&>(*subscription.data).newest < archive_.newest(subscription.resource());
}

void MessageArchive::notified(Subscription& subscription, Now now) {
  if (has_news(subscription)) subscriptions().changed(subscription, now);
}

subscription::Content MessageArchive::compose(Subscription& subscription, event::Notifier::Body body, Now) {
  Told& told = static_cast<Told&>(*subscription.data);
  const Entry& user = subscription.resource();
  const bool is_full = body == event::Notifier::Body::full;
  const auto document = is_full ? documents::MessageArchive{.from = archive_.newest(user),
                                                            .to = archive_.newest(user),
                                                            .is_kept = archive_.is_kept(user)}
                                : archive_.changes(user, told.newest, notify_octets);
  told.newest = document.to;
  return {documents::message_archive_type, share(documents::print(document))};
}

}  // namespace beckon::server::packages
