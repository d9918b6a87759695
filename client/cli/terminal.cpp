#include "client/cli/terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstdlib>
#include <ctime>

namespace beckon::client::cli {
namespace {

/// Where the terminal does not say how wide it is.
constexpr std::size_t columns_otherwise = 80;

bool is_set(const char* variable) {
  const char* const value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

std::tm to_local(WallTime time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm here{};
  ::localtime_r(&seconds, &here);
  return here;
}

bool understands_sequences() { return is_set("TERM") && std::string_view(std::getenv("TERM")) != "dumb"; }

/// The terminal opened once more: that reads of it do not block must not hold for standard output, which
/// may be the same open file.
int open_keyboard() {
  if (const char* const name = ::ttyname(STDIN_FILENO); name != nullptr)
    if (const int opened = ::open(name, O_RDONLY | O_NOCTTY | O_CLOEXEC); opened >= 0) return opened;
  return ::dup(STDIN_FILENO);
}

}  // namespace

struct Terminal::Impl : std::enable_shared_from_this<Terminal::Impl> {
  Impl(net::Loop& loop, Handlers a_handlers) : handlers(std::move(a_handlers)), keyboard(loop.context()) {}

  void start() {
    is_raw = ::tcgetattr(STDIN_FILENO, &before) == 0;
    set_raw();
    ErrorCode error;
    keyboard.assign(open_keyboard(), error);
    error ? handlers.on_end() : read();
  }

  void set_raw() const {
    if (!is_raw) return;
    termios raw = before;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
    raw.c_iflag &= ~static_cast<tcflag_t>(ICRNL | IXON);
    raw.c_cc[VINTR] = _POSIX_VDISABLE;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  }

  void read() {
    keyboard.async_read_some(boost::asio::buffer(block),
                             [self = shared_from_this()](ErrorCode error, std::size_t size) {
                               if (self->closed) return;
                               if (error) return self->handlers.on_end();
                               self->handlers.on_octets({self->block.data(), size});
                               if (!self->closed) self->read();
                             });
  }

  void leave() {
    if (std::exchange(is_raw, false)) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
  }

  Handlers handlers;
  boost::asio::posix::stream_descriptor keyboard;
  std::array<char, 16384> block{};
  termios before{};
  bool is_raw = false;
  bool closed = false;
};

bool Terminal::is_usable() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1 && understands_sequences();
}

Terminal::Terminal(net::Loop& loop, Handlers handlers)
    : impl_(std::make_shared<Impl>(loop, std::move(handlers))) {
  impl_->start();
}

Terminal::~Terminal() {
  impl_->leave();
  impl_->closed = true;
  ErrorCode ignored;
  impl_->keyboard.close(ignored);
}

void Terminal::write(std::string_view octets) {
  while (!octets.empty()) {
    const auto written = ::write(STDOUT_FILENO, octets.data(), octets.size());
    if (written >= 0) {
      octets.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return;  // it has gone, which reading will say
    }
  }
}

std::size_t Terminal::columns() const {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : columns_otherwise;
}

void Terminal::resume() { impl_->set_raw(); }

void Terminal::leave() { impl_->leave(); }

bool may_colour(int descriptor) {
  return ::isatty(descriptor) == 1 && understands_sequences() && !is_set("NO_COLOR");
}

std::string local_time(WallTime time) {
  const std::tm here = to_local(time);
  return fmt::format("{:02}:{:02}:{:02} {}", here.tm_hour, here.tm_min, here.tm_sec, here.tm_zone);
}

std::string local_date(WallTime time) {
  const std::tm here = to_local(time);
  return fmt::format("{:04}-{:02}-{:02} {}", here.tm_year + 1900, here.tm_mon + 1, here.tm_mday,
                     local_time(time));
}

}  // namespace beckon::client::cli
