#include "server/subscription/delivery.hpp"

#include <array>
#include <charconv>

namespace beckon::server::subscription {

namespace {

void append(std::string& text, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  text.append(digits, end);
}

/// The lines that differ from one NOTIFY to the next, and the empty one.
std::string variable_lines(std::uint32_t cseq, const event::Notifier::Notify& notify, const Content& content,
                           std::string_view entity_tag) {
  constexpr std::size_t usual_size = 240;
  const std::size_t length = content.body ? content.body->size() : 0;
  std::string text;
  text.reserve(usual_size);
  text += "User-Agent: beckond/" BECKON_VERSION "\r\nCSeq: ";
  append(text, cseq);
  text += " NOTIFY\r\nSubscription-State: ";
  text += sip::print(notify.state);
  if (!entity_tag.empty()) text.append("\r\nSIP-ETag: ").append(entity_tag);
  if (length != 0) text.append("\r\nContent-Type: ").append(content.type).append(content.parameters);
  text += "\r\nContent-Length: ";
  append(text, length);
  text += "\r\n\r\n";
  return text;
}

}  // namespace

std::uint32_t deliver(Sender& sender, const Subscription& subscription, const event::Notifier::Notify& notify,
                      const Content& content, std::string_view entity_tag,
                      transaction::OnOutcome on_outcome) {
  const auto [line, constant] = transaction::cut_request_line(subscription.head_.lines());
  const std::string variable = variable_lines(subscription.cseq_, notify, content, entity_tag);
  const std::array<std::string_view, 2> headers{constant, variable};
  sender.send(subscription.resource().bucket(),
              {.line = line,
               .headers = headers,
               .body = content.body,
               .status_only = subscription.rates() == nullptr},
              subscription.hop(), std::move(on_outcome));
  return static_cast<std::uint32_t>(line.size() + constant.size() + variable.size() +
                                    (content.body ? content.body->size() : 0));
}

}  // namespace beckon::server::subscription
