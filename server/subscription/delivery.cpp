#include "server/subscription/delivery.hpp"

#include <charconv>

namespace beckon::server::subscription {

namespace {

void append(std::string& text, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  text.append(digits, end);
}

}  // namespace

std::string make_notify(const Subscription& subscription, const event::Notifier::Notify& notify,
                        const Content& content) {
  constexpr std::size_t variable = 190;  // of the lines below, without Content-Type
  const std::string_view lines = subscription.head_.lines();
  const std::size_t length = content.body ? content.body->size() : 0;
  std::string text;
  text.reserve(lines.size() + content.type.size() + variable);
  text += lines;
  text += "User-Agent: beckond/" BECKON_VERSION "\r\nCSeq: ";
  append(text, subscription.cseq_);
  text += " NOTIFY\r\nSubscription-State: ";
  text += sip::print(notify.state);
  if (length != 0) text.append("\r\nContent-Type: ").append(content.type);
  text += "\r\nContent-Length: ";
  append(text, length);
  text += "\r\n\r\n";
  return text;
}

void deliver(Services& services, Bucket bucket, std::string head, const SharedText& body,
             const transaction::Hop& hop, transaction::OnOutcome on_outcome) {
  if (body) head += *body;
  services.send(bucket, std::move(head), hop, std::move(on_outcome));
}

}  // namespace beckon::server::subscription
