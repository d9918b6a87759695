#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "media/direct/endpoint.hpp"
#include "protocol/ds1/ticket.hpp"
#include "tools/fuzz/pieces.hpp"

using namespace beckon;

namespace {

const Address caller_address{{IpAddress::Family::v4, {192, 0, 2, 20}}, 40002};
const Address callee_address{{IpAddress::Family::v4, {192, 0, 2, 10}}, 40000};

/// One side; what it sends is handed to the other.
struct Side final : direct::Sink, direct::Trust {
  void send(const Address&, ByteView datagram) override {
    sent.emplace_back(datagram.begin(), datagram.end());
  }
  void on_media(direct::CallId, direct::MediaKind, const rtp::Packet&, Time) override {}
  void on_event(const direct::Event&, Time) override {}
  bool is_verified(std::string_view, const crypto::Key32&) override { return true; }
  bool is_pinned(std::string_view, const direct::Ident&) override { return true; }

  std::vector<Bytes> sent;
};

}  // namespace

/// A real call between two endpoints. The input says, datagram by datagram, whether it arrives as sent,
/// with some octets changed, or replaced by the fuzzer's own.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  SeededRandom random(1);
  TimerQueue timers;
  Time now{Duration(1'000'000)};
  Side alice;
  Side bob;
  const auto alice_keys = crypto::make_x25519(random);
  direct::Endpoint callee({"sip:alice@example.org", alice_keys, {}}, random, timers, alice, alice);
  direct::Endpoint caller({"sip:bob@example.org", crypto::make_x25519(random), {}}, random, timers, bob, bob);
  direct::Policy policy;
  policy.reachable = true;
  callee.set_policy(policy);
  const auto automatic = ds1::Mode::automatic;
  callee.set_published(
      {automatic, {{direct::MediaKind::audio, direct::Direction::sendrecv, automatic, {{111, 48000}}}}});
  callee.set_epoch({1, 2, 3, 4}, {}, now);
  callee.set_permit("sip:bob@example.org", automatic, now);
  direct::Offer offer;
  offer.aor = "sip:alice@example.org";
  offer.device_key = alice_keys.pub;
  offer.verified = true;
  offer.epoch = {1, 2, 3, 4};
  offer.grant = ds1::make_grant({}, offer.epoch, {automatic, "sip:bob@example.org"}, random);
  offer.candidates = {{direct::Candidate::Type::host, 1, callee_address}};
  offer.mode = automatic;
  offer.media = {{direct::MediaKind::audio, direct::Direction::sendrecv, 111, 48000}};
  const auto call = caller.call(offer, now);
  if (!call) __builtin_trap();

  for (int step = 0; step < 64 && !input.empty(); ++step) {
    now += std::chrono::milliseconds(input[0] & 0x3f);
    timers.advance(now);
    caller.send_media(*call, direct::MediaKind::audio, input.first(1), 0, false, now);
    const bool to_callee = step % 2 == 0;
    auto& from = to_callee ? bob.sent : alice.sent;
    for (Bytes datagram : std::exchange(from, {})) {
      const ByteView piece = fuzz::take(input);
      if (!piece.empty() && piece[0] % 4 == 1) datagram.assign(piece.begin() + 1, piece.end());
      for (std::size_t i = 1;
           piece.size() > 1 && piece[0] % 4 == 2 && i + 1 < piece.size() && !datagram.empty(); i += 2) {
        datagram[piece[i] % datagram.size()] ^= piece[i + 1];
      }
      if (to_callee) {
        callee.on_datagram(caller_address, datagram, now);
      } else {
        caller.on_datagram(callee_address, datagram, now);
      }
    }
  }
  return 0;
}
