#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/net/loop.hpp"
#include "server/admin/error.hpp"

namespace beckon::server::admin {

/// Path of the socket in a data folder.
std::filesystem::path socket_path(const std::filesystem::path& data);

/// Answers whoever may open the data folder: a Unix socket of mode 0600, one line in, one text out.
class Socket {
 public:
  /// Longest question, in octets.
  static constexpr std::size_t line_max = 1024;
  using Answer = std::function<void(std::string text)>;
  /// Called on the loop; `answer` once, at once or later, on the loop.
  using Handler = std::function<void(std::string line, Answer answer)>;

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

}  // namespace beckon::server::admin
