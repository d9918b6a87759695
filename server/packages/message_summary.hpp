#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/documents/message_summary.hpp"
#include "server/publication/publications.hpp"
#include "server/shard/services.hpp"
#include "server/subscription/package.hpp"

namespace beckon::server::packages {

/// Where the messages that wait for users are counted.
class Mailbox {
 public:
  using OnChange = std::function<void(Entry& user, Now now)>;
  virtual ~Mailbox() = default;
  /// Without headers of messages. No messages: Messages-Waiting is no.
  virtual documents::MessageSummary summary(const Entry& user) const = 0;
  /// `on_change` is called when a user's summary is another. Once.
  virtual void observe(OnChange on_change) = 0;
};

/// What voicemail systems publish with the user's account; of several the sum (RFC 3842 3.10).
class PublishedMailbox final : public Mailbox, private publication::Package {
 public:
  /// Adds itself to `publications`. Both outlive it.
  PublishedMailbox(const Environment& environment, publication::Publications& publications);

  documents::MessageSummary summary(const Entry& user) const override;
  void observe(OnChange on_change) override { on_change_ = std::move(on_change); }

 private:
  // publication::Package
  std::string_view name() const override { return "message-summary"; }
  std::span<const std::string_view> content_types() const override;
  std::uint32_t size_max() const override { return environment_.settings().elements_per_presentity; }
  publication::Reading read(Entry& user, std::string_view body, const Request& request) override;
  publication::Reading restore(std::string_view stored) override;
  void on_changed(Entry& user, Now now, std::optional<Time>) override { on_change_(user, now); }

  const Environment& environment_;
  publication::Publications& publications_;
  OnChange on_change_;
};

/// Event package "message-summary" (RFC 3842): always full documents. Only for the user itself.
class MessageSummary final : public subscription::Package {
 public:
  explicit MessageSummary(std::unique_ptr<Mailbox> mailbox);

  std::string_view name() const override { return "message-summary"; }
  std::span<const std::string_view> body_types() const override;
  bool has_entities() const override { return true; }
  /// RFC 3842 3.11: not more than one document in a second.
  event::Notifier::Config pacing() const override { return {.min_interval = std::chrono::seconds(1)}; }

  subscription::Permission admit(Entry& resource, const std::string& watcher, Now now) override;
  subscription::Content compose(subscription::Subscription& subscription, event::Notifier::Body body,
                                Now now) override;

 private:
  std::unique_ptr<Mailbox> mailbox_;
};

}  // namespace beckon::server::packages
