#include "media/direct/hello.hpp"

#include <doctest/doctest.h>

#include <string>

#include "protocol/stun/message.hpp"
#include "tests/media/direct/vectors.hpp"

using namespace beckon;
using namespace beckon::direct;
using vectors::hex;

namespace {

/// The HELLO attribute of the vectors.
Bytes attribute() {
  const Bytes packet = hex(vectors::hello_packet);
  const auto message = stun::parse_message(packet).value();
  const ByteView value = message.find(stun::attribute::direct_hello)->value;
  return {value.begin(), value.end()};
}

/// All a callee does with an attribute (6, steps 1 to 6).
bool is_accepted(const Bytes& bytes) {
  const auto hello = parse_hello(bytes);
  if (!hello || hello->epoch != vectors::epoch) return false;
  if (!ds1::open_ticket(vectors::secret, hello->epoch, hello->ticket)) return false;
  const auto psk = ds1::ticket_psk(vectors::secret, hello->ticket);
  if (!has_good_mac(*hello, psk)) return false;
  const auto opened = open_hello(*hello, psk, vectors::a_device);
  return opened.has_value();
}

Errc body_error(std::string_view text) {
  const auto body = parse_body(hex(text));
  REQUIRE(body.has_error());
  return static_cast<Errc>(body.error().value());
}

}  // namespace

TEST_CASE("the body, HELLO packet and MAC of the vectors are made octet by octet (DIRECT_SESSIONS 15)") {
  CHECK(to_hex(print_body(vectors::hello_body())) == vectors::body);
  const auto sealed =
      seal_hello(vectors::target(), vectors::b_device, vectors::hpke, vectors::hello_body()).value();
  CHECK(sealed.attribute == attribute());
  const stun::TransactionId transaction{0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
                                        0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b};
  const auto packet = stun::Writer(stun::Class::request, stun::binding, transaction)
                          .add(stun::attribute::direct_hello, sealed.attribute)
                          .add_fingerprint()
                          .bytes();
  CHECK(to_hex(packet) == vectors::hello_packet);
}

TEST_CASE("psk, Kh and cdk are those of the vectors") {
  CHECK(ds1::ticket_psk(vectors::secret, vectors::ticket) == vectors::psk);
  CHECK(to_hex(hello_mac_key(vectors::psk)) == vectors::mac_key);
  const auto cdk = mask_device_key(vectors::b_device.pub, vectors::psk, vectors::hpke.pub);
  CHECK(to_hex(cdk) == vectors::cdk);
  CHECK(mask_device_key(cdk, vectors::psk, vectors::hpke.pub) == vectors::b_device.pub);
}

TEST_CASE("the HPKE key, base nonce and exporter secret are those of the vectors") {
  Bytes info;
  append(info, "beckon-ds1");
  append(info, vectors::epoch);
  const auto context = hpke::setup_receiver(vectors::hpke.pub, vectors::a_device, vectors::b_device.pub,
                                            {info, vectors::psk, vectors::ticket})
                           .value();
  CHECK(to_hex(context.key()) == vectors::hpke_key);
  CHECK(to_hex(context.base_nonce()) == vectors::base_nonce);
  CHECK(to_hex(context.exporter_secret()) == vectors::exporter_secret);
}

TEST_CASE("both sides get the keys of the vectors: phase 0, STUN, forward secrecy, proof") {
  const Bytes bytes = attribute();
  const auto hello = parse_hello(bytes).value();
  CHECK(to_hex(hello.mac) == vectors::mac);
  CHECK(to_hex(hello.cdk) == vectors::cdk);
  CHECK(has_good_mac(hello, vectors::psk));
  const auto callee = open_hello(hello, vectors::psk, vectors::a_device).value();
  const auto caller =
      seal_hello(vectors::target(), vectors::b_device, vectors::hpke, vectors::hello_body()).value();
  CHECK(callee.caller_key == vectors::b_device.pub);
  for (const auto* keys : {&callee.keys, &caller.keys}) {
    CHECK(to_hex(keys->phase0.c2s) == vectors::phase0_c2s);
    CHECK(to_hex(keys->phase0.s2c) == vectors::phase0_s2c);
    CHECK(to_hex(keys->stun_c2s) == vectors::stun_c2s);
    CHECK(to_hex(keys->stun_s2c) == vectors::stun_s2c);
    CHECK(to_hex(keys->forward) == vectors::fs);
    CHECK(to_hex(keys->proof) == vectors::proof);
  }
}

TEST_CASE("the opened body says what the caller wrote") {
  const Bytes bytes = attribute();
  const auto opened = open_hello(parse_hello(bytes).value(), vectors::psk, vectors::a_device).value();
  const auto& body = opened.body;
  CHECK(body.tag == vectors::tag);
  CHECK(body.media == vectors::hello_body().media);
  CHECK(body.ephemeral == vectors::b_ephemeral.pub);
  CHECK(body.want == ds1::Mode::automatic);
  CHECK(body.attempt == vectors::hello_body().attempt);
  CHECK_FALSE(body.ident);
}

TEST_CASE("phase 1 is that of the vectors, from either side (DIRECT_SESSIONS 4)") {
  const Ephemerals ephemerals{vectors::b_ephemeral.pub, vectors::a_ephemeral.pub};
  const auto fs = vectors::array(vectors::fs);
  CHECK(to_hex(crypto::x25519(vectors::b_ephemeral.secret, vectors::a_ephemeral.pub).value()) == vectors::ee);
  CHECK(to_hex(crypto::x25519(vectors::a_ephemeral.secret, vectors::b_device.pub).value()) == vectors::se);
  CHECK(to_hex(crypto::hkdf_extract(fs, hex(std::string(vectors::ee) + std::string(vectors::se)))) ==
        vectors::prk);
  const auto direct = derive_phase1(fs, vectors::array(vectors::ee), vectors::array(vectors::se), ephemerals);
  const auto caller =
      caller_phase1(fs, vectors::b_ephemeral.secret, vectors::b_device.secret, ephemerals).value();
  const auto callee =
      callee_phase1(fs, vectors::a_ephemeral.secret, vectors::b_device.pub, ephemerals).value();
  for (const auto* keys : {&direct, &caller, &callee}) {
    CHECK(to_hex(keys->c2s) == vectors::phase1_c2s);
    CHECK(to_hex(keys->s2c) == vectors::phase1_s2c);
  }
}

TEST_CASE(
    "each of the 1808 single-bit changes of the HELLO is refused, flags included (DIRECT_SESSIONS 15)") {
  const Bytes good = attribute();
  REQUIRE(good.size() * 8 == 1808);
  REQUIRE(is_accepted(good));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes changed = good;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
    CAPTURE(bit);
    CHECK_FALSE(is_accepted(changed));
  }
}

TEST_CASE(
    "a HELLO made with the psk and only the public part of B's device key is refused (DIRECT_SESSIONS 15)") {
  // A thief has the ticket and psk and claims B's key; the product with A's key needs B's private part.
  SeededRandom random(3);
  const auto thief = crypto::make_x25519(random);
  const crypto::KeyPair claimed{thief.secret, vectors::b_device.pub};
  const auto sealed = seal_hello(vectors::target(), claimed, vectors::hpke, vectors::hello_body()).value();
  const auto hello = parse_hello(sealed.attribute).value();
  CHECK(has_good_mac(hello, vectors::psk));
  CHECK(open_hello(hello, vectors::psk, vectors::a_device).error() == Errc::not_opened);
}

TEST_CASE("a HELLO from our own device key is dropped (DIRECT_SESSIONS 4)") {
  const auto sealed =
      seal_hello(vectors::target(), vectors::a_device, vectors::hpke, vectors::hello_body()).value();
  CHECK(open_hello(parse_hello(sealed.attribute).value(), vectors::psk, vectors::a_device).error() ==
        Errc::not_opened);
}

TEST_CASE("cut HELLOs and those of other versions are refused with the reason") {
  const Bytes good = attribute();
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(is_accepted(cut));
  }
  Bytes other = good;
  other[0] = 2;
  CHECK(parse_hello(other).error() == Errc::unknown_version);
  CHECK(parse_hello(ByteView(other).first(1)).error() == Errc::unknown_version);
  CHECK(parse_hello({}).error() == Errc::malformed);
}

TEST_CASE("every item of the body survives") {
  HelloBody body = vectors::hello_body();
  body.media.push_back({MediaKind::video, Direction::sendonly, 96, 0x55667788});
  body.want = ds1::Mode::ask;
  body.contact = "sip:bob@192.0.2.20:5061;transport=tls";
  body.subject = "supper?";
  body.ident = Ident{vectors::array("01"), vectors::array("02"), vectors::array<crypto::Signature>("03")};
  const auto read = parse_body(print_body(body)).value();
  CHECK(read.media == body.media);
  CHECK(read.want == body.want);
  CHECK(read.contact == body.contact);
  CHECK(read.subject == body.subject);
  CHECK(read.ident == body.ident);
}

TEST_CASE("bodies: unknown items are skipped below 0x80 and demanded from there on; faults are named") {
  const std::string good(vectors::body);
  CHECK(parse_body(hex(good + "7f0301020309010a")).has_value());
  CHECK_FALSE(parse_body(hex(good + "7f0301020309010a"))->demands_unknown);
  CHECK(parse_body(hex(good + "8000"))->demands_unknown);
  const struct {
    const char* what;
    std::string text;
  } rows[] = {
      {"nothing", ""},
      {"an item cut short", good.substr(0, good.size() - 2)},
      {"a lone type", good + "7f"},
      {"no TAG", good.substr(10)},
      {"two TAGs", "0103c0ffee" + good},
      {"a TAG of two octets", "0102c0ff" + good.substr(10)},
      {"media of an unknown kind", "0103c0ffee020803016f001234abcd" + good.substr(30)},
      {"media of an unknown direction", "0103c0ffee020801046f001234abcd" + good.substr(30)},
      {"a payload type above 127", "0103c0ffee0208010180001234abcd" + good.substr(30)},
      {"two lines of one kind", "0208010170001234abce" + good},
      {"two lines with one SSRC", "0208020170001234abcd" + good},
      {"two lines with one payload type", "020802016f001234abce" + good},
      {"a SUBJECT that is no UTF-8", good + "0701ff"},
      {"an IDENT cut short", good + "060100"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    CHECK(body_error(row.text) == Errc::bad_body);
  }
}
