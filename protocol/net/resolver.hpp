#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/base/result.hpp"
#include "protocol/net/error.hpp"
#include "protocol/net/loop.hpp"

namespace beckon::net {

/// Finds the addresses of a host.
class Resolver {
 public:
  using Done = std::function<void(Result<std::vector<IpAddress>>)>;
  virtual ~Resolver() = default;
  /// `done` is called later, exactly once, with at least one address or an error (Errc::unknown_host).
  /// An answer for a resolver that is gone is dropped.
  virtual void resolve(std::string_view host, Done done) = 0;
};

/// Address literals, "localhost" (RFC 6761 6.3: always loopback), and A and AAAA records through the system.
class SystemResolver final : public Resolver {
 public:
  explicit SystemResolver(Loop& loop);
  ~SystemResolver() override;
  void resolve(std::string_view host, Done done) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace beckon::net
