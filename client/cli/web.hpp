#pragma once

#include <string>

#include "client/xcap/http.hpp"
#include "protocol/net/https_client.hpp"

namespace beckon::client::cli {

/// The agent's HTTP over HTTPS to one server.
class Web final : public xcap::Http {
 public:
  /// `origin` is "https://host:port".
  Web(net::Loop& loop, net::TlsContextPtr tls, locate::Locator& locator, std::string origin);
  void send(beckon::xcap::Request request, Done done) override;

 private:
  net::Loop& loop_;
  net::HttpsClient client_;
  std::string origin_;
};

/// Splits "https://host:port/xcap" into origin and path.
std::pair<std::string, std::string> split_url(std::string_view url);

}  // namespace beckon::client::cli
