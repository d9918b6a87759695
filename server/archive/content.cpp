#include "server/archive/content.hpp"

#include <cstdint>
#include <optional>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/documents/cpim.hpp"
#include "protocol/documents/deflate.hpp"
#include "protocol/documents/imdn.hpp"

namespace beckon::server::archive {

using documents::MessageState;

namespace {

/// Of a body that came deflated.
constexpr std::size_t inflated_max = std::size_t{64} * 1024;

std::optional<MessageState> state_of(documents::Imdn::Status status) {
  using Status = documents::Imdn::Status;
  switch (status) {
    case Status::delivered:
      return MessageState::delivered;
    case Status::failed:
      return MessageState::failed;
    case Status::displayed:
      return MessageState::displayed;
    case Status::stored:
      return MessageState::stored;
    case Status::processed:
    case Status::forbidden:
    case Status::error:
      return std::nullopt;
  }
  return std::nullopt;
}

void take_text(Content& content, std::string_view type, std::string_view text, std::size_t octets_max) {
  content.type = sip::media_type(type);
  content.is_text = content.type.starts_with("text/");
  if (!content.is_text) return;
  content.is_cut = text.size() > octets_max || !is_utf8(text);
  if (!is_utf8(text)) return;
  std::size_t end = std::min(text.size(), octets_max);
  // Not within a character.
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  content.text = text.substr(0, end);
}

/// A text, or notifications.
void take(Content& content, std::string_view type, std::string_view body, std::size_t octets_max) {
  for (documents::Imdn& imdn : documents::parse_imdns(type, body))
    if (const auto state = state_of(imdn.status))
      content.dispositions.push_back({std::move(imdn.message_id), *state});
  if (content.dispositions.empty()) take_text(content, type, body, octets_max);
}

Content read_body(const sip::Message& message, std::string_view body, std::size_t octets_max) {
  Content content;
  const auto cseq = message.cseq();
  content.id = documents::message_id(message.call_id(), cseq ? cseq->number : 0);
  std::string_view type = message.header(sip::HeaderId::content_type);
  // COMPAT: some peers send a text without Content-Type.
  if (type.empty()) type = "text/plain";
  // COMPAT: linphone sends a notification without message/cpim, as beckon does where that leaves no room.
  if (sip::media_type(type) != documents::cpim_type) {
    take(content, type, body, octets_max);
    return content;
  }
  const auto cpim = documents::parse_cpim(body);
  if (!cpim) return content;
  if (!cpim->message_id.empty()) content.id = cpim->message_id;
  take(content, cpim->content_type, cpim->content, octets_max);
  return content;
}

}  // namespace

bool is_named(std::string_view id, std::string_view told) {
  if (!id.starts_with(told) || told.empty()) return false;
  id.remove_prefix(told.size());
  return id.empty() || (id.front() == ':' && parse_number<std::uint32_t>(id.substr(1)));
}

Content read_content(const sip::Message& message, std::size_t octets_max) {
  // COMPAT: linphone deflates notifications.
  if (iequals(message.header(sip::HeaderId::content_encoding), "deflate"))
    if (const auto inflated = documents::inflate(message.body(), inflated_max))
      return read_body(message, *inflated, octets_max);
  return read_body(message, message.body(), octets_max);
}

}  // namespace beckon::server::archive
