#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "protocol/auth/digest.hpp"
#include "protocol/auth/info.hpp"
#include "protocol/auth/verifier.hpp"

using namespace beckon;

/// A challenge that is read prints the same again and can be answered, also with the name hidden; credentials
/// that are read print the same again and can be checked; what a server says of them is read, and never
/// passes for a proof.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto challenge = auth::parse_challenge(text)) {
    if (auth::parse_challenge(auth::print(*challenge)) != challenge) std::abort();
    const auto answer =
        auth::answer(*challenge, {.user = "a", .password = "b", .method = "M", .uri = "u", .cnonce = "c"});
    const auto read = auth::parse_credentials(answer);
    if (!read || read->userhash != challenge->userhash) std::abort();
    const auto info = auth::make_info(*read, "00", "b", challenge->nonce);
    if (auth::parse_info(auth::print(info)) != info) std::abort();
    if (auth::check(info, *read, "00", "b") == auth::Proof::wrong) std::abort();
  }
  if (const auto credentials = auth::parse_credentials(text)) {
    static SeededRandom random(1);
    static auth::Verifier verifier({}, random);
    const auto verdict = verifier.verify(*credentials, {.method = "M", .body = "b", .ha1 = "00"}, Time{});
    if (verdict == auth::Verdict::ok) std::abort();
    (void)auth::is_accepted({}, *credentials);
    (void)auth::print(*credentials);
  }
  if (const auto info = auth::parse_info(text)) {
    if (auth::parse_info(auth::print(*info)) != info) std::abort();
    auth::Credentials sent;
    sent.cnonce = info->cnonce;
    sent.nc = info->nc;
    sent.qop = info->qop;
    if (auth::check(*info, sent, "00", "b") == auth::Proof::right) std::abort();
  }
  return 0;
}
