#include "media/srtp/session.hpp"

#include <srtp2/srtp.h>

#include <array>
#include <cassert>
#include <cstdlib>

namespace beckon::srtp {
namespace {

/// libsrtp fails here only when memory is exhausted or its arguments are wrong: the process cannot continue
/// safely.
void require(bool good) {
  if (!good) std::abort();
}

void start_library() {
  static const bool started = srtp_init() == srtp_err_status_ok;
  require(started);
}

void set_profile(srtp_policy_t& policy, Profile profile) {
  switch (profile) {
    case Profile::aes128_cm_sha1_80:
      srtp_crypto_policy_set_rtp_default(&policy.rtp);
      srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
      return;
    case Profile::aes128_cm_sha1_32:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
      srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
      return;
    case Profile::aes256_cm_sha1_80:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp);
      return;
    case Profile::aes256_cm_sha1_32:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp);
      return;
    case Profile::aead_aes128_gcm:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
      return;
  }
}

Errc reason(srtp_err_status_t status) {
  switch (status) {
    case srtp_err_status_auth_fail:
    case srtp_err_status_cipher_fail:
    case srtp_err_status_bad_mki:
      return Errc::bad_tag;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
    case srtp_err_status_pkt_idx_adv:
      return Errc::replayed;
    case srtp_err_status_key_expired:
      return Errc::key_expired;
    default:
      return Errc::bad_packet;
  }
}

/// Runs one of libsrtp's in-place functions; `room` octets are free after the packet.
template <class Function>
Result<void> transform(Bytes& packet, std::size_t minimum, std::size_t room, Function&& function) {
  if (packet.size() < minimum) return Errc::bad_packet;
  int size = static_cast<int>(packet.size());
  packet.resize(packet.size() + room);
  const auto status = function(packet.data(), &size);
  if (status != srtp_err_status_ok) return reason(status);
  packet.resize(static_cast<std::size_t>(size));
  return {};
}

constexpr std::size_t rtp_minimum = 12;
constexpr std::size_t rtcp_minimum = 8;
static_assert(trailer_max >= SRTP_MAX_TRAILER_LEN + 4);

}  // namespace

const char* to_string(Errc value) {
  switch (value) {
    case Errc::bad_packet:
      return "not an SRTP packet";
    case Errc::bad_tag:
      return "SRTP packet does not authenticate";
    case Errc::replayed:
      return "SRTP packet was seen before or is too old";
    case Errc::key_expired:
      return "SRTP key is used up";
  }
  return "unknown SRTP error";
}

std::size_t key_size(Profile profile) {
  switch (profile) {
    case Profile::aes128_cm_sha1_80:
    case Profile::aes128_cm_sha1_32:
      return SRTP_AES_ICM_128_KEY_LEN_WSALT;
    case Profile::aes256_cm_sha1_80:
    case Profile::aes256_cm_sha1_32:
      return SRTP_AES_ICM_256_KEY_LEN_WSALT;
    case Profile::aead_aes128_gcm:
      return SRTP_AES_GCM_128_KEY_LEN_WSALT;
  }
  return 0;
}

void Session::Free::operator()(srtp_ctx_t_* context) const { srtp_dealloc(context); }

Session::Session(const Keying& keying, bool inbound, std::optional<Source> source)
    : mki_(!keying.mki.empty()) {
  assert(keying.key.size() == key_size(keying.profile) && keying.mki.size() <= SRTP_MAX_MKI_LEN);
  start_library();
  // libsrtp takes pointers to mutable octets but only reads them, and only in srtp_create.
  auto* const key = const_cast<std::uint8_t*>(keying.key.data());
  srtp_master_key_t master{key, const_cast<std::uint8_t*>(keying.mki.data()),
                           static_cast<unsigned>(keying.mki.size())};
  std::array<srtp_master_key_t*, 1> masters{&master};
  srtp_policy_t policy{};
  set_profile(policy, keying.profile);
  policy.ssrc.type = source ? ssrc_specific : inbound ? ssrc_any_inbound : ssrc_any_outbound;
  policy.ssrc.value = source ? source->ssrc : 0;
  policy.window_size = replay_window;
  if (mki_) {
    policy.keys = masters.data();
    policy.num_master_keys = masters.size();
  } else {
    policy.key = key;
  }
  srtp_t made = nullptr;
  require(srtp_create(&made, &policy) == srtp_err_status_ok);
  context_.reset(made);
  if (source) require(srtp_set_stream_roc(made, source->ssrc, source->roll_over_count) == srtp_err_status_ok);
}

Result<void> Protector::protect_rtp(Bytes& packet) {
  return transform(packet, rtp_minimum, trailer_max, [&](std::uint8_t* data, int* size) {
    return srtp_protect_mki(context_.get(), data, size, mki_ ? 1 : 0, 0);
  });
}

Result<void> Protector::protect_rtcp(Bytes& packet) {
  return transform(packet, rtcp_minimum, trailer_max, [&](std::uint8_t* data, int* size) {
    return srtp_protect_rtcp_mki(context_.get(), data, size, mki_ ? 1 : 0, 0);
  });
}

Result<void> Unprotector::unprotect_rtp(Bytes& packet) {
  return transform(packet, rtp_minimum, 0, [&](std::uint8_t* data, int* size) {
    return srtp_unprotect_mki(context_.get(), data, size, mki_ ? 1 : 0);
  });
}

Result<void> Unprotector::unprotect_rtcp(Bytes& packet) {
  return transform(packet, rtcp_minimum, 0, [&](std::uint8_t* data, int* size) {
    return srtp_unprotect_rtcp_mki(context_.get(), data, size, mki_ ? 1 : 0);
  });
}

void warm_up() {
  // Never freed: libsrtp and NSS may be gone before objects of static storage are.
  static const auto* const idle = [] {
    constexpr std::array<std::uint8_t, SRTP_AES_GCM_128_KEY_LEN_WSALT> key{};
    return new Protector(Keying{Profile::aead_aes128_gcm, key, {}});
  }();
  static_cast<void>(idle);
}

}  // namespace beckon::srtp
