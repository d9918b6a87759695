#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/net/loop.hpp"
#include "protocol/trace/reader.hpp"
#include "server/admin/socket.hpp"
#include "server/config/command_line.hpp"

namespace beckon::server::admin {

/// Reads one page of every shard's recorder on its thread (`from[i]` is where to go on at shard i; nothing:
/// it is not read, and its page is empty), and calls `done` later on the admin's loop.
using ReadPages = std::function<void(std::vector<std::optional<std::uint64_t>> from, Time until,
                                     std::function<void(std::vector<trace::Recorder::Page> pages)> done)>;

/// Tells askers what the recorders hold, and, where they follow, what comes. An asker sets the pace: the next
/// page is read when the last has been written, so that a slow reader costs one page of each shard and loses
/// what the recorders overwrite meanwhile. One thread, the loop's.
class Traces {
 public:
  static constexpr std::size_t most = 16;  ///< Askers at once; one more is refused.
  /// How long after the last news the recorders are asked again.
  static constexpr Duration pause = 50ms;

  Traces(net::Loop& loop, std::size_t shards, ReadPages read);
  ~Traces();
  Traces(const Traces&) = delete;
  Traces& operator=(const Traces&) = delete;

  /// `question` as `trace::to_json` writes it; anything else is refused (`refusal`).
  void start(std::string_view question, ReplyPtr reply);

 private:
  struct Asker;

  void start_round(const std::shared_ptr<Asker>& asker);
  void read(const std::shared_ptr<Asker>& asker);
  void write(const std::shared_ptr<Asker>& asker, std::string text);
  void go_on(const std::shared_ptr<Asker>& asker);

  net::Loop& loop_;
  std::size_t shards_;
  ReadPages read_;
  /// Who waits for pages, writing or time is held here alone: what others hold of him is weak, and ends with
  /// us.
  std::vector<std::shared_ptr<Asker>> askers_;
};

/// `beckond trace`: asks the running server and prints ladders, or the lines as they come. Returns when all
/// was told; with `--follow` when the server ends. A refusal is told on `errors`: Exit::failed.
Exit run_trace(const CommandLine& line, std::ostream& out, std::ostream& errors);

}  // namespace beckon::server::admin
