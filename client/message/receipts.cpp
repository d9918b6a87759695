#include "client/message/receipts.hpp"

#include "protocol/base/text.hpp"

namespace beckon::client::message {

using documents::Cpim;
using documents::Imdn;

Notification make_notification(const Owed& owed, Imdn::Kind kind, Imdn::Status status,
                               std::string_view own_aor, NotificationForm form, Random& random,
                               WallTime now) {
  // "It MUST be present if the IM carried the Original-To header field" (RFC 5438 11.1.4).
  const bool has_recipient = form == NotificationForm::full || !owed.original_to.empty();
  const Imdn imdn{.message_id = owed.message_id,
                  .date_time = owed.date_time,
                  .recipient = has_recipient ? owed.recipient : std::string(),
                  .original_recipient = owed.original_to,
                  .kind = kind,
                  .status = status};
  if (form == NotificationForm::bare) return {std::string(documents::imdn_type), print(imdn)};
  const Cpim cpim{.from = {.uri = std::string(own_aor)},
                  .to = {{.uri = owed.to}},
                  .date_time = form == NotificationForm::full ? print_time(now) : std::string(),
                  .message_id = random.token(12),
                  .route = owed.record_route,
                  .content_type = std::string(documents::imdn_type),
                  .content_disposition = std::string(documents::imdn_disposition),
                  .content = print(imdn)};
  return {std::string(documents::cpim_type), print(cpim)};
}

void Receipts::on_sent(const std::string& id, const std::string& to, const std::string& name) {
  if (sent_.add(id, {to, name}) == nullptr) sent_.find(id)->name = name;
}

std::string Receipts::name_of(const std::string& id) {
  const Sent* const sent = sent_.find(id);
  return sent == nullptr ? id : sent->name;
}

const std::string* Receipts::recipient_of(const std::string& message_id) {
  const Sent* const sent = sent_.find(message_id);
  return sent == nullptr ? nullptr : &sent->to;
}

bool Receipts::is_news(const std::string& from, const Imdn& imdn) {
  Sent* const sent = sent_.find(imdn.message_id);
  if (sent == nullptr || sent->to != from) return true;
  const unsigned bit = 1U << (static_cast<unsigned>(imdn.status) + 8 * static_cast<unsigned>(imdn.kind));
  const bool is_new = (sent->told & bit) == 0;
  sent->told |= bit;
  return is_new;
}

void Receipts::owe_display(Owed owed) {
  const std::pair name(owed.to, owed.message_id);
  displays_.add(name, std::move(owed));
}

std::optional<Owed> Receipts::take_display(const std::string& from, const std::string& message_id) {
  auto* const owed = displays_.find({from, message_id});
  if (owed == nullptr) return std::nullopt;
  return std::exchange(*owed, std::nullopt);
}

std::vector<Owed> Receipts::take_displays(const std::string& from) {
  std::vector<Owed> out;
  displays_.each([&](std::optional<Owed>& owed) {
    if (owed && (from.empty() || owed->to == from)) out.push_back(*std::exchange(owed, std::nullopt));
  });
  return out;
}

}  // namespace beckon::client::message
