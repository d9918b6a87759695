#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace beckon::bench {

/// One HTTPS connection to 127.0.0.1; blocks. The server's certificate is not verified.
class Https {
 public:
  /// Throws std::runtime_error if there is no connection.
  explicit Https(std::uint16_t port);
  ~Https();
  Https(const Https&) = delete;
  Https& operator=(const Https&) = delete;

  /// Returns the status. Throws std::runtime_error if the connection ends first.
  int put(std::string_view target, std::string_view type, std::string_view body);

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace beckon::bench
