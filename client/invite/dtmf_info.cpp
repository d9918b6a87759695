#include "client/invite/dtmf_info.hpp"

#include "media/rtp/telephone_event.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::invite {
namespace {

/// A digit, or its event's number: "10" and "11" are star and hash with some gateways.
std::optional<char> digit_of(std::string_view text) {
  if (text.size() == 1 && rtp::event_of_digit(text[0])) return to_upper(text[0]);
  const auto number = parse_number<std::size_t>(text);
  if (number && *number < rtp::dtmf_digits.size()) return rtp::dtmf_digits[*number];
  return std::nullopt;
}

}  // namespace

std::optional<char> parse_dtmf(std::string_view type, std::string_view body) {
  const auto media_type = trim(cut(type, ';').first);
  if (iequals(media_type, "application/dtmf")) return digit_of(trim(body));
  if (!iequals(media_type, dtmf_relay_type)) return std::nullopt;
  for (const auto line : split(body, '\n')) {
    const auto [name, value] = cut(line, '=');
    if (iequals(trim(name), "Signal")) return digit_of(trim(value));
  }
  return std::nullopt;
}

std::string print_dtmf(char digit) { return std::string("Signal=") + digit + "\r\nDuration=160\r\n"; }

}  // namespace beckon::client::invite
