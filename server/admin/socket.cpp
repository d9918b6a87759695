#include "server/admin/socket.hpp"

#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string>
#include <utility>

namespace beckon::server::admin {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

std::filesystem::path socket_path(const std::filesystem::path& data) { return data / "admin.sock"; }

std::string refusal(std::string_view reason) {
  return boost::json::serialize(boost::json::object{{"event", "refused"}, {"reason", reason}}) + '\n';
}

std::optional<std::string> reason_of_refusal(std::string_view answer) {
  boost::json::error_code error;
  const auto value = boost::json::parse(answer, error);
  if (error || !value.is_object()) return std::nullopt;
  return reason_of_refusal(value.as_object());
}

std::optional<std::string> reason_of_refusal(const boost::json::object& answer) {
  const auto* name = answer.if_contains("event");
  if (name == nullptr || *name != "refused") return std::nullopt;
  const auto* reason = answer.if_contains("reason");
  return reason != nullptr && reason->is_string() ? std::string(reason->as_string()) : "no reason given";
}

namespace {

/// One question and its answer; keeps itself alive.
class Session final : public Reply, public std::enable_shared_from_this<Session> {
 public:
  Session(Protocol::socket socket, Socket::Handler handler)
      : socket_(std::move(socket)), handler_(std::move(handler)) {}

  void read() {
    asio::async_read_until(socket_, asio::dynamic_buffer(line_, Socket::line_max), '\n',
                           [self = shared_from_this()](const ErrorCode& error, std::size_t size) {
                             if (!error) self->handle(size);
                             if (error == asio::error::not_found) self->skip();
                           });
  }

  void send(std::string text, std::function<void()> then) override {
    text_ = std::move(text);
    asio::async_write(
        socket_, asio::buffer(text_),
        [self = shared_from_this(), then = std::move(then)](const ErrorCode& error, std::size_t) {
          if (error) self->open_ = false;
          then();
        });
  }
  void finish(std::string text) override {
    send(std::move(text), [self = shared_from_this()] {
      ErrorCode ignored;
      self->socket_.shutdown(Protocol::socket::shutdown_both, ignored);
    });
  }
  bool is_open() const override { return open_; }

 private:
  /// The line is too long. It is read to its end all the same: closing with unread octets resets the
  /// connection, and the answer may be lost.
  void skip() {
    too_long_ = true;
    line_.clear();
    read();
  }

  void handle(std::size_t size) {
    std::string line = line_.substr(0, size - 1);
    watch();
    if (too_long_)
      return finish(refusal("the question is longer than " + std::to_string(Socket::line_max) + " octets"));
    handler_(std::move(line), shared_from_this());
  }

  /// A client sends nothing after its question: what can be read now is its end.
  void watch() {
    socket_.async_wait(Protocol::socket::wait_read, [self = shared_from_this()](const ErrorCode&) {
      char octet = 0;
      ErrorCode error;
      self->socket_.non_blocking(true, error);
      self->socket_.receive(asio::buffer(&octet, 1), 0, error);
      if (error != asio::error::would_block) self->open_ = false;
    });
  }

  Protocol::socket socket_;
  Socket::Handler handler_;
  std::string line_;
  bool too_long_ = false;
  std::string text_;
  bool open_ = true;
};

}  // namespace

struct Socket::Impl : std::enable_shared_from_this<Impl> {
  Impl(net::Loop& l, Handler h) : loop(l), acceptor(l.context()), handler(std::move(h)) {}

  void accept() {
    acceptor.async_accept([self = shared_from_this()](const ErrorCode& error, Protocol::socket socket) {
      if (!self->acceptor.is_open()) return;
      if (error) return self->accept_later();
      std::make_shared<Session>(std::move(socket), self->handler)->read();
      self->accept();
    });
  }
  void accept_later() {
    loop.timers().set(loop.now().mono + pause, [weak = weak_from_this()](Time) {
      if (const auto self = weak.lock(); self && self->acceptor.is_open()) self->accept();
    });
  }

  net::Loop& loop;
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
  // The mode is right from the start: no other user can connect between bind and chmod.
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
  std::string text;
  const auto asked = listen(path, line, [&](std::string_view part) {
    if (!text.empty()) text += '\n';
    text += part;
  });
  if (!asked) return asked.error();
  return text;
}

Result<void> listen(const std::filesystem::path& path, std::string_view line,
                    const std::function<void(std::string_view line)>& on_line) {
  asio::io_context context;
  Protocol::socket socket(context);
  ErrorCode error;
  socket.connect(Protocol::endpoint(path.native()), error);
  if (error) return Errc::not_running;
  asio::write(socket, asio::buffer(std::string(line) + '\n'), error);
  std::string text;
  while (!error) {
    const std::size_t size = asio::read_until(socket, asio::dynamic_buffer(text), '\n', error);
    if (error) break;
    on_line(std::string_view(text).substr(0, size - 1));
    text.erase(0, size);
  }
  if (error != asio::error::eof) return Errc::not_running;
  if (!text.empty()) on_line(text);
  return {};
}

}  // namespace beckon::server::admin
