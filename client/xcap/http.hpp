#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
#include "protocol/xcap/exchange.hpp"

namespace beckon::client::xcap {

enum class Errc {
  untrusted = 1,  ///< The server's certificate is not trusted, or is for another name.
};
const char* to_string(Errc value);

/// Carries HTTP: the program over TLS (`protocol/net`), the simulation over its virtual network.
class Http {
 public:
  /// Octets of an answer's body: the watch log of a user with 10 000 watchers, each on a line of 400 octets.
  static constexpr std::size_t answer_max = 4 << 20;

  using Done = std::function<void(Result<beckon::xcap::Response> response, Now now)>;

  virtual ~Http() = default;
  /// `request.target` is a path below the server's root. `done` is called once, never from inside.
  virtual void send(beckon::xcap::Request request, Done done) = 0;
};

}  // namespace beckon::client::xcap

BECKON_ERROR_ENUM(beckon::client::xcap, Errc, "beckon.client.xcap")
