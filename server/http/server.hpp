#pragma once

#include <functional>
#include <memory>
#include <string>

#include "protocol/net/channel.hpp"
#include "server/http/message.hpp"

namespace beckon::http {

/// Bounds of one HTTP connection (DESIGN 7).
struct HttpLimits {
  std::size_t header = 16384;   ///< Octets of request line and headers; past it 431.
  std::size_t body = 1u << 20;  ///< Octets: the largest XCAP document; past it 413.
  std::size_t connections = 10000;
  std::size_t connections_per_address = 100;
  Duration handshake = 10s;  ///< For the TLS handshake.
  Duration request = 30s;    ///< For one request to arrive, first octet to last; past it 408.
  Duration idle = 120s;      ///< Between two requests of a connection.
};

/// HTTP/1.1 over TLS, or plain for the admin port, on one loop. Requests of a connection are handled one
/// after the other; pipelined ones wait.
class HttpServer {
 public:
  using Handler = std::function<void(HttpRequest request, Respond respond)>;

  HttpServer(net::Loop& loop, std::string server_header, Handler handler, HttpLimits limits = {});
  /// Closes its connections.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Port 0 takes a free one; without `tls` plain HTTP. Returns the address bound. May be called for several
  /// addresses.
  Result<Address> listen(const Address& address, net::TlsContextPtr tls);
  std::size_t connections() const;

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace beckon::http
