#include "protocol/auth/algorithm.hpp"

#include <array>

#include "protocol/base/text.hpp"

namespace beckon::auth {

namespace {

/// In the order of Algorithm.
constexpr std::array<std::string_view, 6> algorithm_names{"MD5",          "MD5-sess",    "SHA-256",
                                                          "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"};

}  // namespace

std::optional<Algorithm> parse_algorithm(std::string_view text) {
  if (text.empty()) return Algorithm::md5;
  for (std::size_t i = 0; i < algorithm_names.size(); ++i) {
    if (iequals(text, algorithm_names[i])) return static_cast<Algorithm>(i);
  }
  return std::nullopt;
}

std::string_view to_string(Algorithm algorithm) {
  return algorithm_names[static_cast<std::size_t>(algorithm)];
}

crypto::Hash hash_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::md5:
    case Algorithm::md5_sess:
      return crypto::Hash::md5;
    case Algorithm::sha256:
    case Algorithm::sha256_sess:
      return crypto::Hash::sha256;
    case Algorithm::sha512_256:
    case Algorithm::sha512_256_sess:
      break;
  }
  return crypto::Hash::sha512_256;
}

bool is_session(Algorithm algorithm) { return static_cast<int>(algorithm) % 2 == 1; }

int strength(Algorithm algorithm) { return static_cast<int>(algorithm) / 2; }

std::optional<Qop> parse_qop(std::string_view text) {
  if (iequals(text, "auth")) return Qop::auth;
  if (iequals(text, "auth-int")) return Qop::auth_int;
  return std::nullopt;
}

std::string_view to_string(Qop qop) {
  switch (qop) {
    case Qop::auth:
      return "auth";
    case Qop::auth_int:
      return "auth-int";
    case Qop::none:
      break;
  }
  return {};
}

std::string hex_digest(Algorithm algorithm, std::string_view text) {
  return to_hex(crypto::hash(hash_of(algorithm), as_bytes(text)));
}

}  // namespace beckon::auth
