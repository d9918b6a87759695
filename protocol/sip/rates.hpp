#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace beckon::sip {

/// How often NOTIFYs come: the parameters of Event and Subscription-State that RFC 6446 9.2 defines, each in
/// units of 10^-10 of a NOTIFY a second, so that a value prints as it was read. 0: absent.
struct Rates {
  static constexpr std::uint64_t per_second = 10'000'000'000;

  std::uint64_t max = 0;
  std::uint64_t min = 0;
  std::uint64_t adaptive_min = 0;

  bool empty() const { return max == 0 && min == 0 && adaptive_min == 0; }
  bool operator==(const Rates&) const = default;
};

/// 1*2DIGIT [ "." 1*10DIGIT ], not zero (RFC 6446 5.1). Nothing: it is none.
std::optional<std::uint64_t> parse_rate(std::string_view text);
std::string print_rate(std::uint64_t rate);

/// The rates among `parameters` (all of a header field, starting with ';'); one that is malformed is absent.
Rates find_rates(std::string_view parameters);
/// ";max-rate=0.2;min-rate=0.01"; empty where there are none.
std::string print(const Rates& rates);

}  // namespace beckon::sip
