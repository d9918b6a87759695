#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "protocol/net/sip_transport.hpp"
#include "tests/support/temporary_folder.hpp"

namespace beckon::net::test {

using beckon::test::TemporaryFolder;

/// Long enough for a machine under any load; nothing waits for it unless it is broken.
inline constexpr Duration limit = 20s;

inline const Address loopback{*parse_ip("127.0.0.1"), 0};

/// The longest time between two turns of a loop: a machine under load may hold the process up, and what it
/// did not do then it could not do.
class Pace {
 public:
  explicit Pace(Loop& loop) : loop_(loop), last_(loop.now().mono) {}
  void on_turn() {
    const Time now = loop_.now().mono;
    longest_ = std::max<Duration>(longest_, now - last_);
    last_ = now;
  }
  Duration longest() const { return longest_; }

 private:
  Loop& loop_;
  Time last_;
  Duration longest_{};
};

inline std::string make_message(std::string_view call_id, std::string_view body = {}) {
  return "MESSAGE sip:bob@example.org SIP/2.0\r\n"
         "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKa\r\n"
         "From: <sip:alice@example.org>;tag=1\r\nTo: <sip:bob@example.org>\r\n"
         "Call-ID: " +
         std::string(call_id) +
         "\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\nContent-Type: text/plain\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

/// Notes what the transport reports, and sends messages back where they came from when `echo` is set.
class Recorder final : public Receiver {
 public:
  void on_message(const Hop& from, sip::Message message) override {
    hops.push_back(from);
    call_ids.emplace_back(message.call_id());
    bodies.emplace_back(message.body());
    if (echo) echo->send(from, message.shared_text(), nullptr);
  }
  void on_malformed(const Hop& from, ErrorCode error, std::string_view text) override {
    malformed.emplace_back(error, text);
    if (echo) echo->send(from, share("SIP/2.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), nullptr);
  }
  void on_peer_verified(const Hop& flow, const std::vector<std::string>& names) override {
    verified.emplace_back(flow.flow, names);
  }
  void on_flow_opened(const Hop& flow) override { opened.push_back(flow); }
  void on_flow_closed(FlowId flow) override { closed.push_back(flow); }

  bool has_closed(FlowId flow) const { return std::find(closed.begin(), closed.end(), flow) != closed.end(); }

  SipTransport* echo = nullptr;
  std::vector<Hop> hops, opened;
  std::vector<std::pair<FlowId, std::vector<std::string>>> verified;
  std::vector<std::string> call_ids, bodies;
  std::vector<std::pair<ErrorCode, std::string>> malformed;
  std::vector<FlowId> closed;
};

/// One side: a receiver and its transport.
struct Side {
  explicit Side(Loop& loop, SipTransport::Options options = {})
      : transport(loop, std::move(options), recorder) {}
  Recorder recorder;
  SipTransport transport;
};

/// A server's certificate in a folder of its own, and a client that pins it.
struct Trust {
  explicit Trust(const std::vector<std::string>& names = {"localhost"},
                 const std::vector<IpAddress>& ips = {*parse_ip("127.0.0.1")}) {
    made = make_self_signed(folder / "cert.pem", folder / "key.pem", names, ips).has_value();
    server = TlsContext::server(folder / "cert.pem", folder / "key.pem").value();
    client = TlsContext::client(folder / "cert.pem").value();
  }
  TemporaryFolder folder;
  bool made = false;
  TlsContextPtr server, client;
};

}  // namespace beckon::net::test
