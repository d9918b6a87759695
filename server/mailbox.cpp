#include "server/mailbox.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "protocol/base/text.hpp"
#include "server/message/imdn.hpp"

namespace beckon::server {

namespace {

/// RFC 3458 6.2.3: short messages.
constexpr std::string_view pager_message = "pager-message";

/// A notification of what became of a message is none that a person waits for.
std::uint32_t messages_waiting(const message::Inbox& inbox) {
  return static_cast<std::uint32_t>(std::ranges::count_if(inbox.all(), [](const auto& each) {
    if (each.second.is_delivered) return false;
    const auto request = sip::Message::parse(share(each.second.text), {.message = each.second.text.size()});
    return !request || !message::is_notification(*request);
  }));
}

}  // namespace

Mailboxes::Mailboxes(std::unique_ptr<packages::Mailbox> published, message::Messages& messages)
    : published_(std::move(published)), messages_(messages) {}

documents::MessageSummary Mailboxes::summary(const Entry& user) const {
  auto sum = published_->summary(user);
  const auto* inbox = messages_.boxes().inbox(user);
  const std::uint32_t waiting = inbox ? messages_waiting(*inbox) : 0;
  if (waiting == 0) return sum;
  sum.waiting = true;
  auto known = std::ranges::find(sum.classes, pager_message, &documents::MessageClass::name);
  if (known == sum.classes.end()) known = sum.classes.insert(known, {.name = std::string(pager_message)});
  known->all.fresh += waiting;
  return sum;
}

void Mailboxes::observe(OnChange on_change) {
  messages_.observe(on_change);
  published_->observe(std::move(on_change));
}

}  // namespace beckon::server
