#include "server/config/entrance.hpp"

#include "protocol/base/text.hpp"

namespace beckon::server {

std::optional<Entrance> parse_entrance(std::string_view text) {
  const auto [name, port] = cut(text, ':');
  const auto number = parse_number<std::uint16_t>(port);
  if (name.size() < text.size() && number.value_or(0) == 0) return std::nullopt;
  using transaction::Protocol;
  for (const auto protocol : {Protocol::udp, Protocol::tcp, Protocol::tls, Protocol::ws, Protocol::wss}) {
    if (name == to_lower(transaction::via_name(protocol))) return Entrance{protocol, number.value_or(0)};
  }
  return std::nullopt;
}

}  // namespace beckon::server
