#include "server/shard/services.hpp"

#include "server/shard/replay.hpp"
#include "server/store/store.hpp"

namespace beckon::server {

namespace {
constexpr std::size_t token_octets = 12;  ///< 96 random bits: nobody guesses a tag or an entity-tag.
}

store::Answer Services::answer(const Request& request, std::string_view aor, std::string_view response) {
  return {.request = request_identity(request.message),
          .aor = std::string(aor),
          .response = pack_answer(request.to_tag, response),
          .until = directory().scale().at(clock().now().mono) + replay_time};
}

transaction::Hop way_back(const Request& request) {
  transaction::Hop hop = request.from;
  if (hop.name.empty()) return hop;
  const auto via = sip::view_via(request.message.first(sip::HeaderId::via));
  hop.remote.port = via && via->port ? *via->port : sip::sips_port;
  return hop;
}

std::string resource_of(const sip::Message& request) {
  const auto method = request.method();
  if (method == sip::Method::register_ || method == sip::Method::publish) {
    const auto to = request.to();
    return to ? sip::canonical_aor(to->uri) : std::string{};
  }
  if (!request.to_tag().empty()) return {};
  const auto uri = request.request_uri();
  if (!uri || uri->host.empty() || bucket_in(uri->user)) return {};
  return sip::canonical_aor(*uri);
}

sip::Builder begin_reply(const sip::Message& request, int status, std::string_view to_tag,
                         std::string_view reason) {
  auto builder = sip::Builder::reply(request, status, to_tag, reason);
  builder.add(sip::HeaderId::server, "beckond/" BECKON_VERSION);
  return builder;
}

sip::Builder Request::reply(int status, std::string_view reason) const {
  auto builder = begin_reply(message, status, to_tag, reason);
  if (status / 100 == 2 && !authentication_info.empty()) {
    // RFC 3261 20.6; RFC 7615 4 for what was asked for with 407.
    builder.add(by_proxy ? "Proxy-Authentication-Info" : "Authentication-Info", authentication_info);
  }
  return builder;
}

void Answers::respond(const Request& request, int status, std::string_view reason) {
  respond(request, request.reply(status, reason).finish());
}

transaction::TransactionId Sender::send(Bucket from, std::string_view request, const transaction::Hop& to,
                                        transaction::OnOutcome on_outcome, std::string_view branch_part) {
  const auto [line, headers] = transaction::cut_request_line(request);
  return send(from, {.line = line, .headers = {&headers, 1}, .branch_part = branch_part}, to,
              std::move(on_outcome));
}

std::string Environment::mint(Bucket bucket) {
  std::string token = bucket_prefix(bucket);
  token.reserve(token.size() + 2 * token_octets);
  token += random().token(token_octets);
  return token;
}

std::string Sender::contact(Bucket bucket, const transaction::Hop& hop, bool sips) const {
  return '<' + own_uri(bucket_prefix(bucket) + 's', hop, sips) + '>';
}

std::string Sender::own_uri(std::string_view user, const transaction::Hop& hop, bool sips) const {
  std::string uri = sips ? "sips:" : "sip:";
  uri.append(user) += '@' + sent_by(hop);
  if (transaction::is_websocket(hop.protocol)) uri += ";transport=ws";  // RFC 7118 5.2: for both kinds
  if (hop.protocol == transaction::Protocol::tcp) uri += ";transport=tcp";
  // COMPAT: RFC 5630 5.3 deprecates it, but it is how a peer knows to reach a sip: URI over TLS.
  if (hop.protocol == transaction::Protocol::tls && !sips) uri += ";transport=tls";
  return uri;
}

}  // namespace beckon::server
