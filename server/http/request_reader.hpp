#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/message.hpp"

namespace beckon::http {

/// The requests of one connection, read from its octets; pure (RFC 9112).
class RequestReader {
 public:
  /// At most so many octets of request line and headers, and of a body.
  RequestReader(std::size_t header_max, std::size_t body_max);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// What the client sent; stays until `next` reads it.
  void push(std::string_view octets);

  struct Arrival {
    HttpRequest request;  ///< Without peer.
    bool is_head = false;
    bool keeps_alive = false;  ///< The client sends further requests on the connection (RFC 9112 9.3).
  };
  struct Reading {
    std::optional<Arrival> arrival;
    int refusal = 0;  ///< Status of the answer to what cannot be read; nothing that follows can be.
  };
  /// The next whole request; neither arrival nor refusal: the client has to send more.
  Reading next();
  /// Does the client wait for 100 Continue (RFC 9110 10.1.1)? True once for each request.
  bool take_continue();
  /// Octets that are held of what has not been given.
  std::size_t held() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace beckon::http
