#pragma once

#include "server/http/message.hpp"
#include "server/shard/node.hpp"

namespace beckon::server {

/// XCAP over HTTP: checks credentials, then passes the request to the bucket of the user whose tree it
/// names. Pure; on the thread of shard 0.
class Web {
 public:
  explicit Web(Node& node) : node_(node) {}
  void handle(http::HttpRequest request, http::Respond respond);

 private:
  void deliver(const std::string& owner, const std::shared_ptr<http::HttpRequest>& request, Identity who,
               const http::Respond& respond);

  Node& node_;
};

}  // namespace beckon::server
