#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>

#include "protocol/sip/check.hpp"
#include "server/proxy/gather.hpp"
#include "server/proxy/identity.hpp"
#include "server/proxy/token.hpp"
#include "server/shard/bucket.hpp"
#include "server/shard/gruu.hpp"
#include "server/shard/number.hpp"
#include "server/shard/route.hpp"

/// A Route user, a tag, a GRUU and a whole message from the network: none crashes what reads our own tokens,
/// numbers, Privacy, and what puts refusals together; and none made up passes for a token.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const beckon::Bytes key(32, 7);
  static_cast<void>(beckon::server::bucket_in(text));
  const auto token = beckon::server::proxy::open(text, key, "call");
  const bool is_escaped = text.find('%') != text.npos;  // as some peers write it back
  if (token && !is_escaped) assert(beckon::server::proxy::seal(*token, key, "call") == text);
  const beckon::server::Gruus gruus{beckon::crypto::Key32{}};
  const std::string temporary = "sip:tgruu." + text + "@example.org;gr";
  if (const auto uri = beckon::sip::view_uri(temporary)) static_cast<void>(gruus.read(*uri));
  if (const auto uri = beckon::sip::view_uri(text)) static_cast<void>(gruus.read(*uri));
  if (const auto message = beckon::sip::Message::parse(beckon::share(text))) {
    beckon::sip::Reading reading;
    if (!beckon::sip::check_to_relay(*message, reading))
      static_cast<void>(beckon::server::place_of(*message, reading, beckon::server::bucket_in(text), gruus));
    static_cast<void>(beckon::server::name_user(*message, {}));
    static_cast<void>(beckon::server::proxy::privacy_failure(*message));
    static_cast<void>(beckon::server::proxy::proxy_require_to_forward(*message));
    const beckon::sip::Message* const others[] = {&*message, &*message};
    static_cast<void>(beckon::server::proxy::gather(*message, others));
  }
  return 0;
}
