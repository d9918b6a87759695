#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "protocol/trace/recorder.hpp"

namespace beckon::trace {

/// What is shown of one message; it holds no secret. Texts are a peer's and may hold any octet but those
/// of secrets.
struct Line {
  WallTime time;
  Direction direction = Direction::received;
  std::string protocol;     ///< "udp", "tcp", "tls", "ws", "wss".
  std::string peer;         ///< "192.0.2.1:5060".
  std::string method;       ///< Of a response the CSeq's. Empty where none could be read.
  std::string request_uri;  ///< Empty for a response.
  int status = 0;           ///< 0 for a request.
  std::string reason;       ///< Reason phrase of a response.
  std::string from, to;     ///< Addresses-of-record; empty where unreadable.
  std::string call_id;
  std::string cseq;   ///< "1 REGISTER".
  std::string event;  ///< "presence"; with a Subscription-State "presence, active".
  std::size_t size = 0;
  bool repeated = false;  ///< The same octets crossed before: a retransmission.
  std::string problem;    ///< Not empty: could not be read, and why.
  std::string text;       ///< The masked message, where asked for.
};

/// How much of a message is shown.
enum class Detail : std::uint8_t {
  line,
  full,     ///< Its text, too, without what people write to each other (`mask_writing`).
  writing,  ///< And that.
};

/// Reads one message through the mask: what is in the result was masked before it was parsed.
Line make_line(const Entry& entry, Detail detail);

/// "SUBSCRIBE sip:alice@example.org (presence)", "200 OK (SUBSCRIBE)".
std::string summary(const Line& line);

/// True for the lines of `who`: a Call-ID, or an address-of-record ("alice@example.org", with or without
/// "sip:") that stands in From, To or the Request-URI. Empty: all lines.
bool is_about(const Line& line, std::string_view who);

/// The event "trace" of the contract in client/control, without its text when there is none. Texts that are
/// no UTF-8 have '?' for what is not ASCII.
boost::json::object to_json(const Line& line);
/// Reads what `to_json` made; members that are absent stay empty.
Line from_json(const boost::json::object& event);

/// Knows messages again. It remembers 64 bits for each of the last few thousand; two messages are taken for
/// one with a chance of 2^-64.
class Repeats {
 public:
  /// True when this message crossed between the same ends in the same direction before.
  bool seen(const Entry& entry);

 private:
  static constexpr std::size_t most = 8192;
  std::unordered_set<std::size_t> known_, older_;
};

}  // namespace beckon::trace
