#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/address.hpp"

namespace beckon::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// One whole HTTP request, as it came.
struct HttpRequest {
  std::string method;
  std::string target;  ///< Path and query as written, escapes kept.
  Headers headers;
  std::string body;
  Address peer;
  bool secure = false;
  /// Value of the first line of that name (any case); empty when absent.
  std::string_view header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  Headers headers{};  ///< Content-Length, Date, Server and Connection are added.
  std::string body{};
};

/// Answers one request; from the server's loop, once, at once or later. When the last copy is destroyed
/// unused, on whatever thread, the request is answered 500.
using Respond = std::function<void(HttpResponse)>;

std::string_view default_reason(int status);

}  // namespace beckon::http
