#include "server/admin/socket.hpp"

#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace beckon::server::admin {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

std::filesystem::path socket_path(const std::filesystem::path& data) { return data / "admin.sock"; }

namespace {

/// One question and its answer; keeps itself alive.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Protocol::socket socket, Socket::Handler handler)
      : socket_(std::move(socket)), handler_(std::move(handler)) {}

  void read() {
    asio::async_read_until(socket_, asio::dynamic_buffer(line_, Socket::line_max), '\n',
                           [self = shared_from_this()](const ErrorCode& error, std::size_t size) {
                             if (!error) self->handle(size);
                           });
  }

 private:
  void handle(std::size_t size) {
    std::string line = line_.substr(0, size - 1);
    handler_(std::move(line),
             [self = shared_from_this()](std::string text) { self->write(std::move(text)); });
  }

  void write(std::string text) {
    text_ = std::move(text);
    asio::async_write(socket_, asio::buffer(text_),
                      [self = shared_from_this()](const ErrorCode&, std::size_t) {
                        ErrorCode ignored;
                        self->socket_.shutdown(Protocol::socket::shutdown_both, ignored);
                      });
  }

  Protocol::socket socket_;
  Socket::Handler handler_;
  std::string line_;
  std::string text_;
};

}  // namespace

struct Socket::Impl : std::enable_shared_from_this<Impl> {
  Impl(net::Loop& loop, Handler h) : acceptor(loop.context()), handler(std::move(h)) {}

  void accept() {
    acceptor.async_accept([self = shared_from_this()](const ErrorCode& error, Protocol::socket socket) {
      if (error) return;
      std::make_shared<Session>(std::move(socket), self->handler)->read();
      self->accept();
    });
  }

  Protocol::acceptor acceptor;
  Handler handler;
  std::filesystem::path path;
};

Socket::Socket(net::Loop& loop, Handler handler) : impl_(std::make_shared<Impl>(loop, std::move(handler))) {}

Socket::~Socket() {
  ErrorCode ignored;
  impl_->acceptor.close(ignored);
  std::error_code gone;
  if (!impl_->path.empty()) std::filesystem::remove(impl_->path, gone);
}

Result<void> Socket::listen(const std::filesystem::path& path) {
  static constexpr std::size_t path_max = 107;  // octets; sun_path of Linux
  if (path.native().size() > path_max) return Errc::cannot_listen;
  std::error_code gone;
  std::filesystem::remove(path, gone);
  ErrorCode error;
  impl_->acceptor.open(Protocol(), error);
  // The mode is right from the first moment on: nobody slips in between bind and chmod.
  const mode_t before = ::umask(0177);
  if (!error) impl_->acceptor.bind(Protocol::endpoint(path.native()), error);
  ::umask(before);
  if (!error) impl_->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return Errc::cannot_listen;
  impl_->path = path;
  impl_->accept();
  return {};
}

Result<std::string> ask(const std::filesystem::path& path, std::string_view line) {
  asio::io_context context;
  Protocol::socket socket(context);
  ErrorCode error;
  socket.connect(Protocol::endpoint(path.native()), error);
  if (error) return Errc::not_running;
  asio::write(socket, asio::buffer(std::string(line) + '\n'), error);
  std::string text;
  if (!error) asio::read(socket, asio::dynamic_buffer(text), error);
  if (error != asio::error::eof) return Errc::not_running;
  return text;
}

}  // namespace beckon::server::admin
