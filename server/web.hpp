#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "protocol/xcap/exchange.hpp"
#include "server/http/message.hpp"
#include "server/shard/shard.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server {

/// XCAP over HTTP: checks credentials, then hands the request to the bucket of the user whose tree it names,
/// and the answer back. HTTP runs on the thread of shard 0, and asks the room of that shard. Pure.
class Web final : public Room {
 public:
  /// Both are of this shard and outlive it.
  Web(Shard& shard, xcap::Documents& documents) : shard_(shard), documents_(documents) {}

  /// Of shard 0 only.
  void handle(http::HttpRequest request, http::Respond respond);

  /// A request whose sender is known, and its answer. `ticket` is the asking room's.
  struct Query {
    std::uint64_t ticket = 0;
    beckon::xcap::Request request;
    Identity who;
  };
  struct Reply {
    std::uint64_t ticket = 0;
    beckon::xcap::Response response;
  };
  void on(Query query, Bucket at, Now now);
  void on(const Reply& reply, Bucket at, Now now);

 private:
  void ask(const std::string& owner, http::HttpRequest& request, Identity who, http::Respond respond);

  Shard& shard_;
  xcap::Documents& documents_;
  std::unordered_map<std::uint64_t, http::Respond> waiting_;  ///< By ticket.
  std::uint64_t last_ticket_ = 0;
};

}  // namespace beckon::server
