#include "server/shard/replay.hpp"

namespace beckon::server {

std::string request_identity(const sip::Message& request) {
  std::string identity(request.call_id());
  for (const std::string_view part : {request.header(sip::HeaderId::cseq), request.from_tag()}) {
    identity += '\n';
    identity += part;
  }
  const auto via = request.top_via();
  identity += '\n';
  if (via) identity += via->branch();
  return identity;
}

}  // namespace beckon::server
