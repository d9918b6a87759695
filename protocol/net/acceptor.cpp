#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <map>

#include "protocol/base/log.hpp"
#include "protocol/net/asio.hpp"
#include "protocol/net/channel.hpp"
#include "protocol/net/source_address.hpp"
#include "protocol/net/stream_channel.hpp"

namespace beckon::net {
namespace {

using boost::asio::ip::tcp;
using v6_only = boost::asio::ip::v6_only;

// When the process has no descriptor left, a connection must close first.
constexpr Duration pause_after_error = 100ms;

}  // namespace

struct Acceptor::Impl : std::enable_shared_from_this<Impl> {
  using Target = std::pair<Loop*, OnChannel>;

  explicit Impl(Loop& owner) : loop(owner), acceptor(owner.context()), pause(owner.timers()) {}

  Result<Address> listen(const Address& address);
  void accept();
  void on_accepted(const ErrorCode& error, tcp::socket socket, const Target& target);
  bool admit(const IpAddress& ip);
  std::shared_ptr<void> make_admission(const IpAddress& ip);
  void release(const IpAddress& ip);
  static void open(std::shared_ptr<StreamChannel> channel, const OnChannel& on_channel);

  Loop& loop;
  tcp::acceptor acceptor;
  Options options;
  std::vector<Target> targets;
  std::size_t next = 0;
  std::size_t total = 0;
  std::map<IpAddress, std::size_t> per_address;
  Timer pause;
};

Result<Address> Acceptor::Impl::listen(const Address& address) {
  const tcp::endpoint endpoint = to_tcp(address);
  ErrorCode error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) acceptor.set_option(v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) {
    ErrorCode ignored;
    acceptor.close(ignored);
    return error;
  }
  const Address bound = from_asio(acceptor.local_endpoint(error));
  accept();
  return bound;
}

void Acceptor::Impl::accept() {
  const Target target = targets[next++ % targets.size()];
  acceptor.async_accept(target.first->context(),
                        [self = shared_from_this(), target](const ErrorCode& error, tcp::socket socket) {
                          self->on_accepted(error, std::move(socket), target);
                        });
}

void Acceptor::Impl::on_accepted(const ErrorCode& error, tcp::socket socket, const Target& target) {
  if (!acceptor.is_open()) return;
  if (error && error != boost::asio::error::connection_aborted) {
    log::warn("net", "cannot accept: {}", error.message());
    pause.set(loop.now().mono + pause_after_error, [this](Time) { accept(); });
    return;
  }
  accept();
  ErrorCode gone;
  const auto remote = socket.remote_endpoint(gone);
  if (error || gone) return;
  const Address from = from_asio(remote);
  const IpAddress ip = from.ip;
  if (!admit(ip)) return;
  // The socket is already the other loop's; it is only carried there.
  auto carried = std::make_shared<tcp::socket>(std::move(socket));
  target.first->post([carried, target, from, admission = make_admission(counted_as(ip)), chosen = options] {
    auto channel =
        std::make_shared<StreamChannel>(*target.first, std::move(*carried), from, chosen.tls, chosen.limits);
    channel->hold(admission);
    open(std::move(channel), target.second);
  });
}

void Acceptor::Impl::open(std::shared_ptr<StreamChannel> channel, const OnChannel& on_channel) {
  channel->accept_handshake([channel, on_channel](const ErrorCode& error) {
    if (!error) return on_channel(channel);
    log::debug("net", "{}: TLS handshake: {}", print(channel->remote()), error.message());
    channel->close(error);
  });
}

bool Acceptor::Impl::admit(const IpAddress& ip) {
  const bool trusted = options.trusted ? options.trusted(ip) : ip.is_loopback();
  if (total >= options.connections) return false;
  const auto open = per_address.find(counted_as(ip));
  if (!trusted && open != per_address.end() && open->second >= options.connections_per_address) {
    log::debug("net", "{}: more than {} connections", print(ip), options.connections_per_address);
    return false;
  }
  return true;
}

std::shared_ptr<void> Acceptor::Impl::make_admission(const IpAddress& ip) {
  ++total;
  ++per_address[ip];
  return {this, [weak = weak_from_this(), owner = &loop, ip](void*) {
            if (weak.expired()) return;
            owner->post([weak, ip] {
              if (const auto self = weak.lock()) self->release(ip);
            });
          }};
}

void Acceptor::Impl::release(const IpAddress& ip) {
  --total;
  const auto found = per_address.find(ip);
  if (--found->second == 0) per_address.erase(found);
}

Acceptor::Acceptor(Loop& loop) : impl_(std::make_shared<Impl>(loop)) {}

Acceptor::~Acceptor() {
  ErrorCode ignored;
  impl_->acceptor.close(ignored);
  impl_->pause.cancel();
  impl_->targets.clear();
}

Result<Address> Acceptor::listen(const Address& address, Options options, OnChannel on_channel) {
  impl_->options = std::move(options);
  impl_->targets = {{&impl_->loop, std::move(on_channel)}};
  return impl_->listen(address);
}

void Acceptor::spread(std::vector<std::pair<Loop*, OnChannel>> targets) {
  impl_->targets = std::move(targets);
}

}  // namespace beckon::net
