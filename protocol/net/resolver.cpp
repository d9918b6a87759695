#include "protocol/net/resolver.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "protocol/base/text.hpp"
#include "protocol/net/asio.hpp"

namespace beckon::net {
namespace {

using boost::asio::ip::udp;

std::optional<std::vector<IpAddress>> known(std::string_view host) {
  if (const auto ip = parse_ip(host)) return std::vector{*ip};
  const std::string name = to_lower(host);
  if (name == "localhost" || name.ends_with(".localhost"))
    return std::vector{*parse_ip("127.0.0.1"), *parse_ip("::1")};
  return std::nullopt;
}

}  // namespace

struct SystemResolver::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(Loop& owner) : loop(owner), resolver(owner.context()) {}

  void answer(Result<std::vector<IpAddress>> result, const Done& done) {
    if (!gone) done(std::move(result));
  }

  void look_up(std::string_view host, Done done) {
    resolver.async_resolve(
        host, "",
        [self = shared_from_this(), done = std::move(done)](const ErrorCode& error, const auto& found) {
          std::vector<IpAddress> ips;
          if (!error)
            for (const auto& entry : found) ips.push_back(from_asio(entry.endpoint().address()));
          if (ips.empty()) return self->answer(ErrorCode(Errc::unknown_host), done);
          self->answer(std::move(ips), done);
        });
  }

  Loop& loop;
  udp::resolver resolver;
  bool gone = false;
};

SystemResolver::SystemResolver(Loop& loop) : impl_(std::make_shared<Impl>(loop)) {}

SystemResolver::~SystemResolver() {
  impl_->gone = true;
  impl_->resolver.cancel();
}

void SystemResolver::resolve(std::string_view host, Done done) {
  if (auto ips = known(host)) {
    impl_->loop.post(
        [impl = impl_, ips = std::move(*ips), done = std::move(done)] { impl->answer(ips, done); });
    return;
  }
  impl_->look_up(host, std::move(done));
}

}  // namespace beckon::net
