#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/sip/error.hpp"
#include "protocol/sip/header.hpp"
#include "protocol/sip/method.hpp"
#include "protocol/sip/uri.hpp"

namespace beckon::sip {

/// Bounds of one message (DESIGN 7).
struct Limits {
  std::size_t message = 65536;  ///< Octets in all; 1 MiB on a stream.
  std::size_t header_lines = 256;
  std::size_t line = 8192;  ///< Octets of one header line with its folded parts.
  std::size_t uri = max_uri_length;
  std::size_t via = 64;  ///< Via values.
};

/// One header line of a message: views into its buffer.
struct HeaderLine {
  HeaderId id = HeaderId::other;
  std::string_view name;   ///< As written (compact forms too).
  std::string_view value;  ///< Trimmed; folds are replaced by blanks in the buffer (RFC 3261 7.3.1).
  std::string_view line;   ///< The whole line(s) with the line end, for splicing.
};

/// A received (or finished) message: one shared buffer, indexed once, headers read when asked for.
/// Cheap to move; copies share the buffer.
class Message {
 public:
  /// Reads one whole message, as it came in a datagram or from the `Framer`. What can be split into start
  /// line, header lines and body succeeds; whether it makes sense is said by `check`. Octets behind
  /// Content-Length are dropped; without one the body is the rest (RFC 3261 18.3).
  /// Errors: need_more where Content-Length promises more than there is or the blank line is missing,
  /// bad_start_line, bad_version (of a response), bad_header, bad_length, too_long. What to answer to those
  /// tells `refusal`.
  static Result<Message> parse(SharedText text, const Limits& limits = {});
  /// What can be read of a message that `parse` refused, so that it can be answered: the start line, and the
  /// well-formed header lines. No body. Nothing without a start line.
  static std::optional<Message> salvage(SharedText text, const Limits& limits = {});

  bool is_request() const { return status_ == 0; }
  bool is_response() const { return status_ != 0; }

  Method method() const;  ///< Of a request; of a response the CSeq's.
  std::string_view method_text() const;
  std::string_view request_uri_text() const;
  Result<Uri> request_uri() const;
  int status() const { return status_; }  ///< 0 for a request.
  std::string_view reason() const;
  std::string_view version() const;  ///< As written: "SIP/2.0".

  std::span<const HeaderLine> headers() const { return headers_; }
  /// Value of the first line of that header; empty when absent (`has` tells the difference).
  std::string_view header(HeaderId id) const;
  std::string_view header(std::string_view name) const;  ///< For HeaderId::other.
  bool has(HeaderId id) const;
  /// All values of a comma-separated header, over all its lines, in order.
  std::vector<std::string_view> values(HeaderId id) const;
  /// True when a list header (Supported, Require, Accept, Allow-Events...) names `token`, in any case;
  /// parameters behind ';' do not count.
  bool lists(HeaderId id, std::string_view token) const;

  std::string_view body() const { return body_; }
  /// The octets, from the start line to the end of the body (folds already blanked).
  std::string_view text() const { return octets_; }
  const SharedText& shared_text() const { return text_; }  ///< Owns the octets; may hold more than `text`.

  // Typed readings; each is parsed anew at every call.
  Result<Via> top_via() const;
  Result<NameAddr> from() const;
  Result<NameAddr> to() const;
  std::string_view from_tag() const;  ///< Empty when absent or unreadable.
  std::string_view to_tag() const;
  std::string_view call_id() const { return header(HeaderId::call_id); }
  Result<CSeq> cseq() const;
  Result<std::vector<NameAddr>> contacts() const;  ///< A lone "*" gives one entry whose uri.scheme is "*".
  Result<std::vector<NameAddr>> routes(HeaderId id) const;  ///< route, record_route, path, service_route.
  std::optional<std::uint32_t> expires() const;  ///< Seconds; past 2^32-1 it is 2^32-1; malformed: absent.
  /// The number a value begins with, up to its end, a blank, ';' or '(' (Max-Forwards, Retry-After, RSeq...).
  std::optional<std::uint32_t> number(HeaderId id) const;

 private:
  enum class Mode { strict, salvage };
  struct Progress;

  const HeaderLine* find(HeaderId id) const;
  std::optional<Errc> index(Mode mode, const Limits& limits);
  std::optional<Errc> index_unfolded(Mode mode, const Limits& limits);
  std::optional<Errc> read_start_line(std::string_view line, Mode mode);
  std::optional<Errc> read_request_line(std::string_view line, Mode mode);
  std::optional<Errc> read_status_line(std::string_view line);
  std::optional<Errc> add_line(std::string_view line, std::string_view whole, Progress& progress,
                               const Limits& limits);
  std::optional<Errc> set_body(std::string_view rest, const Progress& progress);

  SharedText text_;
  std::string_view octets_;
  std::vector<HeaderLine> headers_;
  std::string_view first_, second_, third_;  ///< Parts of the start line.
  std::string_view body_;
  int status_ = 0;
};

}  // namespace beckon::sip
