#include "client/cli/remote.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace beckon::client::cli {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

/// Octets of one event; the history of a user is some megabytes.
constexpr std::size_t event_max = std::size_t{64} << 20U;

}  // namespace

struct Remote::Impl : std::enable_shared_from_this<Impl> {
  Impl(net::Loop& loop, Handlers a_handlers) : handlers(std::move(a_handlers)), socket(loop.context()) {}

  void read() {
    asio::async_read_until(socket, asio::dynamic_buffer(in, event_max), '\n',
                           [self = shared_from_this()](const ErrorCode& error, std::size_t size) {
                             if (self->closed) return;
                             if (error) return self->handlers.on_end();
                             self->take(size);
                             if (!self->closed) self->read();
                           });
  }

  void take(std::size_t size) {
    boost::json::error_code error;
    auto event = boost::json::parse({in.data(), size - 1}, error);
    in.erase(0, size);
    if (!error && event.is_object()) handlers.on_event(std::move(event.as_object()));
  }

  Handlers handlers;
  Protocol::socket socket;
  std::string in;
  bool closed = false;
};

Remote::Remote(net::Loop& loop, Handlers handlers)
    : impl_(std::make_shared<Impl>(loop, std::move(handlers))) {}

Remote::~Remote() {
  impl_->closed = true;
  ErrorCode ignored;
  impl_->socket.close(ignored);
}

Result<void> Remote::connect(const std::filesystem::path& socket) {
  ErrorCode error;
  impl_->socket.connect(Protocol::endpoint(socket.native()), error);
  if (error) return error;
  impl_->read();
  return {};
}

void Remote::execute(const control::Command& command) {
  boost::json::object line;
  if (!command.id.empty()) line["id"] = command.id;
  line["command"] = command.name();
  for (const auto& argument : command.arguments) line.insert(argument);
  // The agent has another working folder.
  for (const char* file : {"play", "record"}) {
    auto* value = line.if_contains(file);
    if (value != nullptr && value->is_string())
      *value = std::filesystem::absolute(std::string(value->as_string())).string();
  }
  ErrorCode gone;  // the end is read
  asio::write(impl_->socket, asio::buffer(boost::json::serialize(line) + '\n'), gone);
}

}  // namespace beckon::client::cli
