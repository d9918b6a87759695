#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/bytes.hpp"
#include "protocol/base/time.hpp"
#include "protocol/sdp/session.hpp"

/// Values of the attributes we name. Each reader takes the value alone (what follows "name:") and fails
/// with Errc::bad_value; each `print` gives it back so that it reads as the same.
namespace beckon::sdp {

/// a=rtpmap (RFC 8866 6.6): "111 opus/48000/2".
struct Rtpmap {
  std::uint8_t payload_type = 0;  ///< 0 to 127.
  std::string encoding;           ///< Any case: compare with `iequals`.
  std::uint32_t clock_rate = 0;   ///< Hz, not 0.
  std::string parameters;         ///< Behind the second '/': channels for audio. Empty where there are none.
  bool operator==(const Rtpmap&) const = default;

  std::uint32_t channels() const;  ///< 1 where none is given.
};
Result<Rtpmap> parse_rtpmap(std::string_view value);
std::string print(const Rtpmap& rtpmap);

/// a=fmtp (RFC 8866 6.15): a format and its own parameters, which only their specification can read.
struct Fmtp {
  std::string format;      ///< As in the m= line.
  std::string parameters;  ///< As written.
  bool operator==(const Fmtp&) const = default;

  /// "value" of "name=value" among parameters parted by ';' (as Opus, H.264 and most others write them).
  std::optional<std::string_view> parameter(std::string_view name) const;
};
Result<Fmtp> parse_fmtp(std::string_view value);
std::string print(const Fmtp& fmtp);

/// a=ptime, a=maxptime (RFC 8866 6.4, 6.5): milliseconds, with up to three decimals; more than 0, at most a
/// minute.
Result<Duration> parse_packet_time(std::string_view value);

/// The direction of media, as seen by the description's author (RFC 8866 6.7).
enum class Direction : std::uint8_t { sendrecv, sendonly, recvonly, inactive };
std::string_view to_string(Direction direction);
/// The media description's own, else the session's, else sendrecv.
Direction direction_of(const Session& session, const Media& media);

/// a=crypto (RFC 4568 4, 9.1). Secret: never logged.
struct Crypto {
  struct Key {
    Bytes key_and_salt;
    std::string lifetime;                    ///< "2^20" or decimal, in packets; empty: the default.
    std::optional<std::uint64_t> mki;        ///< With its length
    std::optional<std::uint8_t> mki_octets;  ///< of 1 to 128.
    bool operator==(const Key&) const = default;
  };
  std::uint32_t tag = 0;  ///< Up to nine digits.
  std::string suite;      ///< "AES_CM_128_HMAC_SHA1_80".
  std::vector<Key> keys;  ///< At least one. Only the method "inline" is read.
  std::vector<std::string>
      parameters;  ///< Session parameters as written; one that begins with '-' need not be understood.
  bool operator==(const Crypto&) const = default;
};
Result<Crypto> parse_crypto(std::string_view value);
std::string print(const Crypto& crypto);

/// a=fingerprint (RFC 8122 5): "sha-256 4A:AD:...".
struct Fingerprint {
  std::string hash;  ///< Lower case.
  Bytes digest;      ///< As long as the hash's, where we know it (sha-1, sha-224, sha-256, sha-384, sha-512).
  bool operator==(const Fingerprint&) const = default;
};
Result<Fingerprint> parse_fingerprint(std::string_view value);
std::string print(const Fingerprint& fingerprint);

/// a=setup (RFC 4145 4; RFC 5763 5).
enum class Setup : std::uint8_t { active, passive, actpass, holdconn };
Result<Setup> parse_setup(std::string_view value);
std::string_view to_string(Setup setup);

/// a=candidate (RFC 8839 5.1).
struct Candidate {
  std::string foundation;       ///< 1 to 32 ice-chars.
  std::uint16_t component = 1;  ///< 1 to 256.
  std::string transport;        ///< "udp", "tcp"; any case.
  std::uint32_t priority = 0;
  std::string address;  ///< A literal or a name (names: RFC 8839 5.1, mDNS).
  std::uint16_t port = 0;
  std::string type;  ///< "host", "srflx", "prflx", "relay" or another token.
  std::optional<std::string> related_address;
  std::optional<std::uint16_t> related_port;
  std::string extensions;  ///< The rest as written ("tcptype active generation 0").
  bool operator==(const Candidate&) const = default;
};
Result<Candidate> parse_candidate(std::string_view value);
std::string print(const Candidate& candidate);

/// a=ice-ufrag: 4 to 256 ice-chars; a=ice-pwd: 22 to 256 (RFC 8839 5.4). The password is secret.
bool is_ice_ufrag(std::string_view value);
bool is_ice_password(std::string_view value);

/// a=group (RFC 5888 5): "BUNDLE audio video" (RFC 9143), "LS 1 2".
struct Group {
  std::string semantics;
  std::vector<std::string> mids;
  bool operator==(const Group&) const = default;
};
Result<Group> parse_group(std::string_view value);
std::string print(const Group& group);
/// The media description whose a=mid (RFC 5888 4) is that; null when there is none.
const Media* find_mid(const Session& session, std::string_view mid);

/// a=rtcp (RFC 3605 2.1): "53020" or "53020 IN IP4 126.16.64.4".
struct Rtcp {
  std::uint16_t port = 0;
  std::optional<Connection> connection;
  bool operator==(const Rtcp&) const = default;
};
Result<Rtcp> parse_rtcp(std::string_view value);
std::string print(const Rtcp& rtcp);

/// a=ssrc (RFC 5576 4.1): "314159 cname:user@example.com".
struct Ssrc {
  std::uint32_t id = 0;
  Attribute attribute;
  bool operator==(const Ssrc&) const = default;
};
Result<Ssrc> parse_ssrc(std::string_view value);
std::string print(const Ssrc& ssrc);

}  // namespace beckon::sdp
