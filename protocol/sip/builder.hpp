#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/sip/message.hpp"

namespace beckon::sip {

/// Writes a message once, front to back, into one text. Values are written as they come, but for line
/// ends and NUL, which become blanks: no value can forge a line.
class Builder {
 public:
  static Builder request(std::string_view method, std::string_view uri);
  static Builder response(int status, std::string_view reason = {});  ///< Default reason phrase when empty.
  /// The response to `request` (RFC 3261 8.2.6): Via, From, To, Call-ID and CSeq copied, Timestamp into a
  /// 100. `to_tag` is added to a To without tag unless it is empty.
  static Builder reply(const Message& request, int status, std::string_view to_tag,
                       std::string_view reason = {});

  Builder& add(HeaderId id, std::string_view value);  ///< Not HeaderId::other.
  Builder& add(std::string_view name, std::string_view value);
  Builder& add(HeaderId id, std::uint32_t value);
  /// A value that some `append(std::string&, value)` writes: those of view.hpp.
  template <class Value>
    requires requires(std::string& out, const Value& value) { append(out, value); }
  Builder& add(HeaderId id, const Value& value) {
    const auto begin = begin_line(id);
    append(text_, value);
    return end_line(begin);
  }
  /// The same where the header decides how its value is written: HeaderValue.
  template <class Value>
    requires requires(std::string& out, HeaderId id, const Value& value) { append(out, id, value); }
  Builder& add(HeaderId id, const Value& value) {
    const auto begin = begin_line(id);
    append(text_, id, value);
    return end_line(begin);
  }
  /// Whole lines with their ends, of our own making: they are not looked at.
  Builder& add_lines(std::string_view lines);
  /// Copies every line of that header from `message`.
  Builder& copy(const Message& message, HeaderId id);
  /// Content-Type, Content-Length, blank line and body. Gives the text away: the builder is used up.
  std::string finish(std::string_view content_type, std::string_view body);
  std::string finish();  ///< Content-Length: 0.
  /// Gives away what was written so far, whole lines: the beginning of a message that others finish.
  std::string take() { return std::move(text_); }
  /// Octets so far.
  std::size_t size() const { return text_.size(); }

 private:
  /// Most messages fit, and malloc keeps blocks of that size at hand for the thread (glibc: up to 1032).
  static constexpr std::size_t usual_size = 1000;
  Builder() { text_.reserve(usual_size); }
  Builder& clean(std::string_view text);
  void copy(const HeaderLine& line);
  void blank_line_ends(std::size_t from, std::size_t to);
  std::size_t begin_line(HeaderId id);   ///< Gives where its value begins,
  Builder& end_line(std::size_t value);  ///< for its end.

  std::string text_;
};

/// The phrase the RFCs give a status code; that of its class for an unknown one.
std::string_view default_reason(int status);

/// Rewrites a received message into the one to forward, by splicing its buffer: the untouched lines
/// are copied as they stand. One edit for each header: a later one takes the place of an earlier one.
/// A Content-Length is added where the message has none (COMPAT: liblinphone over UDP). `message` outlives
/// it. Values are copied into the splice, which allocates for unusually many or long ones only.
class Splice {
 public:
  explicit Splice(const Message& message) : message_(message) {}
  Splice& request_uri(std::string_view uri);
  /// Drops the top value of a comma-separated header (Via of a response, Route of a request).
  Splice& drop_first(HeaderId id);
  Splice& drop(HeaderId id);  ///< All its lines.
  /// Puts a line in front of all headers, those prepended earlier too.
  Splice& prepend(HeaderId id, std::string_view value);
  /// Replaces all lines of a header by one, which stands where the first stood; after all where none did.
  Splice& replace(HeaderId id, std::string_view value);
  Splice& replace(HeaderId id, std::uint32_t value);
  /// Replaces the first value of that header (e.g. the top Via with `received` added).
  Splice& replace_first(HeaderId id, std::string_view value);
  std::string finish() const;
  /// The same in a block of the thread's pool: nothing is allocated in steady state.
  SharedText finish_shared() const;

 private:
  struct Edit {
    enum class Kind { drop_first, drop, replace, replace_first } kind;
    HeaderId id;
    std::string_view value;
  };
  struct Line {
    HeaderId id;
    std::string_view value;
  };
  Splice& edit(Edit::Kind kind, HeaderId id, std::string_view value);
  const Edit* find_edit(HeaderId id) const;
  std::string_view keep(std::string_view value);
  std::size_t bound() const;
  char* write(char* out) const;
  char* write_start_line(char* out) const;
  char* write_edited(char* out, const HeaderLine& line, const Edit& edit, bool first) const;

  const Message& message_;
  std::array<std::byte, 1024> inline_memory_;
  std::pmr::monotonic_buffer_resource memory_{inline_memory_.data(), inline_memory_.size()};
  std::string_view uri_;
  std::pmr::vector<Line> front_{&memory_};  ///< The last one stands on top.
  std::pmr::vector<Edit> edits_{&memory_};
  std::size_t added_ = 0;  ///< Octets of all values.
};

}  // namespace beckon::sip
