#include "media/dtls/machine.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "protocol/crypto/crypto.hpp"

namespace beckon::dtls {
namespace {

void must(bool good) {
  if (!good) std::abort();
}

/// OpenSSL counts the time of DTLS by the system's clock. Up to 3.1 it shows the BIO where it keeps the time
/// of the next repetition, so that the time can be the machine's. Later ones show a copy; there its own clock
/// runs beside the machine's.
bool owns_time() {
  static const bool yes = OpenSSL_version_num() < 0x30200000UL;
  return yes;
}

/// OpenSSL's pause before a repetition, in microseconds. Where the machine counts, it never passes.
unsigned pause_of_library(SSL*, unsigned microseconds) {
  if (owns_time()) return 3'600'000'000U;
  const auto first = static_cast<unsigned>(Machine::first_pause.count());
  return microseconds == 0
             ? first
             : std::min(2 * microseconds, static_cast<unsigned>(Machine::longest_pause.count()));
}

constexpr std::size_t outputs_max = 64;
constexpr std::size_t key_octets = 16;

}  // namespace

struct Machine::Wire {
  ByteView input;  ///< The datagram that is being read; empty: none.
  std::vector<Bytes> output;
  timeval* next_repetition = nullptr;  ///< OpenSSL's; see `owns_time`.
};

void Machine::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

Machine::Wire& Machine::wire_of(bio_st* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

int Machine::read(bio_st* bio, char* out, int size) {
  Wire& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  if (wire.input.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  // As of a socket: what does not fit is lost.
  const auto octets = std::min(static_cast<std::size_t>(std::max(size, 0)), wire.input.size());
  std::memcpy(out, wire.input.data(), octets);
  wire.input = {};
  return static_cast<int>(octets);
}

/// OpenSSL writes a datagram at once.
int Machine::write(bio_st* bio, const char* data, int size) {
  Wire& wire = wire_of(bio);
  const auto* const octets = reinterpret_cast<const std::uint8_t*>(data);
  if (size > 0 && wire.output.size() < outputs_max) wire.output.emplace_back(octets, octets + size);
  return size;
}

long Machine::control(bio_st* bio, int command, long number, void* pointer) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
      if (owns_time()) wire_of(bio).next_repetition = static_cast<timeval*>(pointer);
      return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
      return static_cast<long>(mtu);
    case BIO_CTRL_DGRAM_SET_MTU:
      return number;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
      return 0;  // `mtu` is that of the payload
    default:
      return 0;
  }
}

const bio_method_st* Machine::wire_method() {
  static const bio_method_st* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
    must(made != nullptr);
    BIO_meth_set_read(made, read);
    BIO_meth_set_write(made, write);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return method;
}

Machine& Machine::machine_of(ssl_st* ssl) { return *static_cast<Machine*>(SSL_get_app_data(ssl)); }

int Machine::make_cookie(ssl_st* ssl, unsigned char* cookie, unsigned* size) {
  const Machine& self = machine_of(ssl);
  const Bytes mac = crypto::hmac(crypto::Hash::sha256, self.identity_.cookie_secret(), self.source_);
  std::ranges::copy(mac, cookie);
  *size = static_cast<unsigned>(mac.size());
  return 1;
}

int Machine::check_cookie(ssl_st* ssl, const unsigned char* cookie, unsigned size) {
  const Machine& self = machine_of(ssl);
  const Bytes mac = crypto::hmac(crypto::Hash::sha256, self.identity_.cookie_secret(), self.source_);
  return crypto::equal_constant_time(mac, ByteView(cookie, size)) ? 1 : 0;
}

Machine::Machine(const Identity& identity, Role role, Bytes source)
    : identity_(identity),
      role_(role),
      source_(std::move(source)),
      wire_(std::make_unique<Wire>()),
      ssl_(SSL_new(identity.context())) {
  SSL* const ssl = ssl_.get();
  must(ssl != nullptr);
  SSL_set_app_data(ssl, this);
  BIO* const bio = BIO_new(wire_method());
  must(bio != nullptr);
  BIO_set_data(bio, wire_.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_mtu(ssl, static_cast<long>(mtu));
  DTLS_set_timer_cb(ssl, pause_of_library);
  if (role_ == Role::client) {
    SSL_set_connect_state(ssl);
    return;
  }
  SSL_set_accept_state(ssl);
  if (source_.empty()) return;
  SSL_CTX_set_cookie_generate_cb(identity.context(), make_cookie);
  SSL_CTX_set_cookie_verify_cb(identity.context(), check_cookie);
  SSL_set_options(ssl, SSL_OP_COOKIE_EXCHANGE);
}

Machine::~Machine() {
  ssl_.reset();  // it may look at the wire once more
  if (!keys_) return;
  crypto::wipe(keys_->local);
  crypto::wipe(keys_->remote);
}

void Machine::start(Time now) {
  if (role_ == Role::client && state_ == State::handshaking) advance(now);
}

void Machine::on_datagram(ByteView datagram, Time now) {
  if (state_ == State::failed || state_ == State::closed) return;
  if (datagram.empty() || datagram.size() > datagram_max) return;
  if (state_ == State::handshaking && ++datagrams_ > datagrams_max) return fail();
  wire_->input = datagram;
  advance(now);
  wire_->input = {};
}

/// Lets OpenSSL read what has come, and notes whether it waits for an answer.
void Machine::advance(Time now) {
  SSL* const ssl = ssl_.get();
  const std::size_t before = wire_->output.size();
  ERR_clear_error();
  if (state_ == State::handshaking) {
    const int done = SSL_do_handshake(ssl);
    if (done == 1)
      finish_handshake();
    else if (SSL_get_error(ssl, done) != SSL_ERROR_WANT_READ)
      fail();
  } else {
    // Repetitions of the peer's last flight, and its alerts. There is no other data in DTLS-SRTP.
    std::uint8_t data[256];
    int size = 0;
    do size = SSL_read(ssl, data, sizeof data);
    while (size > 0);
    const int error = SSL_get_error(ssl, size);
    if (error == SSL_ERROR_ZERO_RETURN) state_ = State::closed;
    if (error == SSL_ERROR_SSL) fail();
  }
  ERR_clear_error();
  timeval left{};
  if (state_ == State::failed || state_ == State::closed || DTLSv1_get_timeout(ssl, &left) != 1) {
    deadline_.reset();
  } else if (wire_->output.size() > before || !deadline_) {
    pause_ = first_pause;
    repetitions_ = 0;
    deadline_ = now + pause_;
  }
}

void Machine::on_deadline(Time now) {
  if (!deadline_ || now < *deadline_) return;
  if (++repetitions_ > repetitions_max) return fail();
  if (wire_->next_repetition != nullptr) *wire_->next_repetition = timeval{1, 0};
  ERR_clear_error();
  const bool failed = DTLSv1_handle_timeout(ssl_.get()) < 0;
  ERR_clear_error();
  if (failed) return fail();
  pause_ = std::min(2 * pause_, longest_pause);
  deadline_ = now + pause_;
}

void Machine::fail() {
  state_ = State::failed;
  deadline_.reset();
}

/// The layout of the exported octets: both keys, then both salts, the client's first (RFC 5764 4.2).
void Machine::finish_handshake() {
  const SRTP_PROTECTION_PROFILE* const chosen = SSL_get_selected_srtp_profile(ssl_.get());
  if (chosen == nullptr) return fail();
  Keys keys;
  keys.profile =
      chosen->id == SRTP_AEAD_AES_128_GCM ? srtp::Profile::aead_aes128_gcm : srtp::Profile::aes128_cm_sha1_80;
  const std::size_t salt = srtp::key_size(keys.profile) - key_octets;
  constexpr std::string_view label = "EXTRACTOR-dtls_srtp";
  Bytes exported(2 * (key_octets + salt));
  if (SSL_export_keying_material(ssl_.get(), exported.data(), exported.size(), label.data(), label.size(),
                                 nullptr, 0, 0) != 1)
    return fail();
  const auto direction = [&](std::size_t index) {
    const ByteView all = exported;
    Bytes out;
    append(out, all.subspan(index * key_octets, key_octets));
    append(out, all.subspan(2 * key_octets + index * salt, salt));
    return out;
  };
  keys.local = direction(role_ == Role::client ? 0 : 1);
  keys.remote = direction(role_ == Role::client ? 1 : 0);
  crypto::wipe(exported);
  keys_ = std::move(keys);
  state_ = State::connected;
}

void Machine::close() {
  if (state_ != State::connected) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  state_ = State::closed;
  deadline_.reset();
}

std::vector<Bytes> Machine::take_output() { return std::exchange(wire_->output, {}); }

bool Machine::has_peer(std::span<const Fingerprint> fingerprints) const {
  if (!keys_) return false;
  X509* const certificate = SSL_get1_peer_certificate(ssl_.get());
  if (certificate == nullptr) return false;
  const bool is_peer = matches(certificate, fingerprints);
  X509_free(certificate);
  return is_peer;
}

}  // namespace beckon::dtls
