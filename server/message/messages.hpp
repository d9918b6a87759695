#pragma once

#include "server/proxy/proxy.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::message {

/// Pager-mode messages (RFC 3428): relayed to all devices of the user. Nothing is stored for a user who is
/// offline.
class Messages final : public Room {
 public:
  /// Rooms of the same shard; the proxy outlives this.
  Messages(Answers& answers, proxy::Proxy& proxy) : answers_(answers), proxy_(proxy) {}

  Serves serves() const override;
  void on_request(const RequestPtr& request) override;

 private:
  Answers& answers_;
  proxy::Proxy& proxy_;
};

}  // namespace beckon::server::message
