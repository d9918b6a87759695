#include "tools/bench/xcap/https_load.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <stdexcept>

#include "protocol/base/text.hpp"

namespace beckon::bench {

namespace {

using Clock = std::chrono::steady_clock;
constexpr int patience_ms = 30000;

/// Octets of the whole answer; 0: its head is not there yet.
std::size_t length_of(std::string_view answer) {
  const auto end = answer.find("\r\n\r\n");
  if (end == answer.npos) return 0;
  for (std::string_view rest = answer.substr(0, end + 2); !rest.empty();) {
    const auto line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(line.size() + 2);
    const auto [name, value] = cut(line, ':');
    if (!iequals(name, "Content-Length")) continue;
    return end + 4 + parse_number<std::size_t>(trim(value)).value_or(0);
  }
  return end + 4;
}

int status_of(std::string_view answer) {
  int status = 0;
  if (answer.starts_with("HTTP/1.1 ") && answer.size() > 12) std::from_chars(&answer[9], &answer[12], status);
  return status;
}

}  // namespace

struct HttpsLoad::Connection {
  explicit Connection(std::uint16_t port) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0)
      throw std::runtime_error("no connection for HTTPS");
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    context = SSL_CTX_new(TLS_client_method());
    ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) != 1) throw std::runtime_error("no TLS for HTTPS");
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
  ~Connection() {
    SSL_free(ssl);
    SSL_CTX_free(context);
    if (fd >= 0) ::close(fd);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  SSL_CTX* context = nullptr;
  SSL* ssl = nullptr;
  int fd = -1;
  bool is_busy = false;
  std::string answer;
};

HttpsLoad::HttpsLoad(std::uint16_t port, std::size_t connections) {
  for (std::size_t i = 0; i < connections; ++i) connections_.push_back(std::make_unique<Connection>(port));
}

HttpsLoad::~HttpsLoad() = default;

/// A request is smaller than what the socket takes at once.
void HttpsLoad::begin(Connection& connection, const Make& make) {
  const std::string request = make(next_++);
  connection.is_busy = true;
  connection.answer.clear();
  if (SSL_write(connection.ssl, request.data(), static_cast<int>(request.size())) !=
      static_cast<int>(request.size()))
    throw std::runtime_error("an HTTPS connection takes no request");
}

/// True: the answer is there.
bool HttpsLoad::take(Connection& connection, Totals& totals) {
  std::array<char, 16384> piece;
  for (;;) {
    const int size = SSL_read(connection.ssl, piece.data(), static_cast<int>(piece.size()));
    if (size <= 0) {
      if (SSL_get_error(connection.ssl, size) == SSL_ERROR_WANT_READ) return false;
      throw std::runtime_error("an HTTPS connection ended");
    }
    connection.answer.append(piece.data(), static_cast<std::size_t>(size));
    const std::size_t length = length_of(connection.answer);
    if (length == 0 || connection.answer.size() < length) continue;
    connection.is_busy = false;
    ++totals.completed;
    if (status_of(connection.answer) / 100 != 2) {
      ++totals.failures;
      last_failure_ = connection.answer;
    }
    return true;
  }
}

template <class More>
Totals HttpsLoad::run_while(const Make& make, const More& more) {
  Totals totals;
  const auto began = Clock::now();
  std::size_t under_way = 0;
  for (const auto& connection : connections_) {
    if (!more()) break;
    begin(*connection, make);
    ++under_way;
  }
  std::vector<pollfd> waits;
  while (under_way > 0) {
    waits.clear();
    for (const auto& connection : connections_)
      waits.push_back({.fd = connection->is_busy ? connection->fd : -1, .events = POLLIN, .revents = 0});
    if (::poll(waits.data(), waits.size(), patience_ms) <= 0)
      throw std::runtime_error("an HTTPS server does not answer");
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if (waits[i].revents == 0 || !take(*connections_[i], totals)) continue;
      if (more())
        begin(*connections_[i], make);
      else
        --under_way;
    }
  }
  totals.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  return totals;
}

Totals HttpsLoad::run(const Make& make, double seconds) {
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  return run_while(make, [end] { return Clock::now() < end; });
}

Totals HttpsLoad::run(const Make& make, std::uint64_t requests) {
  const std::uint64_t end = next_ + requests;
  return run_while(make, [this, end] { return next_ < end; });
}

std::string http_request(std::string_view method, std::string_view path, std::string_view type,
                         std::string_view body) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\n", method, path);
  if (!body.empty())
    text += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n\r\n{}", type, body.size(), body);
  else
    text += "\r\n";
  return text;
}

}  // namespace beckon::bench
