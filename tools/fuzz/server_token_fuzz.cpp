#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>

#include "server/proxy/token.hpp"
#include "server/shard/bucket.hpp"
#include "server/shard/gruu.hpp"
#include "server/shard/route.hpp"

/// A Route user, a tag, a GRUU and a whole request from the network: none crashes what reads our own tokens,
/// and none made up passes for one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const beckon::Bytes key(32, 7);
  static_cast<void>(beckon::server::bucket_in(text));
  const auto token = beckon::server::proxy::open(text, key, "call");
  if (token) assert(beckon::server::proxy::seal(*token, key, "call") == text);
  const beckon::server::Gruus gruus{beckon::crypto::Key32{}};
  const std::string temporary = "sip:tgruu." + text + "@example.org;gr";
  if (const auto uri = beckon::sip::view_uri(temporary)) static_cast<void>(gruus.read(*uri));
  if (const auto uri = beckon::sip::view_uri(text)) static_cast<void>(gruus.read(*uri));
  if (const auto message = beckon::sip::Message::parse(beckon::share(text))) {
    static_cast<void>(beckon::server::place_of(*message, gruus));
  }
  return 0;
}
