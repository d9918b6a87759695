#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <cstdint>
#include <iterator>
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
#include "protocol/sip/view.hpp"

namespace beckon::sip {

/// Bounds of one message (DESIGN 7).
struct Limits {
  std::size_t message = 65536;  ///< Octets in all; 1 MiB on a stream.
  std::size_t header_lines = 256;
  std::size_t line = 8192;  ///< Octets of one header line with its folded parts.
  std::size_t uri = max_uri_length;
  std::size_t via = 64;  ///< Via values; of a response one more, the receiver's own.
};

/// One header line of a message: views into its buffer.
struct HeaderLine {
  HeaderId id = HeaderId::other;
  std::string_view name;   ///< As written (compact forms too).
  std::string_view value;  ///< Trimmed; folds are replaced by blanks in the buffer (RFC 3261 7.3.1).
  std::string_view line;   ///< The whole line(s) with the line end, for splicing.
};

/// The header lines of a message, in order. A range of `HeaderLine`s, which are made as it is walked over.
class HeaderLines {
 public:
  /// A line as the index keeps it: offsets into the text.
  struct Entry {
    std::uint32_t begin;
    std::uint32_t size;  ///< With the line end.
    std::uint32_t value;
    std::uint32_t value_size;
    std::uint32_t name_size : 24;
    std::uint32_t id : 8;
  };

  class iterator {
   public:
    using value_type = HeaderLine;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    iterator(const char* text, const Entry* at) : text_(text), at_(at) {}
    HeaderLine operator*() const {
      return {static_cast<HeaderId>(at_->id),
              {text_ + at_->begin, at_->name_size},
              {text_ + at_->value, at_->value_size},
              {text_ + at_->begin, at_->size}};
    }
    iterator& operator++() {
      ++at_;
      return *this;
    }
    iterator operator++(int) { return {text_, at_++}; }
    bool operator==(const iterator& other) const { return at_ == other.at_; }

   private:
    const char* text_ = nullptr;
    const Entry* at_ = nullptr;
  };

  HeaderLines(const char* text, std::span<const Entry> entries) : text_(text), entries_(entries) {}
  iterator begin() const { return {text_, entries_.data()}; }
  iterator end() const { return {text_, entries_.data() + entries_.size()}; }
  std::size_t size() const { return entries_.size(); }

 private:
  const char* text_;
  std::span<const Entry> entries_;
};

/// The values of one comma-separated header over all its lines, in order and without empty ones: a range of
/// views into the message's buffer that is cut as it is walked over.
class HeaderValues {
 public:
  class iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;

    std::string_view operator*() const { return value_; }
    iterator& operator++();
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return done_; }

   private:
    friend HeaderValues;
    iterator(HeaderLines::iterator line, HeaderLines::iterator end, HeaderId id);

    HeaderLines::iterator line_, end_;  ///< The line after that of `rest_`.
    HeaderId id_;
    bool done_ = false;
    std::string_view rest_, value_;
  };

  HeaderValues(HeaderLines lines, HeaderId id) : lines_(lines), id_(id) {}
  iterator begin() const { return {lines_.begin(), lines_.end(), id_}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  HeaderLines lines_;
  HeaderId id_;
};

/// A received (or finished) message: one shared buffer, indexed once, headers read when asked for.
/// Copies share the buffer and the index; to move is to hand over two pointers.
class Message {
 public:
  /// Reads one whole message, as it came in a datagram or from the `Framer`. What can be split into start
  /// line, header lines and body succeeds; `check` says whether it is valid. Octets after
  /// Content-Length are dropped; without one the body is the rest (RFC 3261 18.3).
  /// Errors: need_more where Content-Length promises more than there is or the blank line is missing,
  /// bad_start_line, bad_version (of a response), bad_header, bad_length, too_long. What to answer to those
  /// `refusal` says.
  static Result<Message> parse(SharedText text, const Limits& limits = {});
  /// What can be read of a message that `parse` refused, so that it can be answered: the start line, and the
  /// well-formed header lines. No body. Nullopt without a start line.
  static std::optional<Message> salvage(SharedText text, const Limits& limits = {});

  bool is_request() const { return status() == 0; }
  bool is_response() const { return status() != 0; }

  Method method() const;  ///< Of a request; of a response the CSeq's.
  std::string_view method_text() const;
  std::string_view request_uri_text() const;
  Result<Uri> request_uri() const;
  int status() const;  ///< 0 for a request.
  std::string_view reason() const;
  std::string_view version() const;  ///< As written: "SIP/2.0".

  HeaderLines headers() const;
  /// Value of the first line of that header; empty when absent (`has` distinguishes the two).
  std::string_view header(HeaderId id) const;
  std::string_view header(std::string_view name) const;  ///< For HeaderId::other.
  bool has(HeaderId id) const;
  const HeaderSet& present() const;   ///< Those that are there.
  const HeaderSet& repeated() const;  ///< Those with more than one line.
  /// That header's line; where it repeats, all lines from its first on, those of others among them.
  HeaderLines lines_of(HeaderId id) const;
  /// All values of a comma-separated header, over all its lines, in order. `each` gives the same without a
  /// vector, `first` its first, empty when there is none. The range lives as long as the message.
  std::vector<std::string_view> values(HeaderId id) const;
  HeaderValues each(HeaderId id) const;
  std::string_view first(HeaderId id) const;
  /// True when a list header (Supported, Require, Accept, Allow-Events...) names `token`, in any case;
  /// parameters after ';' do not count.
  bool lists(HeaderId id, std::string_view token) const;

  std::string_view body() const;
  /// The octets, from the start line to the end of the body (folds already blanked).
  std::string_view text() const;
  const SharedText& shared_text() const { return text_; }  ///< Owns the octets; may hold more than `text`.

  std::string_view from_tag() const;  ///< Empty when absent or unreadable.
  std::string_view to_tag() const;
  std::string_view call_id() const { return header(HeaderId::call_id); }

  // Typed readings; each is parsed anew at every call. The views own nothing and live as long as the message.
  Result<ViaView> top_via_view() const;
  Result<UriView> request_uri_view() const;
  Result<Via> top_via() const;
  Result<NameAddr> from() const;
  Result<NameAddr> to() const;
  Result<CSeq> cseq() const;
  Result<std::vector<NameAddr>> contacts() const;  ///< A lone "*" gives one entry whose uri.scheme is "*".
  Result<std::vector<NameAddr>> routes(HeaderId id) const;  ///< route, record_route, path, service_route.
  std::optional<std::uint32_t> expires() const;  ///< Seconds; past 2^32-1 it is 2^32-1; malformed: absent.
  /// The number a value begins with, up to its end, a blank, ';' or '(' (Max-Forwards, Retry-After, RSeq...).
  std::optional<std::uint32_t> number(HeaderId id) const;

 private:
  struct Index;
  class Indexer;
  friend void intrusive_ptr_add_ref(const Index* index);
  friend void intrusive_ptr_release(const Index* index);

  const Index& index() const;
  const HeaderLines::Entry* find(HeaderId id) const;
  std::string_view value_of(const HeaderLines::Entry& entry) const;

  SharedText text_;
  boost::intrusive_ptr<const Index> index_;  ///< Null for a message that is none.
};

}  // namespace beckon::sip
