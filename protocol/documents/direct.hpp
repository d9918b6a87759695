#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/crypto/crypto.hpp"
#include "protocol/documents/error.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/ds1/media.hpp"
#include "protocol/ds1/ticket.hpp"
#include "protocol/xml/document.hpp"

/// The presence element of direct sessions (DIRECT_SESSIONS.md 2) and what the server does with it (3).
namespace beckon::documents {

struct Codec {
  std::uint8_t pt = 0;
  std::string name;  ///< As written; compare without case.
  std::uint32_t clock = 0;
  std::uint8_t channels = 1;
  std::uint32_t ptime = 0;  ///< Milliseconds; 0: not said.
  std::string fmtp;
  bool operator==(const Codec&) const = default;
};

using ds1::Candidate;
using ds1::Direction;
using ds1::Ident;
using ds1::MediaKind;

enum class Profile { sealed, plain };
const char* to_string(Profile profile);

struct Media {
  MediaKind kind = MediaKind::audio;
  Direction dir = Direction::sendrecv;  ///< The publisher's view.
  std::optional<ds1::Mode> mode;        ///< Override; effective is min(Direct::mode, this).
  std::uint32_t maxrate = 0;            ///< bit/s of RTP payload; filled with the kind's default when absent.
  std::uint16_t port = 0;               ///< Profile `plain` only.
  std::vector<Codec> codecs;            ///< In order of the publisher's preference.
  bool operator==(const Media&) const = default;
};

struct Direct {
  std::uint32_t version = 1;
  ds1::Mode mode = ds1::Mode::off;
  Profile profile = Profile::sealed;
  ds1::Epoch epoch{};  ///< Zeros when `plain` says none.
  std::vector<Media> media;
  std::vector<Candidate> candidates;  ///< Larger priority first.
  crypto::Key32 key{};                ///< Device key.
  std::optional<Ident> ident;
  std::optional<crypto::Key32> secret;  ///< In a PUBLISH only.
  std::optional<ds1::Grant> grant;      ///< In a NOTIFY only.

  /// min(mode, the media's own mode); `off` for a kind that is absent.
  ds1::Mode mode_of(MediaKind kind) const;
  const Media* find(MediaKind kind) const;
};

inline constexpr std::size_t direct_codecs_max = 16;            ///< Of one <media>; later ones are ignored.
inline constexpr std::size_t direct_candidates_max = 8;         ///< Later ones are ignored.
inline constexpr std::size_t direct_size_max = 16 * 1024;       ///< Octets of a published element.
inline constexpr std::uint32_t default_audio_rate = 64'000;     ///< bit/s
inline constexpr std::uint32_t default_video_rate = 1'000'000;  ///< bit/s

/// Reads an element as a watcher does: unknown children, attributes, kinds, candidate types are ignored.
/// Errors: Errc::wrong_root (not <direct>), Errc::bad_value (version or profile unknown, required value
/// missing or wrong): treat the element as absent.
Result<Direct> parse_direct(const xml::Element& element);
Result<Direct> parse_direct(const xml::Fragment& element);
/// Prints the element with its secret or grant if it has one.
xml::Fragment print(const Direct& direct);

bool is_direct(const xml::Fragment& element);
/// The tuple's <direct> with the highest version we know; nullopt if there is none to use.
std::optional<Direct> find_direct(const Tuple& tuple);
/// Removes every <direct> of the tuple. True if there was one.
bool remove_direct(Tuple& tuple);

// --- the server's part (DIRECT_SESSIONS 3) ---

/// What the server needs to know of a published element.
struct Published {
  ds1::Mode mode = ds1::Mode::off;
  Profile profile = Profile::sealed;
  ds1::Epoch epoch{};
  crypto::Key32 secret{};  ///< Zeros when `plain` carries none.
};

/// The lenient check of DIRECT_SESSIONS 3.2. `value` is set, or `why` says in words for a Warning header
/// what is wrong: then the element is to be stripped and the rest of the document taken.
struct PublishedCheck {
  std::optional<Published> value;
  std::string why;
};
PublishedCheck check_published(const xml::Fragment& element);

/// The text watchers permitted `mode` share (DIRECT_SESSIONS 3.5): modes lowered to `mode`, <secret> and
/// any <grant> removed, all else as written. `mode` is min(published, permitted) and not `off`; `element`
/// has passed check_published. The grant's place is grant_offset() of the result.
xml::Fragment lower(const xml::Fragment& element, ds1::Mode mode);
/// Where <grant> goes as the last child, in octets of the fragment's text. The element is not empty
/// (`lower` and `print` see to that).
std::size_t grant_offset(const xml::Fragment& element);
/// One watcher's <grant>, standing alone.
std::string print(const ds1::Grant& grant);

}  // namespace beckon::documents
