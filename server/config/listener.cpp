#include "server/config/listener.hpp"

#include <array>
#include <utility>

#include "protocol/base/text.hpp"

namespace beckon::server {

namespace {

using Kind = Listener::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 8> kinds{{{"udp", Kind::udp},
                                                                  {"tcp", Kind::tcp},
                                                                  {"tls", Kind::tls},
                                                                  {"ws", Kind::ws},
                                                                  {"wss", Kind::wss},
                                                                  {"https", Kind::https},
                                                                  {"stun", Kind::stun},
                                                                  {"admin", Kind::admin}}};

}  // namespace

const char* to_string(Errc value) {
  switch (value) {
    case Errc::bad_listener:
      return "a listener reads KIND:ADDRESS:PORT, with udp, tcp, tls, ws, wss, https, stun or admin as its "
             "kind";
    case Errc::bad_address:
      return "a listener's address is an IPv4 literal or an IPv6 literal in brackets, with a port";
  }
  return "unknown";
}

std::optional<transaction::Protocol> Listener::protocol() const {
  switch (kind) {
    case Kind::udp:
      return transaction::Protocol::udp;
    case Kind::tcp:
      return transaction::Protocol::tcp;
    case Kind::tls:
      return transaction::Protocol::tls;
    case Kind::ws:
      return transaction::Protocol::ws;
    case Kind::wss:
      return transaction::Protocol::wss;
    case Kind::https:
    case Kind::stun:
    case Kind::admin:
      break;
  }
  return std::nullopt;
}

bool Listener::needs_certificate() const {
  return kind == Kind::tls || kind == Kind::wss || kind == Kind::https;
}

Result<Listener> parse_listener(std::string_view text) {
  const auto [name, rest] = cut(text, ':');
  for (const auto& [known, kind] : kinds) {
    if (name != known) continue;
    const auto address = parse_address(rest);
    if (!address) return Errc::bad_address;
    return Listener{kind, *address};
  }
  return Errc::bad_listener;
}

std::string print(const Listener& listener) {
  for (const auto& [name, kind] : kinds) {
    if (kind == listener.kind) return std::string(name) + ':' + print(listener.address);
  }
  return {};
}

}  // namespace beckon::server
