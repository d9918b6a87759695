#include "client/message/content.hpp"

#include "protocol/base/text.hpp"
#include "protocol/documents/deflate.hpp"
#include "protocol/documents/multipart.hpp"

namespace beckon::client::message {

namespace {

using ReadContent = boost::system::result<Content, Refusal>;

/// Notifications of one part each (RFC 5438 8.3).
constexpr documents::MultipartLimits aggregate_limits{.parts = 64, .header_lines = 16, .depth = 1};

ReadContent read_notifications(std::string_view content_type, std::string_view body) {
  Content content{.kind = Content::Kind::notification};
  if (!documents::is_multipart(content_type)) {
    auto imdn = documents::parse_imdn(body);
    if (!imdn) return Refusal{400};
    content.notifications.push_back(std::move(*imdn));
    return content;
  }
  const auto multipart = documents::parse_multipart(body, content_type, aggregate_limits);
  if (!multipart) return Refusal{400};
  for (const auto& part : multipart->parts) {
    if (sip::media_type(part.content_type()) != documents::imdn_type) continue;
    const auto text = documents::content(part);
    auto imdn = text ? documents::parse_imdn(*text) : Result<documents::Imdn>(text.error());
    if (imdn) content.notifications.push_back(std::move(*imdn));
  }
  if (content.notifications.empty()) return Refusal{415};
  return content;
}

/// Of a body that came deflated.
constexpr std::size_t inflated_max = std::size_t{64} * 1024;

ReadContent read_text(std::string media_type, std::string_view body) {
  if (!is_utf8(body)) return Refusal{400};
  return Content{.media_type = std::move(media_type), .text = std::string(body)};
}

/// A body that is not message/cpim. `has_type` is false where no type was given.
ReadContent read_plain(std::string_view content_type, std::string_view disposition, std::string_view body) {
  std::string type = sip::media_type(content_type);
  if (content_type.empty() || type.starts_with("text/")) return read_text(std::move(type), body);
  if (type == documents::is_composing_type) {
    auto composing = documents::parse_is_composing(body);
    if (!composing) return Refusal{400};
    return Content{.kind = Content::Kind::composing, .composing = std::move(*composing)};
  }
  const bool aggregates = documents::is_multipart(content_type) &&
                          iequals(trim(cut(disposition, ';').first), documents::imdn_disposition);
  if (type == documents::imdn_type || aggregates) return read_notifications(content_type, body);
  return Refusal{415};
}

}  // namespace

ReadContent read_content(const sip::Message& message) {
  std::string_view body = message.body();
  Result<std::string> inflated = std::string();
  if (iequals(message.header(sip::HeaderId::content_encoding), "deflate")) {
    inflated = documents::inflate(body, inflated_max);
    if (!inflated) return Refusal{400};
    body = *inflated;
  }
  const auto type = message.header(sip::HeaderId::content_type);
  const bool has_type = message.has(sip::HeaderId::content_type);
  if (sip::media_type(type) != documents::cpim_type)
    return has_type && type.empty() ? Refusal{415} : read_plain(type, {}, body);
  auto cpim = documents::parse_cpim(body);
  if (!cpim || documents::find_unknown_requirement(*cpim) != nullptr) return Refusal{415};
  auto content = read_plain(cpim->content_type, cpim->content_disposition, cpim->content);
  if (!content) return content;
  cpim->content.clear();
  content->cpim = std::move(*cpim);
  return content;
}

}  // namespace beckon::client::message
