#include "server/groups/words.hpp"

#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/documents/imdn.hpp"
#include "protocol/documents/iscomposing.hpp"

namespace beckon::server::groups {

using documents::Cpim;
using sip::HeaderId;

namespace {

std::string type_of(const sip::Message& message) {
  const auto value = message.header(HeaderId::content_type);
  // COMPAT: some peers send a text without Content-Type.
  return value.empty() ? "text/plain" : sip::media_type(value);
}

bool is_text(std::string_view content_type) { return sip::media_type(content_type).starts_with("text/"); }

bool is_for_programs(std::string_view content_type, std::string_view body) {
  return sip::media_type(content_type) == documents::is_composing_type ||
         documents::is_imdn(content_type, body);
}

std::optional<Cpim> read(const sip::Message& message) {
  const auto coding = message.header(HeaderId::content_encoding);
  if (!coding.empty() && !iequals(coding, "identity")) return std::nullopt;
  if (type_of(message) == documents::cpim_type) {
    auto cpim = documents::parse_cpim(message.body());
    if (!cpim || !is_text(cpim->content_type)) return std::nullopt;
    return std::move(*cpim);
  }
  Cpim cpim;
  const auto type = message.header(HeaderId::content_type);
  if (!type.empty()) cpim.content_type = type;
  if (!is_text(cpim.content_type)) return std::nullopt;
  cpim.content = message.body();
  if (const auto subject = message.header(HeaderId::subject); is_utf8(subject) && !subject.empty())
    cpim.others.push_back(
        {.ns = std::string(documents::cpim_ns), .name = "Subject", .value = std::string(subject)});
  return cpim;
}

}  // namespace

std::optional<Cpim> words_of(const sip::Message& message, const std::string& sender, const std::string& room,
                             const std::string& fresh_id, WallTime now) {
  auto words = read(message);
  if (!words) return std::nullopt;
  const auto from = message.from();
  if (words->from.name.empty() && from && is_utf8(from->display_name)) words->from.name = from->display_name;
  // Names in a message are what its sender says; the address is what its credentials prove.
  words->from.uri = sender;
  words->to = {{.uri = room}};
  words->cc.clear();
  words->original_to = {};
  words->route.clear();
  words->record_route.clear();
  words->wanted = {};
  if (words->date_time.empty()) words->date_time = print_time(now);
  if (words->message_id.empty()) words->message_id = fresh_id;
  return words;
}

bool is_for_nobody(const sip::Message& message) {
  if (is_for_programs(message.header(HeaderId::content_type), message.body())) return true;
  if (type_of(message) != documents::cpim_type) return false;
  const auto cpim = documents::parse_cpim(message.body());
  return cpim && is_for_programs(cpim->content_type, cpim->content);
}

}  // namespace beckon::server::groups
