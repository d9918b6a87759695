#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <utility>

#include "client/xcap/http.hpp"

namespace beckon::client {

/// The HTTP server of a test: requests wait until the test answers them.
class FakeHttp final : public xcap::Http {
 public:
  using Request = beckon::xcap::Request;
  using Response = beckon::xcap::Response;

  void send(Request request, Done done) override { waiting.push_back({std::move(request), std::move(done)}); }
  Request answer(Result<Response> response) {
    REQUIRE_FALSE(waiting.empty());
    auto [request, done] = std::move(waiting.front());
    waiting.pop_front();
    done(std::move(response), Now{});
    return request;
  }
  Request answer(unsigned status, std::string etag = "", std::string body = "") {
    Response response;
    response.status = status;
    response.etag = std::move(etag);
    response.body = std::move(body);
    return answer(Result<Response>(std::move(response)));
  }
  Request challenge(const std::string& nonce) {
    Response response;
    response.status = 401;
    response.headers.emplace_back("www-authenticate", "Digest realm=\"example.org\", nonce=\"" + nonce +
                                                          "\", qop=\"auth\", algorithm=SHA-256");
    return answer(Result<Response>(std::move(response)));
  }
  std::deque<std::pair<Request, Done>> waiting;
};

}  // namespace beckon::client
