#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "client/account/context.hpp"
#include "client/account/requester.hpp"

namespace beckon::client::message {

/// Octets of a whole MESSAGE request. A longer one needs congestion control on every hop, and the server's
/// next hop may be UDP (RFC 3428 8), so it is not sent.
inline constexpr std::size_t request_max = 1300;

/// MESSAGE requests in their order, one at a time for each URI: "A UAC MUST NOT initiate a new out-of-dialog
/// MESSAGE transaction to a given URI if there is a previous out-of-dialog transaction pending for the same
/// URI" (RFC 3428 8).
class Outbox {
 public:
  /// Called once; `response` is null without answer. What it sends with `send_next` precedes what waits.
  using Done = std::function<void(int status, const sip::Message* response, Now now)>;
  struct Request {
    std::string to{};  ///< Request-URI and To.
    std::string content_type{};
    std::string body{};
    std::string call_id{};
    std::uint32_t cseq = 1;
    std::optional<std::uint32_t> expires{};             ///< In seconds; it says nothing later (RFC 3428 9).
    std::function<void(std::uint32_t cseq)> on_made{};  ///< Before it is sent, once for each attempt.
    Done done{};
  };
  /// Requests under way and waiting, of all URIs.
  static constexpr std::size_t requests_max = 1000;

  explicit Outbox(account::Context& context) : context_(context) {}

  /// Does it stay within `request_max`, with Via and credentials?
  bool fits(const Request& request) const;
  /// False where too many wait: it is not sent, and `done` is not called.
  bool send(Request request, Now now);
  void send_next(Request request, Now now);
  std::size_t size() const { return size_; }

 private:
  sip::Builder make(const Request& request, std::uint32_t cseq) const;
  void start(const std::string& to, Now now);
  void on_final(const std::string& to, int status, const sip::Message* response, Now now);

  account::Context& context_;
  std::map<std::string, std::deque<Request>> queues_;  ///< By URI; the first of each is under way.
  std::size_t size_ = 0;
  account::Life life_;
};

}  // namespace beckon::client::message
