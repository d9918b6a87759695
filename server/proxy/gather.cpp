#include "server/proxy/gather.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "protocol/sip/builder.hpp"

namespace beckon::server::proxy {

using sip::HeaderId;
using sip::Message;

namespace {

bool is_challenge(int status) { return status == 401 || status == 407; }
/// 305 and 380 say something else about their Contacts.
bool names_places(int status) { return status >= 300 && status <= 302; }

/// Octets that are added to an answer, at most: many branches make many challenges and Contacts, and the
/// answer has to go into a datagram where the caller asked over UDP. What does not fit is left out.
constexpr std::size_t added_max = 8192;

void add_line(std::string& lines, std::string_view name, std::string_view value) {
  if (lines.size() + name.size() + value.size() + sizeof ": \r\n" - 1 > added_max) return;
  lines.append(name).append(": ").append(value).append("\r\n");
}

/// Every challenge, unchanged.
void add_challenges(std::string& lines, const Message& other) {
  for (const auto line : other.headers())
    if (line.id == HeaderId::www_authenticate || line.id == HeaderId::proxy_authenticate)
      add_line(lines, line.name, line.value);
}

void add_contacts(std::string& lines, const Message& other, std::vector<std::string_view>& known) {
  for (const std::string_view value : other.each(HeaderId::contact)) {
    if (std::ranges::find(known, value) != known.end()) continue;
    known.push_back(value);
    add_line(lines, "Contact", value);
  }
}

/// Behind its own header lines. Nothing when it would be too long to read.
std::optional<Message> with_lines(const Message& message, std::string_view lines) {
  std::string text(message.text());
  const auto head = text.size() - message.body().size();
  const auto line_end = text.compare(head - 2, 2, "\r\n") == 0 ? 2U : 1U;
  text.insert(head - line_end, lines);
  const sip::Limits limits{.message = text.size()};
  auto whole = Message::parse(share(std::move(text)), limits);
  if (!whole) return std::nullopt;
  return std::move(*whole);
}

}  // namespace

std::optional<Message> gather(const Message& best, std::span<const Message* const> others) {
  const int status = best.status();
  std::string lines;
  std::vector<std::string_view> contacts;
  if (names_places(status)) contacts = best.values(HeaderId::contact);
  for (const Message* other : others) {
    if (is_challenge(status) && is_challenge(other->status())) add_challenges(lines, *other);
    if (names_places(status) && names_places(other->status())) add_contacts(lines, *other, contacts);
  }
  if (lines.empty()) return std::nullopt;
  return with_lines(best, lines);
}

std::optional<Message> with_contacts(const Message& redirection, std::string_view contacts) {
  std::string text = sip::Splice(redirection).replace(HeaderId::contact, contacts).finish();
  const sip::Limits limits{.message = text.size()};
  auto changed = Message::parse(share(std::move(text)), limits);
  if (!changed) return std::nullopt;
  return std::move(*changed);
}

}  // namespace beckon::server::proxy
