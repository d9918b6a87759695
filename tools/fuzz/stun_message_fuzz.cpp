#include <cstddef>
#include <cstdint>

#include "protocol/stun/message.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView datagram(data, size);
  const auto answer = stun::make_binding_response(datagram, {}, "fuzz");
  if (answer && !stun::parse_message(*answer)) __builtin_trap();
  const auto message = stun::parse_message(datagram);
  if (!message) return 0;
  stun::Writer writer(message->message_class(), message->method(), message->transaction());
  message->each([&](const stun::Attribute& attribute) {
    writer.add(attribute.type, attribute.value);
    return true;
  });
  if (writer.bytes().size() != size) __builtin_trap();
  message->has_good_fingerprint();
  message->has_good_integrity(as_bytes("key"));
  message->has_good_sha1_integrity(as_bytes("key"));
  message->xor_mapped_address();
  message->error_code();
  message->unknown_required();
  return 0;
}
