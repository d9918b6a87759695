#include "server/packages/message_summary.hpp"

#include <array>
#include <utility>

#include "server/subscription/subscriptions.hpp"

namespace beckon::server::packages {

namespace {

constexpr std::array summary_types{documents::message_summary_type};

/// A published summary, as text.
class Summary final : public publication::State {
 public:
  explicit Summary(std::string text) : text_(std::move(text)) {}
  std::string_view stored() const override { return text_; }

 private:
  std::string text_;
};

}  // namespace

PublishedMailbox::PublishedMailbox(const Environment& environment, publication::Publications& publications)
    : environment_(environment), publications_(publications) {
  publications.add(*this);
}

std::span<const std::string_view> PublishedMailbox::content_types() const { return summary_types; }

publication::Reading PublishedMailbox::read(Entry&, std::string_view body, const Request&) {
  auto summary = documents::parse_message_summary(body);
  if (!summary) return {.reason = "Bad Message Summary"};
  // The status is one element, too.
  publication::Reading reading{.size = static_cast<std::uint32_t>(1 + summary->classes.size())};
  if (reading.size > size_max()) return reading;
  // They would have to go out once, and to those watchers only that were there (RFC 3842 3.5).
  summary->messages.clear();
  reading.state = std::make_unique<Summary>(documents::print(*summary));
  return reading;
}

publication::Reading PublishedMailbox::restore(std::string_view stored) {
  const auto summary = documents::parse_message_summary(stored);
  if (!summary) return {};
  return {.state = std::make_unique<Summary>(std::string(stored)),
          .size = static_cast<std::uint32_t>(1 + summary->classes.size())};
}

documents::MessageSummary PublishedMailbox::summary(const Entry& user) const {
  documents::MessageSummary sum;
  std::size_t mailboxes = 0;
  publications_.each(user, *this, [&](const event::Publication&, const publication::State& state) {
    auto read = documents::parse_message_summary(state.stored());
    if (!read) return;
    // An account says where messages are; there is none for those of several systems.
    if (++mailboxes == 1)
      sum.account = read->account;
    else if (sum.account != read->account)
      sum.account.clear();
    documents::add(sum, std::move(*read));
  });
  return sum;
}

MessageSummary::MessageSummary(std::unique_ptr<Mailbox> mailbox) : mailbox_(std::move(mailbox)) {
  mailbox_->observe([this](Entry& user, Now now) { subscriptions().changed(*this, user, now); });
}

std::span<const std::string_view> MessageSummary::body_types() const { return summary_types; }

subscription::Permission MessageSummary::admit(Entry& resource, const std::string& watcher, Now) {
  return watcher == resource.aor() ? subscription::Permission::active : subscription::Permission::refused;
}

subscription::Content MessageSummary::compose(subscription::Subscription& subscription, event::Notifier::Body,
                                              Now) {
  return {documents::message_summary_type,
          share(documents::print(mailbox_->summary(subscription.resource())))};
}

}  // namespace beckon::server::packages
