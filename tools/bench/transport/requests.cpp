#include "tools/bench/transport/requests.hpp"

#include <fmt/format.h>

#include <charconv>

#include "protocol/auth/digest.hpp"
#include "protocol/sip/message.hpp"

namespace beckon::bench {
namespace {

constexpr std::string_view mark = "z9hG4bKbench";
constexpr std::size_t digits = 8;
constexpr std::size_t echo_size = 500;
constexpr std::string_view domain = "example.org";

std::string head(std::string_view method, std::string_view uri, const std::string& transport,
                 std::uint32_t number, std::string_view user, std::string_view branch_end = {}) {
  return fmt::format(
      "{0} {1} SIP/2.0\r\n"
      "Via: SIP/2.0/{2} 127.0.0.1:15060;branch={3}{4:08x}{8};rport\r\n"
      "Max-Forwards: 70\r\n"
      "From: <sip:{5}@{6}>;tag=f{4:08x}\r\n"
      "To: <sip:{5}@{6}>\r\n"
      "Call-ID: c{4:08x}-2f61a9@127.0.0.1\r\n"
      "CSeq: {7} {0}\r\n"
      "User-Agent: beckon-bench\r\n",
      method, uri, transport, mark, number, user, domain, number + 1, branch_end);
}

std::string user_name(std::uint32_t user) { return fmt::format("u{}", user); }

std::string register_text(const std::string& transport, std::uint32_t number, std::uint32_t user,
                          std::string_view authorization) {
  const std::string name = user_name(user);
  // What was challenged and what answers the challenge are two transactions.
  const auto branch_end = authorization.empty() ? "" : "a";
  std::string text = head("REGISTER", fmt::format("sip:{}", domain), transport, number, name, branch_end);
  // One dialog of registrations for each user, as a device has it (RFC 3261 10.2).
  text += fmt::format("Contact: <sip:{}@127.0.0.1:15060;transport={}>;expires=3600\r\n", name, transport);
  if (!authorization.empty()) text += fmt::format("Authorization: {}\r\n", authorization);
  return text + "Content-Length: 0\r\n\r\n";
}

}  // namespace

void Requests::add(std::string_view text) {
  texts_ += text;
  ends_.push_back(texts_.size());
}

std::string_view Requests::text(std::uint32_t number) const {
  const std::size_t begin = number == 0 ? 0 : ends_[number - 1];
  return std::string_view(texts_).substr(begin, ends_[number] - begin);
}

Requests Requests::echo(std::uint32_t count) {
  Requests all("echo", "UDP");
  for (std::uint32_t i = 0; i < count; ++i) {
    auto text = fmt::format("{}{:08x}", mark, i);
    text.resize(echo_size, '.');
    all.add(text);
  }
  return all;
}

Requests Requests::options(std::string transport, std::uint32_t count) {
  Requests all("options", std::move(transport));
  for (std::uint32_t i = 0; i < count; ++i) {
    all.add(head("OPTIONS", fmt::format("sip:{}", domain), all.transport_, i, "bench") +
            "Contact: <sip:bench@127.0.0.1:15060>\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n");
  }
  return all;
}

Requests Requests::registers(std::string transport, std::uint32_t count, std::uint32_t users) {
  Requests all("register", std::move(transport));
  for (std::uint32_t i = 0; i < count; ++i) all.add(register_text(all.transport_, i, i % users, {}));
  return all;
}

Requests Requests::registers(std::string transport, std::uint32_t count,
                             const std::vector<std::string>& challenges) {
  Requests all("register_digest", std::move(transport));
  const auto users = static_cast<std::uint32_t>(challenges.size());
  const std::string uri = fmt::format("sip:{}", domain);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto user = i % users;
    const auto challenge = auth::parse_challenge(challenges[user]);
    const auto answer = challenge ? auth::answer(*challenge, {.user = user_name(user),
                                                              .password = "secret",
                                                              .method = "REGISTER",
                                                              .uri = uri,
                                                              .cnonce = "0a4f113b",
                                                              .count = i / users + 1})
                                  : std::string{};
    all.add(register_text(all.transport_, i, user, answer));
  }
  return all;
}

std::optional<std::uint32_t> number_in(std::string_view answer) {
  const auto at = answer.find(mark);
  if (at == std::string_view::npos || answer.size() < at + mark.size() + digits) return std::nullopt;
  const char* begin = answer.data() + at + mark.size();
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(begin, begin + digits, number, 16);
  return error == std::errc{} && end == begin + digits ? std::optional(number) : std::nullopt;
}

std::string challenge_in(std::string_view answer) {
  const auto message = sip::Message::parse(share(std::string(answer)));
  if (!message) return {};
  for (const auto& line : message->headers()) {
    if (line.id != sip::HeaderId::www_authenticate) continue;
    const auto challenge = auth::parse_challenge(line.value);
    if (challenge && challenge->algorithm == auth::Algorithm::sha256) return std::string(line.value);
  }
  return {};
}

}  // namespace beckon::bench
