#include <cstddef>
#include <cstdint>

#include "media/ice/lite.hpp"
#include "protocol/stun/message.hpp"

using namespace beckon;

/// A datagram on the port of a call: what it nominates must have been made with the password.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView datagram(data, size);
  const Address from{{IpAddress::Family::v4, {192, 0, 2, 20}}, 40002};
  ice::Lite lite({"ours", "the-password-of-our-end-1"});
  const auto outcome = lite.on_datagram(from, datagram);
  if (outcome.answer && !stun::parse_message(*outcome.answer)) __builtin_trap();
  const auto check = stun::parse_message(datagram);
  if ((outcome.nominated || lite.has_checked(from)) &&
      !(check && check->has_good_sha1_integrity(as_bytes(lite.own().password))))
    __builtin_trap();
  return 0;
}
