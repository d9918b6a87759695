#pragma once

#include <functional>
#include <string>

#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
#include "protocol/xcap/exchange.hpp"

namespace beckon::client::xcap {

/// Carries HTTP: the program over TLS (`protocol/net`), the simulation over its virtual network.
class Http {
 public:
  using Done = std::function<void(Result<beckon::xcap::Response> response, Now now)>;

  virtual ~Http() = default;
  /// `request.target` is a path below the server's root. `done` is called once, never from inside.
  virtual void send(beckon::xcap::Request request, Done done) = 0;
};

}  // namespace beckon::client::xcap
