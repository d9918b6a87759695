#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/xcap/exchange.hpp"
#include "protocol/xcap/target.hpp"
#include "server/http/message.hpp"
#include "server/shard/shard.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server {

/// XCAP over HTTP, and what else a user may read and change there: checks credentials, then hands the request
/// to the bucket of the user whose tree it names, and the answer back. HTTP runs on the thread of shard 0,
/// and asks the room of that shard. Pure.
class Web final : public Room {
 public:
  /// Both are of this shard and outlive it.
  Web(Shard& shard, xcap::Documents& documents) : shard_(shard), documents_(documents) {}

  /// Answers what stands below a root of its own ("/history"), for the user whose it is; at that user's
  /// bucket. `user` is a canonical AOR.
  using Done = std::function<void(beckon::xcap::Response)>;
  using Handler = std::function<void(const std::string& user, const beckon::xcap::UserTarget& target,
                                     beckon::xcap::Method method, Done done)>;
  /// `root` is a literal. Of every shard.
  void serve(std::string_view root, Handler handler) { trees_.push_back({root, std::move(handler)}); }

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
  struct Tree {
    std::string_view root;
    Handler handler;
  };
  std::optional<std::string> owner_of(std::string_view target) const;
  bool answer(const Query& query, const Done& done);
  void ask(const std::string& owner, http::HttpRequest& request, Identity who, http::Respond respond);

  Shard& shard_;
  xcap::Documents& documents_;
  std::vector<Tree> trees_;
  std::unordered_map<std::uint64_t, http::Respond> waiting_;  ///< By ticket.
  std::uint64_t last_ticket_ = 0;
};

}  // namespace beckon::server
