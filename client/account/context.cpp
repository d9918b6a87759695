#include "client/account/context.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::client::account {

void Connection::take_offer(const sip::Message& success) {
  direct = success.lists(sip::HeaderId::supported, "beckon-direct") ? flow : 0;
}

void Connection::turn_to(const transaction::Hop& next) {
  was_lost |= next != server;
  server = next;
  flow = 0;
  direct = 0;
}

bool Connection::fail_over() {
  const auto now = std::ranges::find(servers, server);
  if (now == servers.end() && !servers.empty()) {  // located anew meanwhile, and no longer named
    turn_to(servers.front());
    return true;
  }
  if (servers.size() < 2) return false;
  turn_to(now + 1 == servers.end() ? servers.front() : *(now + 1));
  if (++failed < servers.size()) return true;
  failed = 0;
  return false;
}

transaction::Hop Context::hop() const {
  transaction::Hop hop = connection.server;
  hop.flow = connection.flow;
  return hop;
}

std::string Context::contact() const {
  const auto& server = connection.server;
  std::string out = "<sip:" + account.user + "@" + transport.sent_by(server);
  if (server.protocol != transaction::Protocol::udp)
    out += ";transport=" + to_lower(transaction::via_name(server.protocol));
  return out + ">";
}

std::string Context::dialog_contact() const {
  if (!has_gruu_contact || connection.gruu.empty()) return contact();
  return '<' + connection.gruu + '>';
}

sip::Builder Context::request(std::string_view method, std::string_view uri, std::string_view to,
                              std::string_view from_tag, std::string_view call_id, std::uint32_t cseq) const {
  sip::Builder builder = sip::Builder::request(method, uri);
  builder.add(sip::HeaderId::max_forwards, 70U)
      .add(sip::HeaderId::from, "<" + account.aor + ">;tag=" + std::string(from_tag))
      .add(sip::HeaderId::to, "<" + std::string(to) + ">")
      .add(sip::HeaderId::call_id, call_id)
      .add(sip::HeaderId::cseq, std::to_string(cseq) + " " + std::string(method))
      .add(sip::HeaderId::user_agent, "beckon/" BECKON_VERSION);
  // "The UA MUST NOT" use it "in the REGISTER request" that may change it (RFC 3608 5).
  if (!connection.service_route.empty() && method != "REGISTER")
    builder.add(sip::HeaderId::route, connection.service_route);
  return builder;
}

}  // namespace beckon::client::account
