#include "client/cli/input.hpp"

#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "client/control/command.hpp"

namespace beckon::client::cli {

struct Input::Impl : std::enable_shared_from_this<Input::Impl> {
  Impl(net::Loop& a_loop, Handlers a_handlers)
      : loop(a_loop), handlers(std::move(a_handlers)), descriptor(a_loop.context()) {}

  void start() {
    ErrorCode error;
    descriptor.assign(::dup(STDIN_FILENO), error);
    // A regular file cannot be waited for, and it is always readable.
    error ? read_file() : read();
  }

  void read() {
    descriptor.async_read_some(boost::asio::buffer(block),
                               [self = shared_from_this()](ErrorCode error, std::size_t size) {
                                 if (self->closed) return;
                                 if (error) return self->end();
                                 self->take(size);
                                 if (!self->closed) self->read();
                               });
  }

  void read_file() {
    loop.post([self = shared_from_this()] {
      if (self->closed) return;
      const auto size = ::read(STDIN_FILENO, self->block.data(), self->block.size());
      if (size <= 0) return self->end();
      self->take(static_cast<std::size_t>(size));
      if (!self->closed) self->read_file();
    });
  }

  void take(std::size_t size) {
    for (std::size_t i = 0; i < size && !closed; ++i) {
      if (block[i] == '\n') {
        finish_line();
      } else if (line.size() <= control::line_max) {
        line.push_back(block[i]);
      }
    }
  }

  void finish_line() {
    std::string whole = std::exchange(line, {});
    if (!whole.empty() && whole.back() == '\r') whole.pop_back();
    whole.size() > control::line_max ? handlers.on_too_long() : handlers.on_line(std::move(whole));
  }

  void end() {
    if (!line.empty()) finish_line();
    if (!closed) handlers.on_end();
  }

  net::Loop& loop;
  Handlers handlers;
  boost::asio::posix::stream_descriptor descriptor;
  std::array<char, 4096> block{};
  std::string line;
  bool closed = false;
};

Input::Input(net::Loop& loop, Handlers handlers) : impl_(std::make_shared<Impl>(loop, std::move(handlers))) {
  impl_->start();
}

Input::~Input() {
  impl_->closed = true;
  ErrorCode ignored;
  impl_->descriptor.close(ignored);
}

}  // namespace beckon::client::cli
