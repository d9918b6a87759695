#pragma once

#include <memory>

#include "server/message/messages.hpp"
#include "server/packages/message_summary.hpp"

namespace beckon::server {

/// What waits for users (RFC 3842): what voicemail systems publish, and the messages that are stored here,
/// which are new as long as no device has them.
class Mailboxes final : public packages::Mailbox {
 public:
  /// `messages` is of the same shard and outlives it.
  Mailboxes(std::unique_ptr<packages::Mailbox> published, message::Messages& messages);

  documents::MessageSummary summary(const Entry& user) const override;
  void observe(OnChange on_change) override;

 private:
  std::unique_ptr<packages::Mailbox> published_;
  message::Messages& messages_;
};

}  // namespace beckon::server
