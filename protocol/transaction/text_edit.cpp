#include "protocol/transaction/text_edit.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/grammar.hpp"

namespace beckon::transaction {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view via_head = "Via: ";

bool is_via(std::string_view line) {
  if (line.starts_with(via_head)) return true;
  const auto name = trim(line.substr(0, line.find(':')));
  return iequals(name, "via") || iequals(name, "v");
}

/// The head all requests of one client transaction share.
sip::Builder start_like(const sip::Message& invite, std::string_view method) {
  auto builder = sip::Builder::request(method, invite.request_uri_text());
  const auto vias = invite.values(sip::HeaderId::via);
  builder.add(sip::HeaderId::via, vias.empty() ? std::string_view{} : vias.front());
  builder.copy(invite, sip::HeaderId::route);
  builder.add(sip::HeaderId::max_forwards, std::uint32_t{70});
  builder.copy(invite, sip::HeaderId::from);
  return builder;
}

std::string cseq_like(const sip::Message& invite, std::string_view method) {
  const auto cseq = invite.cseq();
  return std::to_string(cseq ? cseq->number : 0) + " " + std::string(method);
}

}  // namespace

std::size_t via_line_size(std::string_view via) { return via_head.size() + via.size() + line_end.size(); }

void push_via(std::string& request, std::string_view via) {
  const auto end = request.find(line_end);
  if (end == std::string::npos) return;
  std::string line(via_head);
  line.append(via).append(line_end);
  request.insert(end + line_end.size(), line);
}

void replace_top_via(std::string& message, std::string_view via) {
  auto start = message.find(line_end);
  while (start != std::string::npos) {
    start += line_end.size();
    const auto end = message.find(line_end, start);
    if (end == std::string::npos || end == start) return;
    const auto line = std::string_view(message).substr(start, end - start);
    if (is_via(line)) {
      const auto values = line.substr(line.find(':') + 1);
      const auto first = trim(values.substr(0, sip::grammar::find_outside(values, ",")));
      message.replace(static_cast<std::size_t>(first.data() - message.data()), first.size(), via);
      return;
    }
    start = end;
  }
}

std::string stamped_via(const sip::ViaView& via, const Address& source) {
  if (!via.rport && parse_ip(via.host) == source.ip) return {};
  const std::string port = via.rport ? std::to_string(source.port) : std::string();
  std::string stamped;
  stamped.reserve(128 + via.parameters.size());
  if (via.rport && via.rport->empty() && !via.received && !via.text.empty()) {
    const auto behind = static_cast<std::size_t>(via.rport->data() - via.text.data());
    stamped.append(via.text, 0, behind).append("=").append(port).append(via.text, behind);
  } else {
    sip::append(
        stamped,
        {.transport = via.transport, .host = via.host, .port = via.port, .parameters = {}, .branch = {}});
    sip::grammar::each_parameter(via.parameters, [&](std::string_view name, std::string_view value) {
      if (!iequals(name, "rport") && !iequals(name, "received")) sip::add_parameter(stamped, name, value);
    });
    if (via.rport) sip::add_parameter(stamped, "rport", port);
  }
  sip::add_parameter(stamped, "received", print(source.ip));
  std::replace(stamped.begin(), stamped.end(), '\0', ' ');  // as in all that is copied into an answer
  return stamped;
}

Hop reply_hop(const sip::ViaView& via, const Hop& from) {
  Hop hop = from;
  if (!is_reliable(from.protocol) && !via.rport) hop.remote.port = via.port.value_or(sip::sip_port);
  return hop;
}

std::string make_ack(const sip::Message& invite, const sip::Message& response) {
  auto builder = start_like(invite, "ACK");
  builder.add(sip::HeaderId::to, response.header(sip::HeaderId::to));
  builder.copy(invite, sip::HeaderId::call_id);
  builder.add(sip::HeaderId::cseq, cseq_like(invite, "ACK"));
  return std::move(builder).finish();
}

std::string make_cancel(const sip::Message& invite, std::string_view reason) {
  auto builder = start_like(invite, "CANCEL");
  builder.copy(invite, sip::HeaderId::to);
  builder.copy(invite, sip::HeaderId::call_id);
  builder.add(sip::HeaderId::cseq, cseq_like(invite, "CANCEL"));
  if (!reason.empty()) builder.add(sip::HeaderId::reason, reason);
  return std::move(builder).finish();
}

}  // namespace beckon::transaction
