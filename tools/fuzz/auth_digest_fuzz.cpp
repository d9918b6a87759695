#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "protocol/auth/digest.hpp"
#include "protocol/auth/verifier.hpp"

using namespace beckon;

/// A challenge that is read prints the same again and can be answered; credentials that are read print the
/// same again and can be checked.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto challenge = auth::parse_challenge(text)) {
    if (auth::parse_challenge(auth::print(*challenge)) != challenge) std::abort();
    const auto answer =
        auth::answer(*challenge, {.user = "a", .password = "b", .method = "M", .uri = "u", .cnonce = "c"});
    if (!auth::parse_credentials(answer)) std::abort();
  }
  if (const auto credentials = auth::parse_credentials(text)) {
    static SeededRandom random(1);
    static auth::Verifier verifier({}, random);
    const auto verdict = verifier.verify(*credentials, {.method = "M", .body = "b", .ha1 = "00"}, Time{});
    if (verdict == auth::Verdict::ok) std::abort();
    (void)auth::print(*credentials);
  }
  return 0;
}
