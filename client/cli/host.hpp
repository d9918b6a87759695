#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "client/background/hub.hpp"
#include "protocol/net/loop.hpp"

namespace beckon::client::cli {

/// Lets controllers use the agent of this program over a socket of mode 0600 (`background::Hub`).
class Host {
 public:
  Host(net::Loop& loop, background::Hub::Agent agent, std::string home);
  /// Removes the socket.
  ~Host();

  /// Replaces a socket on which nobody listens. Errors: address_in_use (an agent runs there), those of
  /// `prepare_folder`, the system's.
  Result<void> listen(const std::filesystem::path& path);
  void on_event(const boost::json::object& event);
  /// Writes what waits, as far as it is taken at once, and ends all connections.
  void close();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace beckon::client::cli
