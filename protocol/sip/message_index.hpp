#pragma once

#include <array>
#include <atomic>

#include "protocol/sip/message.hpp"

namespace beckon::sip {

/// What one pass over a message finds: the parts of its start line, where each header line lies, and the line
/// a header begins with. Lives in a block of the thread's pool, with the entries after it; counted like the
/// text. Once made it is not changed. Room `sip` only.
struct Message::Index {
  mutable std::atomic<std::uint32_t> owners{1};
  std::uint32_t capacity = 0;  ///< Entries there is room for.
  std::uint32_t count = 0;
  int status = 0;
  const char* text = nullptr;  ///< What offsets count from.
  std::string_view octets;
  std::string_view first, second, third;  ///< Parts of the start line.
  std::string_view body;
  std::string_view from_tag, to_tag;
  Method method = Method::other;                          ///< Of a request.
  HeaderSet seen;                                         ///< Headers that are there...
  HeaderSet repeated;                                     ///< ...on more than one line.
  std::array<std::uint16_t, HeaderSet::size> first_line;  ///< Valid where `seen` has it.

  static Index* make(std::size_t capacity);
  static void drop(const Index* index);

  HeaderLines::Entry* entries() { return reinterpret_cast<HeaderLines::Entry*>(this + 1); }
  std::span<const HeaderLines::Entry> lines() const {
    return {reinterpret_cast<const HeaderLines::Entry*>(this + 1), count};
  }
};

/// Makes the index.
class Message::Indexer {
 public:
  enum class Mode {
    strict,  ///< For `parse`: the first thing wrong is an error.
    salvage  ///< For `salvage`: only the start line must be there; bad lines are left out, and there is no
             ///< body.
  };
  Indexer(SharedText text, Mode mode, const Limits& limits);
  ~Indexer();
  Indexer(const Indexer&) = delete;

  std::optional<Errc> run();
  Message take();

 private:
  enum class Step { go_on, folded, failed };

  Step read();  // the four it calls for each line are part of it: 100 instructions less a line
  Step fail(Errc why);
  std::optional<Errc> read_start_line(std::string_view line);
  std::optional<Errc> read_request_line(std::string_view line);
  std::optional<Errc> read_status_line(std::string_view line);
  [[gnu::always_inline]] std::optional<Errc> add_line(std::string_view line, const char* next, bool plain);
  [[gnu::always_inline]] bool split(std::string_view line, bool plain, HeaderLines::Entry& entry) const;
  [[gnu::always_inline]] std::optional<Errc> note(HeaderId id, std::string_view value);
  [[gnu::always_inline]] void append(const HeaderLines::Entry& entry);
  std::optional<Errc> set_body(const char* begin);

  SharedText text_;
  Mode mode_;
  const Limits& limits_;
  std::size_t max_lines_;
  Index* index_;
  std::optional<std::size_t> length_;  ///< What Content-Length says so far.
  std::size_t vias_ = 0;
  Errc error_{};
};

}  // namespace beckon::sip
