#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/time.hpp"
#include "protocol/locate/error.hpp"

namespace beckon::locate {

/// The DNS records that lead to a SIP server.
enum class Type : std::uint16_t { a = 1, aaaa = 28, srv = 33, naptr = 35 };
const char* to_string(Type type);

struct Question {
  std::string name;  ///< Lower case, without the dot at its end.
  Type type = Type::a;
  auto operator<=>(const Question&) const = default;
};

/// RFC 2782.
struct Srv {
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string target;  ///< Empty for ".": the service is decidedly not there.
  bool operator==(const Srv&) const = default;
};

/// RFC 3403 4.1.
struct Naptr {
  std::uint16_t order = 0;
  std::uint16_t preference = 0;
  std::string flags;    ///< As received.
  std::string service;  ///< "SIP+D2U"; as received.
  std::string regexp;
  std::string replacement;  ///< Empty for ".".
  bool operator==(const Naptr&) const = default;
};

/// Records of one answer that are kept; more are dropped (the best known domains have ten).
inline constexpr std::size_t max_records = 32;

/// What the DNS says to a question.
struct Answer {
  enum class Kind {
    found,    ///< There are records, or an alias to ask for.
    no_data,  ///< The name exists, records of this type do not.
    no_name,  ///< NXDOMAIN.
    failed,   ///< No answer, SERVFAIL, or nonsense.
  };
  Kind kind = Kind::failed;
  std::vector<IpAddress> addresses{};  ///< Of a and aaaa.
  std::vector<Srv> services{};
  std::vector<Naptr> pointers{};
  std::string alias{};  ///< The records are at this name, and did not come along (CNAME).
  /// How long it holds: the least of its records; without records the SOA's minimum (RFC 2308 5), zero
  /// where there is none.
  Duration ttl{};
  bool operator==(const Answer&) const = default;
};

/// Reads a whole DNS message (RFC 1035 4) that came as the answer to `question`. CNAMEs in it are followed, a
/// loop of them is refused. Errors: Errc::bad_answer.
Result<Answer> read_answer(const Question& question, ByteView message);

/// Where questions go: `net::DnsClient`, or a table of a test.
class Dns {
 public:
  using Done = std::function<void(const Answer&)>;
  virtual ~Dns() = default;
  /// `done` is called later, exactly once, within the time the name servers are given; never from inside the
  /// call, and not after the end of the Dns.
  virtual void ask(const Question& question, Done done) = 0;
};

}  // namespace beckon::locate
