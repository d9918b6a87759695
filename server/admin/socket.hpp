#pragma once

#include <boost/json/fwd.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/net/loop.hpp"
#include "server/admin/error.hpp"

namespace beckon::server::admin {

/// Path of the socket in a data folder.
std::filesystem::path socket_path(const std::filesystem::path& data);

/// The receiver of one answer. Calls and callbacks on the loop of the socket.
class Reply {
 public:
  virtual ~Reply() = default;
  /// Sends a part of the answer; `then` is called when it has been written, so that a slow reader can be
  /// waited for, or when the client has gone. One part at a time.
  virtual void send(std::string text, std::function<void()> then) = 0;
  /// Sends the rest of the answer; the last call.
  virtual void finish(std::string text) = 0;
  /// False once the client has gone.
  virtual bool is_open() const = 0;
};
using ReplyPtr = std::shared_ptr<Reply>;

/// The answer to a question that is refused: a line {"event":"refused","reason":...}.
std::string refusal(std::string_view reason);
/// The reason in such an answer; nullopt when it is another one.
std::optional<std::string> reason_of_refusal(std::string_view answer);
std::optional<std::string> reason_of_refusal(const boost::json::object& answer);

/// Answers any process that may open the data folder: a Unix socket of mode 0600, one line in, one text out.
/// When accepting fails because the limit of open files is reached, it is tried again after `pause`.
class Socket {
 public:
  /// Longest question, in octets; a longer one is refused.
  static constexpr std::size_t line_max = 1024;
  static constexpr Duration pause = 100ms;
  /// Called on the loop; answers at once or later.
  using Handler = std::function<void(std::string line, ReplyPtr reply)>;

  Socket(net::Loop& loop, Handler handler);
  /// Removes the socket's file.
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// Replaces a socket that a killed server left. Errors: Errc::cannot_listen.
  Result<void> listen(const std::filesystem::path& path);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// Asks the running server, and waits. Errors: Errc::not_running.
Result<std::string> ask(const std::filesystem::path& path, std::string_view line);
/// The same for answers of many lines: each is handed on as it comes, without its end.
Result<void> listen(const std::filesystem::path& path, std::string_view line,
                    const std::function<void(std::string_view line)>& on_line);

}  // namespace beckon::server::admin
