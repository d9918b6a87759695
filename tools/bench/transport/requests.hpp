#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::bench {

/// The requests of one run, made before it, so that making them costs nothing while it runs. The number of a
/// request stands in its branch and so comes back in the response.
class Requests {
 public:
  /// The `write`s of `transport` ("UDP", "TCP", "TLS").
  Requests(std::string kind, std::string transport)
      : kind_(std::move(kind)), transport_(std::move(transport)) {}

  /// 500 octets each, for the echo.
  static Requests echo(std::uint32_t count);
  static Requests options(std::string transport, std::uint32_t count);
  /// REGISTER of `users` in turn, user I being "uI@example.org".
  static Requests registers(std::string transport, std::uint32_t count, std::uint32_t users);
  /// The same with credentials for the nonces in `challenges`, one for each user. Passwords are "secret".
  static Requests registers(std::string transport, std::uint32_t count,
                            const std::vector<std::string>& challenges);

  std::uint32_t size() const { return static_cast<std::uint32_t>(ends_.size()); }
  std::string_view text(std::uint32_t number) const;
  const std::string& kind() const { return kind_; }
  const std::string& transport() const { return transport_; }
  /// The challenges that came in answers 401, by the request's number; kept only when asked for.
  bool keeps_challenges = false;
  std::vector<std::string> challenges;

 private:
  void add(std::string_view text);

  std::string kind_, transport_;
  std::string texts_;
  std::vector<std::size_t> ends_;
};

/// The number of the request an answer is for; nothing when it is none of ours.
std::optional<std::uint32_t> number_in(std::string_view answer);
/// The SHA-256 challenge of a 401; empty when there is none.
std::string challenge_in(std::string_view answer);

}  // namespace beckon::bench
