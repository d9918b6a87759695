#include "server/message/imdn.hpp"

#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/documents/imdn.hpp"
#include "protocol/documents/iscomposing.hpp"
#include "protocol/documents/message_archive.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/uri.hpp"

namespace beckon::server::message {

using documents::Cpim;
using documents::Imdn;
using sip::HeaderId;

namespace {

bool is_type(std::string_view value, std::string_view type) {
  return iequals(trim(cut(value, ';').first), type);
}

std::optional<Cpim> cpim_of(const sip::Message& message) {
  if (!is_type(message.header(HeaderId::content_type), documents::cpim_type)) return std::nullopt;
  auto cpim = documents::parse_cpim(message.body());
  if (!cpim) return std::nullopt;
  return std::move(*cpim);
}

bool is_notification(const Cpim& cpim) {
  return is_type(cpim.content_disposition, documents::imdn_disposition) ||
         documents::is_imdn(cpim.content_type, cpim.content);
}

}  // namespace

std::string message_id_of(const sip::Message& message) {
  auto cpim = cpim_of(message);
  if (cpim && !cpim->message_id.empty()) return std::move(cpim->message_id);
  const auto cseq = message.cseq();
  return documents::message_id(message.call_id(), cseq ? cseq->number : 0);
}

bool is_notification(const sip::Message& message) {
  if (documents::is_imdn(message.header(HeaderId::content_type), message.body())) return true;
  const auto cpim = cpim_of(message);
  return cpim && is_notification(*cpim);
}

bool is_of_the_moment(const sip::Message& message) {
  if (is_type(message.header(HeaderId::content_type), documents::is_composing_type)) return true;
  const auto cpim = cpim_of(message);
  return cpim && is_type(cpim->content_type, documents::is_composing_type);
}

std::optional<Wanted> wanted_of(const sip::Message& message) {
  const auto cpim = cpim_of(message);
  if (!cpim || cpim->message_id.empty() || !cpim->wanted.any() || is_notification(*cpim)) return std::nullopt;
  return Wanted{.message_id = cpim->message_id,
                .date_time = cpim->date_time,
                .subject = std::string(cpim->subject()),
                .dispositions = cpim->wanted};
}

bool is_wanted(const Wanted& wanted, Fate fate) {
  return fate == Fate::stored ? wanted.dispositions.processing : wanted.dispositions.negative_delivery;
}

std::string print_notification(const Wanted& wanted, Fate fate, std::string_view sender,
                               std::string_view recipient, std::string_view own_message_id, WallTime now) {
  const bool is_stored = fate == Fate::stored;
  const std::string to(recipient);
  const Imdn imdn{.message_id = wanted.message_id,
                  .date_time = wanted.date_time.empty() ? print_time(now) : wanted.date_time,
                  .recipient = to,
                  .original_recipient = to,
                  .subject = wanted.subject,
                  .kind = is_stored ? Imdn::Kind::processing : Imdn::Kind::delivery,
                  .status = is_stored ? Imdn::Status::stored : Imdn::Status::failed};
  Cpim cpim;
  cpim.from.uri = to;
  cpim.to = {{.uri = std::string(sender)}};
  cpim.date_time = print_time(now);
  cpim.message_id = own_message_id;
  cpim.content_type = documents::imdn_type;
  cpim.content_disposition = documents::imdn_disposition;
  cpim.content = documents::print(imdn);
  return documents::print(cpim);
}

namespace {

/// A name is what its sender likes: nothing in it may look like an address or begin a line.
std::string plain_name(std::string_view name) {
  std::string plain;
  for (const char c : name)
    if (static_cast<unsigned char>(c) >= ' ' && c != '\x7f' &&
        std::string_view("<>:\"").find(c) == std::string_view::npos)
      plain += c;
  return plain;
}

/// "Bob <bob@example.org>: " where message/cpim names another author than From does, as in a room; else
/// empty.
std::string author_of(const Cpim& cpim, const sip::Message& message) {
  const auto author = sip::parse_uri(cpim.from.uri);
  const auto from = message.from();
  if (!author || !author->is_sip() || !from) return {};
  const std::string aor = sip::canonical_aor(*author);
  if (aor == sip::canonical_aor(from->uri)) return {};
  const std::string address = aor.substr(aor.find(':') + 1);
  const std::string name = plain_name(cpim.from.name);
  return name.empty() ? address + ": " : name + " <" + address + ">: ";
}

}  // namespace

std::optional<sip::Message> unwrapped(const sip::Message& message) {
  const auto cpim = cpim_of(message);
  if (!cpim || !is_type(cpim->content_type, "text/plain")) return std::nullopt;
  auto builder = sip::Builder::request(message.method_text(), message.request_uri_text());
  for (const auto& line : message.headers()) {
    if (line.id == HeaderId::content_type || line.id == HeaderId::content_length) continue;
    builder.add_lines(line.line);
  }
  auto text = std::move(builder).finish(cpim->content_type, author_of(*cpim, message) + cpim->content);
  auto made = sip::Message::parse(share(text), {.message = text.size()});
  if (!made) return std::nullopt;
  return std::move(*made);
}

}  // namespace beckon::server::message
