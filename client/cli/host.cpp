#include "client/cli/host.hpp"

#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <map>

#include "client/cli/control_socket.hpp"

namespace beckon::client::cli {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using Number = background::Hub::Number;

/// One controller's connection.
struct Connection {
  explicit Connection(Protocol::socket a_socket) : socket(std::move(a_socket)) {}
  Protocol::socket socket;
  std::string in, out;
  bool writing = false;
};

}  // namespace

struct Host::Impl : std::enable_shared_from_this<Impl> {
  Impl(net::Loop& a_loop, background::Hub::Agent agent, std::string home)
      : loop(a_loop), acceptor(a_loop.context()), hub(std::move(agent), std::move(home), {}) {}

  void accept() {
    acceptor.async_accept([self = shared_from_this()](const ErrorCode& error, Protocol::socket socket) {
      if (!self->acceptor.is_open()) return;
      if (!error) self->welcome(std::move(socket));
      // Out of descriptors: once the loop has had its turn there may be some.
      self->loop.post([self] {
        if (self->acceptor.is_open()) self->accept();
      });
    });
  }

  void welcome(Protocol::socket socket) {
    const auto number = hub.attach();
    if (!number) return;  // closed: there are too many
    const auto connection = std::make_shared<Connection>(std::move(socket));
    connections[*number] = connection;
    read(*number, connection);
    flush();
  }

  void read(Number number, const std::shared_ptr<Connection>& connection) {
    asio::async_read_until(
        connection->socket, asio::dynamic_buffer(connection->in, control::line_max + 1), '\n',
        [self = shared_from_this(), number, connection](const ErrorCode& error, std::size_t size) {
          if (!self->connections.contains(number)) return;
          if (error) return self->drop(number);  // it has gone, or its line does not end
          const std::string line = connection->in.substr(0, size - 1);
          connection->in.erase(0, size);
          self->hub.on_line(number, line);
          self->flush();
          if (self->connections.contains(number)) self->read(number, connection);
        });
  }

  /// Hands what waits to the sockets that write nothing at present.
  void flush() {
    for (const Number number : hub.waiting()) {
      const auto found = connections.find(number);
      if (found == connections.end()) continue;
      if (hub.is_lost(number)) {
        drop(number);
      } else if (!found->second->writing) {
        write(number, found->second);
      }
    }
  }

  void write(Number number, const std::shared_ptr<Connection>& connection) {
    connection->out = hub.take(number);
    connection->writing = true;
    asio::async_write(connection->socket, asio::buffer(connection->out),
                      [self = shared_from_this(), number, connection](const ErrorCode& error, std::size_t) {
                        connection->writing = false;
                        if (!self->connections.contains(number)) return;
                        error ? self->drop(number) : self->flush();
                      });
  }

  void drop(Number number) {
    const auto connection = connections.find(number);
    if (connection == connections.end()) return;
    ErrorCode ignored;
    connection->second->socket.close(ignored);
    connections.erase(connection);
    hub.detach(number);
  }

  void close() {
    ErrorCode ignored;
    acceptor.close(ignored);
    for (const auto& [number, connection] : connections) {
      if (!connection->writing) {
        connection->out = hub.take(number);
        connection->socket.non_blocking(true, ignored);
        connection->socket.write_some(asio::buffer(connection->out), ignored);
      }
      connection->socket.close(ignored);
    }
    connections.clear();
    std::error_code gone;
    if (!path.empty()) std::filesystem::remove(path, gone);
    path.clear();
  }

  net::Loop& loop;
  Protocol::acceptor acceptor;
  background::Hub hub;
  std::map<Number, std::shared_ptr<Connection>> connections;
  std::filesystem::path path;
};

Host::Host(net::Loop& loop, background::Hub::Agent agent, std::string home)
    : impl_(std::make_shared<Impl>(loop, std::move(agent), std::move(home))) {}

Host::~Host() { impl_->close(); }

Result<void> Host::listen(const std::filesystem::path& path) {
  if (const auto prepared = prepare_folder(path); !prepared) return prepared.error();
  if (has_agent(path)) return make_error_code(boost::system::errc::address_in_use);
  std::error_code gone;
  std::filesystem::remove(path, gone);
  ErrorCode error;
  impl_->acceptor.open(Protocol(), error);
  const mode_t before = ::umask(0177);  // the mode is right from the start
  if (!error) impl_->acceptor.bind(Protocol::endpoint(path.native()), error);
  ::umask(before);
  if (!error) impl_->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return error;
  impl_->path = path;
  impl_->accept();
  return {};
}

void Host::on_event(const boost::json::object& event) {
  impl_->hub.on_event(event);
  impl_->flush();
}

void Host::close() { impl_->close(); }

}  // namespace beckon::client::cli
