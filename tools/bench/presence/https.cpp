#include "tools/bench/presence/https.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <stdexcept>

namespace beckon::bench {

struct Https::Connection {
  ~Connection() {
    SSL_free(ssl);
    SSL_CTX_free(context);
    if (fd >= 0) ::close(fd);
  }
  SSL_CTX* context = nullptr;
  SSL* ssl = nullptr;
  int fd = -1;
};

Https::Https(std::uint16_t port) : connection_(std::make_unique<Connection>()) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connection_->fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(connection_->fd, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0)
    throw std::runtime_error("no connection for HTTPS");
  connection_->context = SSL_CTX_new(TLS_client_method());
  connection_->ssl = SSL_new(connection_->context);
  SSL_set_fd(connection_->ssl, connection_->fd);
  if (SSL_connect(connection_->ssl) != 1) throw std::runtime_error("no TLS for HTTPS");
}

Https::~Https() = default;

int Https::put(std::string_view target, std::string_view type, std::string_view body) {
  const std::string request =
      fmt::format("PUT {} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
                  target, type, body.size(), body);
  if (SSL_write(connection_->ssl, request.data(), static_cast<int>(request.size())) <= 0)
    throw std::runtime_error("HTTPS connection ended");
  std::string answer;
  std::array<char, 4096> piece;
  while (true) {
    const int size = SSL_read(connection_->ssl, piece.data(), static_cast<int>(piece.size()));
    if (size <= 0) throw std::runtime_error("HTTPS connection ended");
    answer.append(piece.data(), static_cast<std::size_t>(size));
    // Answers to PUT have no body.
    if (answer.find("\r\n\r\n") != std::string::npos) break;
  }
  int status = 0;
  if (answer.starts_with("HTTP/1.1 ") && answer.size() > 12) std::from_chars(&answer[9], &answer[12], status);
  return status;
}

}  // namespace beckon::bench
