#include "server/server.hpp"

#include "server/message/messages.hpp"
#include "server/packages/agent.hpp"
#include "server/proxy/proxy.hpp"
#include "server/publication/publications.hpp"
#include "server/registrar/registrar.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server {

void add_rooms(Shard& shard, const ServerKey& key) {
  auto& registrar = shard.add<registrar::Registrar>(shard);
  auto& proxy = shard.add<proxy::Proxy>(shard, registrar, key.dialogs);
  shard.add<message::Messages>(shard, proxy);
  auto& documents = shard.add<xcap::Documents>(shard);
  auto& publications = shard.add<publication::Publications>(shard, registrar);
  shard.add<packages::Agent>(shard, registrar, publications, documents);
  shard.set_relay(proxy);
}

}  // namespace beckon::server
