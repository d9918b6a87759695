#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sdp/error.hpp"

namespace beckon::sdp {

/// Bounds of one session description, checked before and while it is read.
struct Limits {
  std::size_t size = 65536;   ///< Octets in all; a SIP datagram holds no more.
  std::size_t lines = 2000;   ///< Browsers send some hundred.
  std::size_t media = 64;     ///< m= lines; each may cost ports and keys.
  std::size_t formats = 128;  ///< Of one m= line: the payload types RTP has.
};

/// a= (RFC 8866 5.13): `name` alone, or `name:value`. Values are kept as written; `attribute.hpp` reads them.
struct Attribute {
  std::string name;                  ///< Case counts.
  std::optional<std::string> value;  ///< Absent for a property ("sendrecv").
  bool operator==(const Attribute&) const = default;
};
/// In the order they were written, which sometimes means something (RFC 4568 5.1.1, RFC 8839 5.1).
using Attributes = std::vector<Attribute>;
/// The first of that name; null when there is none. Valid while the list is.
const Attribute* find(const Attributes& attributes, std::string_view name);

/// o= (RFC 8866 5.2).
struct Origin {
  std::string username = "-";
  std::string session_id = "0";  ///< Decimal, of any length.
  std::string version = "0";     ///< Decimal, of any length; rises with each change (RFC 3264 8).
  std::string net_type = "IN";
  std::string address_type = "IP4";
  std::string address = "127.0.0.1";  ///< A literal or a name; never dialled.
  bool operator==(const Origin&) const = default;
};

/// c= (RFC 8866 5.7).
struct Connection {
  std::string net_type = "IN";
  std::string address_type = "IP4";    ///< "IP4" or "IP6".
  std::string address;                 ///< A literal or a name, without what follows '/'.
  std::optional<std::uint32_t> ttl;    ///< Of IPv4 multicast, 0 to 255.
  std::optional<std::uint32_t> count;  ///< Of multicast addresses from this one on, at least 1.
  bool operator==(const Connection&) const = default;
};

/// b= (RFC 8866 5.8).
struct Bandwidth {
  std::string type;         ///< "AS", "CT", "TIAS", "RR", ...
  std::uint64_t value = 0;  ///< In the type's unit: kbit/s for AS and CT, bit/s for TIAS.
  bool operator==(const Bandwidth&) const = default;
};

/// t= with its r= lines (RFC 8866 5.9, 5.10). 0 to 0: no bounds, as in every call.
struct Timing {
  std::uint64_t start = 0, stop = 0;  ///< Seconds since 1900 (NTP); 0: unbounded.
  std::vector<std::string> repeats;   ///< As written.
  bool operator==(const Timing&) const = default;
};

/// m= and what belongs to it (RFC 8866 5.14).
struct Media {
  std::string kind;                    ///< "audio", "video", "text", "application", "message", "image", ...
  std::uint16_t port = 0;              ///< 0: rejected or disabled (RFC 3264 6, 8.2).
  std::optional<std::uint32_t> ports;  ///< "/count" after the port.
  std::string protocol;                ///< "RTP/AVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVPF", ...
  std::vector<std::string> formats;    ///< Payload types for RTP; at least one.
  std::optional<std::string> information;
  std::vector<Connection> connections;  ///< Empty: the session's holds.
  std::vector<Bandwidth> bandwidths;
  Attributes attributes;
  bool operator==(const Media&) const = default;
};

/// One session description (RFC 8866). Values; no member points into the text it was read from.
struct Session {
  Origin origin;
  std::string name = "-";
  std::optional<std::string> information;
  std::optional<std::string> uri;
  std::vector<std::string> emails, phones;
  std::optional<Connection> connection;
  std::vector<Bandwidth> bandwidths;
  std::vector<Timing> timings{{}};   ///< Never empty.
  std::optional<std::string> zones;  ///< z= as written (RFC 8866 5.11).
  Attributes attributes;
  std::vector<Media> media;
  bool operator==(const Session&) const = default;
};

/// Reads one session description. Lines end with CRLF or LF (RFC 8866 5); blank lines at the end are skipped.
/// k= is read and discarded, as RFC 8866 5.12 asks. Type letters and attributes: those we do not know are
/// refused and kept, in this order.
/// COMPAT: within a level lines may come in any order, and s= and t= may be missing: examples of RFC 3264,
/// 4585, 5763, 5888 and 5939 are written so. A media description may lack a c= line altogether: one that is
/// rejected needs none.
Result<Session> parse(std::string_view text, const Limits& limits = {});
/// In the order of RFC 8866 5, CRLF after each line; reads back as the same value.
std::string print(const Session& session);

/// The c= that holds for a media description: its own first one, else the session's, else null.
const Connection* connection_of(const Session& session, const Media& media);

}  // namespace beckon::sdp
