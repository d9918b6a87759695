#include "protocol/transaction/text_edit.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/grammar.hpp"

namespace beckon::transaction {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view usual_name = "Via:";

bool is_via(std::string_view line) {
  if (line.starts_with(usual_name)) return true;
  const auto name = trim(line.substr(0, line.find(':')));
  return iequals(name, "via") || iequals(name, "v");
}

/// The first Via value; empty without one.
std::string_view top_via_in(std::string_view message) {
  auto start = message.find(line_end);
  while (start != std::string_view::npos) {
    start += line_end.size();
    const auto end = message.find(line_end, start);
    if (end == std::string_view::npos || end == start) break;
    const auto line = message.substr(start, end - start);
    if (is_via(line)) {
      const auto values = line.substr(line.find(':') + 1);
      return trim(values.substr(0, sip::grammar::find_outside(values, ",")));
    }
    start = end;
  }
  return {};
}

/// The head that all requests of one client transaction share.
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

SharedText with_top_via(std::string_view message, std::string_view via) {
  const auto old = top_via_in(message);
  if (old.empty()) return share(message);
  const auto before = message.substr(0, static_cast<std::size_t>(old.data() - message.data()));
  const auto after = message.substr(before.size() + old.size());
  return SharedText::make(before.size() + via.size() + after.size(), [&](char* out) {
    char* end = out;
    for (const auto part : {before, via, after}) end = std::copy(part.begin(), part.end(), end);
    return static_cast<std::size_t>(end - out);
  });
}

std::string stamped_via(const sip::ViaView& via, const Address& source) {
  if (!via.rport && parse_ip(via.host) == source.ip) return {};
  const std::string port = via.rport ? std::to_string(source.port) : std::string();
  std::string stamped;
  stamped.reserve(128 + via.parameters.size());
  if (via.rport && via.rport->empty() && !via.received && !via.text.empty()) {
    const auto after = static_cast<std::size_t>(via.rport->data() - via.text.data());
    stamped.append(via.text, 0, after).append("=").append(port).append(via.text, after);
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
  std::replace(stamped.begin(), stamped.end(), '\0', ' ');  // as in everything that is copied into a response
  return stamped;
}

Hop response_hop(const sip::ViaView& via, const Hop& from) {
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
