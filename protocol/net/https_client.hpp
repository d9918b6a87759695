#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/locate/locator.hpp"
#include "protocol/net/error.hpp"
#include "protocol/net/loop.hpp"
#include "protocol/net/tls.hpp"

namespace beckon::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpsRequest {
  std::string method = "GET";
  std::string url{};      ///< "https://host[:port]/path?query"; what follows the host is sent as written.
  HttpHeaders headers{};  ///< Host, Content-Length, User-Agent and Connection are added.
  std::string body{};
  Duration timeout = 10s;                         ///< From the call to the last octet of the answer.
  std::size_t body_limit = std::size_t{1} << 20;  ///< Octets of the answer's body.
};

struct HttpsResponse {
  int status = 0;
  HttpHeaders headers;
  std::string body;
  std::string_view header(std::string_view name) const;  ///< Any case; empty when absent.
};

/// HTTPS requests from a loop, one connection each. The certificate must name the URL's host. Redirects are
/// the caller's to follow.
class HttpsClient {
 public:
  HttpsClient(Loop& loop, TlsContextPtr tls, locate::Locator& locator);
  /// Requests still running are dropped without a call.
  ~HttpsClient();
  HttpsClient(const HttpsClient&) = delete;
  HttpsClient& operator=(const HttpsClient&) = delete;

  /// `done` is called later, exactly once.
  void request(HttpsRequest request, std::function<void(Result<HttpsResponse>)> done);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace beckon::net
