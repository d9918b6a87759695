#pragma once

#include "server/proxy/proxy.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::message {

/// Pager-mode messages (RFC 3428): relayed to all devices of the user; who is offline cannot be told anything
/// yet.
class Messages final : public Room {
 public:
  /// Rooms of the same shard; the proxy outlives this.
  Messages(Services& services, proxy::Proxy& proxy) : services_(services), proxy_(proxy) {}

  bool handles(sip::Method method, std::string_view event) const override;
  void on_request(const RequestPtr& request) override;

 private:
  Services& services_;
  proxy::Proxy& proxy_;
};

}  // namespace beckon::server::message
