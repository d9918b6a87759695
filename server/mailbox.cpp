#include "server/mailbox.hpp"

#include <string_view>
#include <utility>

namespace beckon::server {

namespace {

/// RFC 3458 6.2.3: short messages.
constexpr std::string_view pager_message = "pager-message";

}  // namespace

Mailboxes::Mailboxes(std::unique_ptr<packages::Mailbox> published, message::Messages& messages)
    : published_(std::move(published)), messages_(messages) {}

documents::MessageSummary Mailboxes::summary(const Entry& user) const {
  auto sum = published_->summary(user);
  const auto* inbox = messages_.boxes().inbox(user);
  const auto waiting = static_cast<std::uint32_t>(inbox ? inbox->fresh() : 0);
  if (waiting == 0) return sum;
  documents::add(
      sum, {.waiting = true, .classes = {{.name = std::string(pager_message), .all = {.fresh = waiting}}}});
  return sum;
}

void Mailboxes::observe(OnChange on_change) {
  messages_.observe(on_change);
  published_->observe(std::move(on_change));
}

}  // namespace beckon::server
