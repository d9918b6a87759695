#pragma once

#include <cassert>
#include <string>

#include "protocol/sip/builder.hpp"
#include "protocol/sip/check.hpp"
#include "protocol/sip/header_value.hpp"
#include "protocol/sip/message.hpp"
#include "protocol/sip/tel.hpp"

/// Calls every getter on what was accepted, for corpus tests and fuzz targets.
namespace beckon::sip {

inline void exercise_uri(const std::string& text) {
  const auto uri = parse_uri(text);
  if (!uri) return;
  (void)tel_of(*uri);
  const auto again = parse_uri(print(*uri));
  if (!again || print(*again) != print(*uri)) std::abort();
  if (!equivalent(*uri, *again) || canonical_aor(*uri) != canonical_aor(*again)) std::abort();
}

/// A number that is read prints, reads again and equals itself.
inline void exercise_tel(const std::string& text) {
  const auto number = parse_tel(text);
  if (!number) return;
  const auto again = parse_tel(print(*number));
  if (!again || !equivalent(*number, *again) || print(*again) != print(*number)) std::abort();
}

inline void exercise_values(std::string_view value) {
  (void)split_values(value);
  (void)parse_event(value);
  (void)parse_subscription_state(value);
  (void)parse_delta_seconds(value);
  (void)media_type(value);
  if (const auto via = parse_via(value); via && !parse_via(print(*via))) std::abort();
  if (const auto address = parse_name_addr(value); address && !parse_name_addr(print(*address))) std::abort();
}

/// What is read of a header value prints, reads again, prints the same, and equals itself.
inline void exercise_header(HeaderId id, std::string_view value) {
  const auto read = parse_header(id, value);
  (void)equivalent_values(id, value, "x");
  if (!read) return;
  const auto printed = print(id, *read);
  const auto again = parse_header(id, printed);
  if (id != HeaderId::other && (!again || print(id, *again) != printed)) std::abort();
  if (!equivalent_values(id, value, value)) std::abort();
  if (const auto* contacts = std::get_if<std::vector<Contact>>(&*read)) {
    for (const auto& contact : *contacts) {
      (void)contact.q();
      (void)contact.expires();
      (void)contact.instance();
      (void)contact.reg_id();
      (void)contact.is_outbound();
      (void)contact.pub_gruu();
      (void)contact.temp_gruu();
      (void)parse_features(contact.address.parameters);
    }
  }
}

inline void exercise(const Message& message) {
  (void)message.method();
  (void)message.request_uri();
  (void)message.reason();
  (void)message.top_via();
  (void)message.from();
  (void)message.to();
  (void)message.from_tag();
  (void)message.to_tag();
  (void)message.cseq();
  (void)message.contacts();
  (void)message.expires();
  (void)message.lists(HeaderId::supported, "path");
  for (const auto& line : message.headers()) {
    exercise_values(line.value);
    exercise_header(line.id, line.value);
    (void)message.header(line.name);
    (void)message.values(line.id);
    (void)message.number(line.id);
    (void)message.routes(line.id);
  }
  (void)check(message);
  const auto forwarded = Splice(message)
                             .request_uri("sip:next@example.org")
                             .prepend(HeaderId::via, "SIP/2.0/UDP here;branch=z9hG4bK1")
                             .drop_first(HeaderId::route)
                             .replace(HeaderId::max_forwards, "69")
                             .finish();
  const auto again = Message::parse(
      share(forwarded), Limits{.message = 1 << 22, .header_lines = 1000, .line = 1 << 20, .via = 1000});
  if (!again || again->body() != message.body()) std::abort();
  const auto reply = Message::parse(share(Builder::reply(message, 400, "tag").finish()));
  if (!reply) std::abort();
}

inline void exercise(const std::string& text) {
  const auto shared = share(text);
  const auto message = Message::parse(shared);
  if (message) return exercise(*message);
  if (const auto answer = refusal(shared, message.error())) {
    (void)Builder::reply(answer->head, answer->status, "tag", answer->reason).finish();
  }
}

}  // namespace beckon::sip
