#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/bench/load/driver.hpp"

namespace beckon::bench {

/// Some HTTPS connections to 127.0.0.1 that stay open, each with one request at a time. The server's
/// certificate is not verified. One thread.
class HttpsLoad {
 public:
  /// Throws std::runtime_error if there is no connection.
  HttpsLoad(std::uint16_t port, std::size_t connections);
  ~HttpsLoad();
  HttpsLoad(const HttpsLoad&) = delete;
  HttpsLoad& operator=(const HttpsLoad&) = delete;

  /// The text of request `number`; numbers rise over all runs.
  using Make = std::function<std::string(std::uint64_t number)>;
  /// Requests begin for so long; with `requests`, until there were so many. An answer other than 2xx is a
  /// failure. Throws std::runtime_error when a connection ends or nothing comes for 30 s.
  Totals run(const Make& make, double seconds);
  Totals run(const Make& make, std::uint64_t requests);
  /// The last answer that was no 2xx; empty: there was none.
  const std::string& last_failure() const { return last_failure_; }

 private:
  struct Connection;
  template <class More>
  Totals run_while(const Make& make, const More& more);
  void begin(Connection& connection, const Make& make);
  bool take(Connection& connection, Totals& totals);

  std::vector<std::unique_ptr<Connection>> connections_;
  std::uint64_t next_ = 0;
  std::string last_failure_;
};

/// "GET" without a body, or "PUT" with one.
std::string http_request(std::string_view method, std::string_view path, std::string_view type,
                         std::string_view body);

}  // namespace beckon::bench
