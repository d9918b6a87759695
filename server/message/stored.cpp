#include "server/message/stored.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/header_value.hpp"
#include "server/message/imdn.hpp"
#include "server/store/record.hpp"

namespace beckon::server::message {

using sip::HeaderId;

namespace {

constexpr std::size_t key_digits = 16;

WallTime wall_time_of(std::uint64_t milliseconds) {
  return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds)));
}

}  // namespace

const char* to_string(Why why) {
  switch (why) {
    case Why::away:
      return "away";
    case Why::in_order:
      return "in-order";
    case Why::left_alone:
      return "left-alone";
  }
  return "";
}

std::string key_of(std::uint64_t number) {
  std::string key(key_digits, '0');
  for (std::size_t i = key_digits; i-- > 0; number >>= 4) key[i] = "0123456789abcdef"[number & 15];
  return key;
}

std::optional<std::uint64_t> parse_key(std::string_view key) {
  return key.size() == key_digits ? parse_number<std::uint64_t>(key, 16) : std::nullopt;
}

std::string print(const Stored& message, const store::TimeScale& scale) {
  store::RecordWriter writer;
  writer.text(message.sender)
      .flag(message.is_proven)
      .number(static_cast<std::uint64_t>(message.arrived.time_since_epoch().count()))
      .lifetime(message.granted, message.ends, scale)
      .flag(message.is_delivered)
      .text(message.text)
      .number(message.receipts.size());
  for (const Receipt& receipt : message.receipts) writer.text(receipt.device).flag(receipt.accepted);
  writer.flag(message.kind == Kind::own).number(static_cast<std::uint64_t>(message.why));
  writer.number(message.refusals).number(message.refusers.size());
  for (const std::string& device : message.refusers) writer.text(device);
  writer.text(message.topic).number(message.times);
  return std::move(writer).finish();
}

std::optional<Stored> parse_stored(std::string_view key, std::string_view value, Time now,
                                   const store::TimeScale& scale, Duration grace) {
  const auto number = parse_key(key);
  store::RecordReader reader(value);
  Stored message;
  message.sender = reader.text();
  message.is_proven = reader.flag();
  message.arrived = wall_time_of(reader.number());
  const store::Lifetime lifetime = reader.lifetime(now, scale, grace);
  message.is_delivered = reader.flag();
  message.text = reader.text();
  for (auto left = reader.number(); left > 0 && reader.ok(); --left) {
    Receipt receipt{.device = std::string(reader.text())};
    receipt.accepted = reader.flag();
    if (receipt.device.empty()) return std::nullopt;
    message.receipts.push_back(std::move(receipt));
  }
  if (reader.flag()) message.kind = Kind::own;
  const std::uint64_t why = reader.number();
  message.why = why <= static_cast<std::uint64_t>(Why::left_alone) ? static_cast<Why>(why) : Why::away;
  message.refusals = reader.number_as<std::uint32_t>();
  for (auto left = reader.number(); left > 0 && reader.ok(); --left)
    message.refusers.emplace_back(reader.text());
  message.topic = reader.text();
  message.times = std::max(std::uint32_t{1}, reader.number_as<std::uint32_t>());
  if (!number || !reader.ok() || !request_of(message)) return std::nullopt;
  message.number = *number;
  message.granted = lifetime.granted;
  message.ends = now + lifetime.left;
  describe(message);
  return message;
}

std::optional<sip::Message> request_of(const Stored& message) {
  auto request = sip::Message::parse(share(message.text), {.message = message.text.size()});
  if (!request) return std::nullopt;
  return std::move(*request);
}

void describe(Stored& message) {
  const auto request = request_of(message);
  if (!request) return;
  if (is_notification(*request)) message.kind = Kind::notification;
  message.id = message_id_of(*request);
  if (message.id.size() > id_max) message.id.clear();
}

std::string shown_sender(const Stored& message) {
  const auto request = request_of(message);
  if (!request) return {};
  const auto from = request->from();
  return from ? sip::canonical_aor(from->uri) : std::string();
}

bool Stored::is_refused_by(std::string_view device) const {
  return std::ranges::any_of(
      refusers, [&](const std::string& refuser) { return refuser.empty() || refuser == device; });
}

sip::Message renewed(const sip::Message& request, std::uint32_t refusals) {
  const std::string_view before = request.header(HeaderId::from), tag = request.from_tag();
  std::string from(before);
  const std::string more = (tag.empty() ? ";tag=again" : ".again") + std::to_string(refusals);
  from.insert(tag.empty() ? from.size() : static_cast<std::size_t>(tag.data() - before.data()) + tag.size(),
              more);
  std::string text = sip::Splice(request).replace(HeaderId::from, from).finish();
  const sip::Limits limits{.message = text.size(), .line = sip::Limits{}.line + more.size()};
  auto again = sip::Message::parse(share(std::move(text)), limits);
  return again ? std::move(*again) : request;
}

std::string text_to_keep(const sip::Message& request, WallTime now) {
  sip::Splice kept(request);
  for (const HeaderId id :
       {HeaderId::via, HeaderId::route, HeaderId::record_route, HeaderId::authorization,
        HeaderId::proxy_authorization, HeaderId::p_asserted_identity, HeaderId::p_preferred_identity})
    kept.drop(id);
  if (!request.has(HeaderId::date))
    kept.prepend(HeaderId::date, sip::print_date(std::chrono::floor<std::chrono::seconds>(now)));
  return kept.finish();
}

Duration time_left(const sip::Message& request, WallTime now, Duration longest) {
  const auto expires = request.expires();
  if (!expires) return longest;
  std::chrono::milliseconds left = std::chrono::seconds(*expires);
  if (const auto date = sip::parse_date(request.header(HeaderId::date)))
    left = std::min(left, *date + left - now);
  return std::clamp<Duration>(left, Duration::zero(), longest);
}

bool has_expired(const sip::Message& request, WallTime now) {
  const auto expires = request.expires();
  const auto date = sip::parse_date(request.header(HeaderId::date));
  return expires && date && *date + std::chrono::seconds(*expires) < now;
}

}  // namespace beckon::server::message
