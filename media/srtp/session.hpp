#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

struct srtp_ctx_t_;  // libsrtp's session

/// SRTP and SRTCP (RFC 3711, RFC 6188, RFC 7714): the only room that includes libsrtp2.
namespace beckon::srtp {

/// Why a packet was not protected or did not authenticate. Drop it.
enum class Errc {
  bad_packet = 1,  ///< Too short or malformed to be (S)RTP or (S)RTCP.
  bad_tag,         ///< Forged, damaged, or made with another key or MKI.
  replayed,        ///< Seen before, or older than the window.
  key_expired,     ///< The key has protected all the packets it may.
};
const char* to_string(Errc value);

enum class Profile {
  aes128_cm_sha1_80,
  aes128_cm_sha1_32,  ///< RTCP keeps tags of 80 bits (RFC 4568 6.2.2).
  aes256_cm_sha1_80,
  aes256_cm_sha1_32,
  aead_aes128_gcm,
};
/// Octets of master key and master salt together.
std::size_t key_size(Profile profile);

/// Packets a receiver remembers against replay (DIRECT_SESSIONS 4: at least 1024).
inline constexpr unsigned long replay_window = 1024;
/// What protection may add to a packet.
inline constexpr std::size_t trailer_max = 16 + 4 + 128;

/// One direction's master key. Read during construction only.
struct Keying {
  Profile profile = Profile::aead_aes128_gcm;
  ByteView key;  ///< Master key, then master salt: `key_size` octets.
  ByteView mki;  ///< Empty: packets carry none. Not with the _32 profiles: libsrtp 2.5 misreads SRTCP then.
};

/// A source whose roll-over counter does not start at 0, for a receiver that joins late.
struct Source {
  std::uint32_t ssrc = 0;
  std::uint32_t roll_over_count = 0;
};

/// The common part of both directions: a libsrtp session for any number of SSRCs under one key.
class Session {
 protected:
  struct Free {
    void operator()(srtp_ctx_t_* context) const;
  };
  Session(const Keying& keying, bool inbound, std::optional<Source> source);
  std::unique_ptr<srtp_ctx_t_, Free> context_;
  bool mki_ = false;
};

/// Protects what is sent. Sequence numbers may not repeat.
class Protector : Session {
 public:
  explicit Protector(const Keying& keying, std::optional<Source> source = {})
      : Session(keying, false, source) {}
  /// In place; on failure the content of `packet` is lost. Errors: bad_packet, replayed, key_expired.
  Result<void> protect_rtp(Bytes& packet);
  Result<void> protect_rtcp(Bytes& packet);
};

/// Opens what is received. State is kept only for SSRCs that authenticated.
class Unprotector : Session {
 public:
  explicit Unprotector(const Keying& keying, std::optional<Source> source = {})
      : Session(keying, true, source) {}
  /// In place; on failure the content of `packet` is lost. Errors: bad_packet, bad_tag, replayed.
  Result<void> unprotect_rtp(Bytes& packet);
  Result<void> unprotect_rtcp(Bytes& packet);
};

/// Keeps one idle session for the life of the process: the first session costs 0.8 to 5 ms, as NSS starts;
/// later ones cost 14 us. Call at start-up.
void warm_up();

}  // namespace beckon::srtp

BECKON_ERROR_ENUM(beckon::srtp, Errc, "beckon.srtp")
