#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/random.hpp"
#include "protocol/documents/error.hpp"

namespace beckon::documents {

/// Bounds of one multipart body, all levels together.
struct MultipartLimits {
  std::size_t parts = 2048;       ///< A list NOTIFY has one for each instance, and lists are bounded at 1000.
  std::size_t header_lines = 32;  ///< Of one part.
  std::size_t depth = 4;          ///< Multiparts in multiparts; lists of lists are what nests.
};

/// One body part: views into the body it was read from.
struct Part {
  struct Header {
    std::string_view name;   ///< As written.
    std::string_view value;  ///< Trimmed; line ends of folds are left in it.
  };
  std::vector<Header> headers;
  std::string_view body;    ///< As transferred; `content` decodes it.
  std::vector<Part> parts;  ///< Of a part that is a multipart itself.

  /// First of that name, in any case; empty when absent.
  std::string_view header(std::string_view name) const;
  /// "text/plain" where none is given (RFC 2046 5.1), "message/rfc822" in a multipart/digest is not
  /// guessed.
  std::string_view content_type() const;
  std::string_view content_id() const;  ///< Without its angle brackets; empty when absent.
  /// RFC 5621 3.3, 8.3: must a receiver that cannot read the part refuse the message? Only handling=optional
  /// says no.
  bool is_required() const;
};

/// A multipart body (RFC 2046 5.1).
struct Multipart {
  std::string_view preamble, epilogue;  ///< Without meaning.
  std::vector<Part> parts;              ///< At least one.
};

/// The value of a parameter of a Content-Type or Content-Disposition, unquoted; its name in any case.
std::optional<std::string> media_parameter(std::string_view value, std::string_view name);
/// True for "multipart/anything; ...".
bool is_multipart(std::string_view content_type);

/// Reads a multipart body and the multiparts in it. `content_type` is the header's value, with the boundary
/// quoted or not. Lines end with CRLF; COMPAT: LF alone ends one, too. A delimiter is a whole line: one that
/// only begins with the boundary is content. Errors: bad_boundary, bad_multipart, too_many_parts, too_deep.
Result<Multipart> parse_multipart(std::string_view body, std::string_view content_type,
                                  const MultipartLimits& limits = {});

/// Reads a MIME entity that stands alone: header fields, an empty line, the body. A multipart body is not
/// taken apart. Errors: bad_multipart, too_many_parts.
Result<Part> parse_entity(std::string_view text, const MultipartLimits& limits = {});

/// The root of a multipart/related (RFC 2387 3.2): the part that `start` names, else the first.
const Part& root_of(const Multipart& multipart, std::string_view content_type);
/// The part with that Content-ID, on any level; null when there is none.
const Part* find_content_id(const std::vector<Part>& parts, std::string_view id);

/// The octets of a part after its Content-Transfer-Encoding: 7bit, 8bit, binary (and none) as they are,
/// base64 decoded (RFC 2045 6). Errors: unknown_encoding, bad_value.
Result<std::string> content(const Part& part);

/// What `print_multipart` is given for one part: headers in order, and the body as it is to be transferred.
struct NewPart {
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view body;
};

/// A finished multipart body and its boundary, which occurs nowhere in the parts. It is a token, for a
/// Content-Type without quotes. COMPAT: liblinphone crashes on a quoted one.
struct PrintedMultipart {
  std::string boundary;
  std::string body;
};
/// `parts` are not empty.
PrintedMultipart print_multipart(const std::vector<NewPart>& parts, Random& random);

}  // namespace beckon::documents
