#include "server/daemon/file_limit.hpp"

#include <sys/resource.h>

#include <algorithm>

#include "protocol/base/log.hpp"
#include "server/http/server.hpp"

namespace beckon::server {
namespace {

// Of the store, of the server's own sockets, and of connections it dials.
constexpr std::uint64_t files_of_its_own = 2048;

}  // namespace

std::uint64_t wanted_files(const Config& config) {
  std::uint64_t wanted = files_of_its_own;
  for (const Listener& listener : config.listening()) {
    const auto sip = listener.protocol();
    if (sip && sip != transaction::Protocol::udp) wanted += config.connections.total;
    if (listener.kind == Listener::Kind::https || listener.kind == Listener::Kind::admin)
      wanted += http::HttpLimits{}.connections;
  }
  return wanted;
}

void raise_file_limit(const Config& config) {
  const rlim_t wanted = wanted_files(config);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == wanted) return;
  log::warn("server", "the hard limit of open files is {}, too low for all connections that are admitted: {}",
            limit.rlim_max, wanted);
}

}  // namespace beckon::server
