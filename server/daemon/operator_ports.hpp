#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "server/admin/metrics.hpp"
#include "server/admin/socket.hpp"
#include "server/admin/trace.hpp"
#include "server/daemon/failure.hpp"
#include "server/daemon/seat.hpp"
#include "server/http/message.hpp"
#include "server/shard/node.hpp"

namespace beckon::server {

/// What the operator of a running server asks it: questions on the Unix socket of the data folder, health and
/// metrics on the admin port. Answers are gathered from all shards. On the first seat's loop.
class OperatorPorts {
 public:
  /// `on_users` is called when the users' domains may have changed; `store_backlog` on any thread.
  OperatorPorts(const Seats& seats, Node& node, std::function<void()> on_users,
                std::function<std::size_t()> store_backlog);

  /// Opens the Unix socket.
  std::optional<Failure> open(const std::filesystem::path& data);
  /// Answers a request on the admin port.
  void answer(const http::HttpRequest& request, const http::Respond& respond);

 private:
  using Pages = std::vector<trace::Recorder::Page>;
  void answer(const std::string& line, const admin::ReplyPtr& reply);
  void answer_tables(const std::string& about, const admin::ReplyPtr& reply);
  void answer_rooms(const admin::ReplyPtr& reply);
  void answer_room(std::string_view words, const admin::ReplyPtr& reply);
  void answer_explain(std::string_view names, const admin::ReplyPtr& reply);
  void answer_metrics(const http::Respond& respond);
  admin::Metrics metrics_of(Shard& shard) const;
  void read_trace(const std::vector<std::optional<std::uint64_t>>& from, Time until,
                  const std::function<void(Pages)>& done);

  const Seats& seats_;
  Node& node_;
  net::Loop& loop_;
  std::function<void()> on_users_;
  std::function<std::size_t()> store_backlog_;
  admin::Traces traces_;
  admin::Socket socket_;
};

}  // namespace beckon::server
