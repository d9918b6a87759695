#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace beckon::bench {

/// What a forwarding proxy reads of a message. Views live until the subject's next call.
struct Facts {
  std::string_view host;        ///< Of the Request-URI; empty for a response.
  std::string_view branch;      ///< Of the top Via.
  std::string_view route_host;  ///< Of the first Route; empty without one.
  std::string_view from_tag, to_tag, call_id, method;
  std::uint32_t cseq = 0;
  std::uint32_t max_forwards = 0;

  bool operator==(const Facts&) const = default;
};

/// One library under the measure. Each call is one message's worth of work, memory given back at its end or
/// at the start of the next.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual const char* name() const = 0;
  /// The cheapest way to the facts from octets that lie in the caller's buffer.
  virtual Facts index(std::string_view octets) = 0;
  /// Every header for which the library has a type is read into it. Gives the number of values read.
  virtual std::size_t full(std::string_view octets) = 0;
  /// Reads like `full` and keeps the message for `print`.
  virtual void keep(std::string_view octets) = 0;
  /// Writes the message last kept from its values into one text; empty where the library cannot.
  virtual std::string_view print() = 0;
  /// From octets to octets, as a proxy: our Via on top, the first Route dropped, Max-Forwards lessened; of a
  /// response the top Via dropped.
  virtual std::string_view forward(std::string_view octets) = 0;
};

inline constexpr std::string_view our_via = "SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK.s0.0123456789abcdef";

std::unique_ptr<Subject> make_beckon();
std::unique_ptr<Subject> make_osip();
std::unique_ptr<Subject> make_re();
std::unique_ptr<Subject> make_sofia();

}  // namespace beckon::bench
