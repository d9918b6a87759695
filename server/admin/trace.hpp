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

/// Reads one page of every shard's recorder on its thread (`from[i]` is where to continue at shard i;
/// nullopt: it is not read, and its page is empty), and calls `done` later on the admin's loop.
using ReadPages = std::function<void(std::vector<std::optional<std::uint64_t>> from, Time until,
                                     std::function<void(std::vector<trace::Recorder::Page> pages)> done)>;

/// Sends clients what the recorders hold and, to those that follow, new messages. The client sets the pace:
/// the next page is read when the last has been written, so that a slow client costs one page of each shard
/// and misses what the recorders overwrite meanwhile. One thread, the loop's.
class Traces {
 public:
  static constexpr std::size_t most = 16;  ///< Clients at once; one more is refused.
  /// How long after the last new message the recorders are read again.
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
  /// Clients that wait for pages, writing or time. Only this list owns them; callbacks hold weak references.
  std::vector<std::shared_ptr<Asker>> askers_;
};

/// `beckond trace`: asks the running server and prints ladders, or the lines as they come. Returns when all
/// are printed; with `--follow` when the server ends. A refusal is printed on `errors`: Exit::failed.
Exit run_trace(const CommandLine& line, std::ostream& out, std::ostream& errors);

}  // namespace beckon::server::admin
