#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "media/dtls/association.hpp"
#include "tools/fuzz/pieces.hpp"

using namespace beckon;

namespace {

const Address alice_at{{IpAddress::Family::v4, {192, 0, 2, 20}}, 40002};
const Address bob_at{{IpAddress::Family::v4, {192, 0, 2, 10}}, 40000};

}  // namespace

/// A handshake of two ends. The input says, datagram by datagram, whether it arrives as sent, with some
/// octets changed, or replaced by the fuzzer's own; both ends may never have different keys.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  static const dtls::Identity alice, bob;
  std::vector<Bytes> from_alice, from_bob;
  Time now{Duration(1'000'000)};
  const auto into = [](std::vector<Bytes>& out) {
    return [&out](const Address&, ByteView datagram) { out.emplace_back(datagram.begin(), datagram.end()); };
  };
  dtls::Association caller(alice, into(from_alice));
  dtls::Association callee(bob, into(from_bob));
  callee.agree({dtls::Role::client, {alice.fingerprint()}, {}}, now);
  callee.set_remote(alice_at, false, now);
  caller.set_remote(bob_at, !input.empty() && input[0] % 2 == 1, now);
  for (int step = 0; step < 32 && !input.empty(); ++step) {
    now += std::chrono::milliseconds(input[0]);
    caller.on_deadline(now);
    callee.on_deadline(now);
    if (step == 4) caller.agree({dtls::Role::server, {bob.fingerprint()}, {}}, now);
    const bool to_caller = step % 2 == 0;
    for (Bytes datagram : std::exchange(to_caller ? from_bob : from_alice, {})) {
      const ByteView piece = fuzz::take(input);
      if (!piece.empty() && piece[0] % 4 == 1) datagram.assign(piece.begin() + 1, piece.end());
      for (std::size_t i = 1;
           piece.size() > 1 && piece[0] % 4 == 2 && i + 1 < piece.size() && !datagram.empty(); i += 2) {
        datagram[piece[i] % datagram.size()] ^= piece[i + 1];
      }
      if (to_caller) {
        caller.on_datagram(bob_at, datagram, now);
      } else {
        callee.on_datagram(alice_at, datagram, now);
      }
    }
  }
  if (caller.keys() && callee.keys() && caller.keys()->local != callee.keys()->remote) __builtin_trap();
  return 0;
}
