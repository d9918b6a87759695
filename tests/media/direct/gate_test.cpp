#include "media/direct/gate.hpp"

#include <doctest/doctest.h>

#include "protocol/base/random.hpp"

using namespace beckon;
using namespace beckon::direct;
using Verdict = Admission::Verdict;

namespace {

constexpr Time t0{Duration(1'000'000'000)};

struct Door {
  SeededRandom random{11};
  crypto::KeyPair callee = crypto::make_x25519(random);
  crypto::KeyPair caller = crypto::make_x25519(random);
  ds1::Epoch epoch{1, 2, 3, 4};
  crypto::Key32 secret{5};
  Gate gate{callee};
  CallId next = 0;

  Door() { gate.set_epoch(epoch, secret, t0); }
  Bytes hello(std::string_view aor = "sip:bob@example.org") {
    const auto grant = ds1::make_grant(secret, epoch, {ds1::Mode::automatic, std::string(aor)}, random);
    HelloBody body;
    body.media = {{MediaKind::audio, Direction::sendrecv, 111, 1}};
    body.ephemeral = caller.pub;
    const auto enc = crypto::make_x25519(random);
    return seal_hello({callee.pub, epoch, grant}, caller, enc, body)->attribute;
  }
  Verdict judge(const Bytes& attribute, Time now) { return gate.judge(attribute, ++next, now).verdict; }
};

}  // namespace

TEST_CASE("a HELLO passes the gate once; again it names the session it made (DIRECT_SESSIONS 6)") {
  Door door;
  const Bytes hello = door.hello();
  const auto first = door.gate.judge(hello, 42, t0);
  CHECK(first.verdict == Verdict::admitted);
  CHECK(first.ticket == ds1::Permission{ds1::Mode::automatic, "sip:bob@example.org"});
  CHECK(first.hello->caller_key == door.caller.pub);
  const auto second = door.gate.judge(hello, 43, t0 + 1s);
  CHECK(second.verdict == Verdict::duplicate);
  CHECK(second.session == 42);
}

TEST_CASE("five HELLOs in 10 s from one AOR, however many devices it has (DIRECT_SESSIONS 6)") {
  Door door;
  for (int i = 0; i < 5; ++i) CHECK(door.judge(door.hello(), t0 + 1s * i) == Verdict::admitted);
  CHECK(door.judge(door.hello(), t0 + 9s) == Verdict::drop);
  CHECK(door.judge(door.hello("sip:carol@example.org"), t0 + 9s) == Verdict::admitted);
  CHECK(door.judge(door.hello(), t0 + 10s) == Verdict::admitted);
  CHECK(door.judge(door.hello(), t0 + 10s) == Verdict::drop);
}

TEST_CASE("duplicates, bad MACs and stolen tickets spend no allowance (DIRECT_SESSIONS 6)") {
  Door door;
  const Bytes good = door.hello();
  CHECK(door.judge(good, t0) == Verdict::admitted);
  for (int i = 0; i < 100; ++i) {
    CHECK(door.judge(good, t0) == Verdict::duplicate);
    Bytes stolen = door.hello();
    for (std::size_t octet = 8; octet < 40; ++octet)
      stolen[octet] ^= static_cast<std::uint8_t>(i + 1);  // random enc
    CHECK(door.judge(stolen, t0) == Verdict::drop);
  }
  CHECK(door.judge(door.hello(), t0) == Verdict::admitted);
}

TEST_CASE("fifty HELLOs a second in all (DIRECT_SESSIONS 6)") {
  Door door;
  for (int i = 0; i < 50; ++i) {
    CAPTURE(i);
    CHECK(door.judge(door.hello("sip:user" + std::to_string(i) + "@example.org"), t0) == Verdict::admitted);
  }
  CHECK(door.judge(door.hello("sip:one-more@example.org"), t0) == Verdict::drop);
  CHECK(door.judge(door.hello("sip:one-more@example.org"), t0 + 1s) == Verdict::admitted);
}

TEST_CASE(
    "1024 HELLOs of one AOR in an epoch, and the set asks for a new one at three quarters (DIRECT_SESSIONS "
    "3, 6)") {
  Door door;
  Time now = t0;
  for (int i = 0; i < 1024; ++i) {
    now += 2s;
    REQUIRE(door.judge(door.hello(), now) == Verdict::admitted);
  }
  CHECK(door.judge(door.hello(), now + 2s) == Verdict::drop);
  CHECK_FALSE(door.gate.is_three_quarters_full());
  for (int i = 0; i < 2048; ++i) {
    now += 1s;
    REQUIRE(door.judge(door.hello("sip:user" + std::to_string(i % 8) + "@example.org"), now) ==
            Verdict::admitted);
  }
  CHECK(door.gate.is_three_quarters_full());
  door.epoch = {4, 3, 2, 1};
  door.gate.set_epoch(door.epoch, door.secret, now);
  CHECK_FALSE(door.gate.is_three_quarters_full());
  CHECK(door.judge(door.hello(), now + 2s) == Verdict::admitted);
}

TEST_CASE("permits: without one it is ask, and a block overrides all (DIRECT_SESSIONS 9)") {
  Door door;
  CHECK(door.gate.permit_of("sip:bob@example.org") == ds1::Mode::ask);
  door.gate.set_permit("sip:bob@example.org", ds1::Mode::automatic);
  CHECK(door.gate.permit_of("sip:bob@example.org") == ds1::Mode::automatic);
  door.gate.set_blocked("sip:bob@example.org", true);
  CHECK(door.judge(door.hello(), t0) == Verdict::drop);
  door.gate.set_blocked("sip:bob@example.org", false);
  CHECK(door.judge(door.hello(), t0) == Verdict::admitted);
  door.gate.set_permit("sip:bob@example.org", ds1::Mode::off);
  CHECK(door.judge(door.hello(), t0) == Verdict::drop);
}
