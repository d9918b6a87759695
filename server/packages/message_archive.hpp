#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/archive/archive.hpp"
#include "server/subscription/package.hpp"

namespace beckon::server::packages {

/// Event package "beckon-messages", of our own: what changes in the archive of a user's messages, for the
/// user's devices. A document of changes says after which number they came; the first one, and each for a
/// device that may have missed some, says only the newest number. What a device lacks it reads over HTTP.
class MessageArchive final : public subscription::Package {
 public:
  /// `archive` outlives it.
  explicit MessageArchive(archive::Archive& archive);

  std::string_view name() const override { return "beckon-messages"; }
  std::span<const std::string_view> body_types() const override;

  subscription::Permission admit(Entry& resource, const std::string& watcher, Now now) override;
  subscription::Permission begin(subscription::Subscription& subscription, Now now) override;
  bool has_news(const subscription::Subscription& subscription) const override;
  void notified(subscription::Subscription& subscription, Now now) override;
  subscription::Content compose(subscription::Subscription& subscription, event::Notifier::Body body,
                                Now now) override;

 private:
  struct Told;
  archive::Archive& archive_;
};

}  // namespace beckon::server::packages
