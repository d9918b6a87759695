#include "protocol/sip/message_index.hpp"

#include <algorithm>
#include <limits>
#include <new>

#include "protocol/base/block_pool.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"
#include "protocol/sip/lines.hpp"
#include "protocol/sip/scan.hpp"

namespace beckon::sip {

namespace {

/// Lines an ordinary message stays below, so that its index fits the block it begins with.
constexpr std::size_t usual_lines = 24;
constexpr std::size_t max_lines = std::numeric_limits<std::uint16_t>::max();
constexpr std::size_t max_line = (1 << 24) - 1;  ///< What an entry's `name_size` holds.

bool is_sip_version(std::string_view text) {
  if (text == "SIP/2.0") return true;
  if (text.size() < 7 || !iequals(text.substr(0, 4), "SIP/")) return false;
  const auto [major, minor] = cut(text.substr(4), '.');
  const auto digits = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), is_digit);
  };
  return digits(major) && digits(minor);
}

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

std::string_view tag_in(std::string_view address) {
  // The usual one: quotes around the display name only, so that after the '>' the parameters stand.
  constexpr std::string_view tag = ";tag=";
  const auto name = address.starts_with('"') ? grammar::skip_quoted(address, 0) : 0;
  const auto close = std::min(address.find('>'), address.size());
  auto parameters = address.substr(std::min(close + 1, address.size()));
  if (name < close && close < address.size() && address.find('"', name) == std::string_view::npos) {
    if (parameters.starts_with(tag))
      return trim(parameters.substr(tag.size(), parameters.find(';', 1) - tag.size()));
  } else {
    parameters = address.substr(grammar::find_outside(address, ";"));
  }
  return find_parameter(parameters, "tag").value_or(std::string_view{});
}

}  // namespace

Message::Index* Message::Index::make(std::size_t capacity) {
  const auto size = block_capacity(sizeof(Index) + capacity * sizeof(HeaderLines::Entry));
  auto* index = new (take_block(size)) Index;
  index->capacity = static_cast<std::uint32_t>((size - sizeof(Index)) / sizeof(HeaderLines::Entry));
  return index;
}

void Message::Index::drop(const Index* index) {
  give_block(const_cast<Index*>(index), sizeof(Index) + index->capacity * sizeof(HeaderLines::Entry));
}

Message::Indexer::Indexer(SharedText text, Mode mode, const Limits& limits)
    : text_(std::move(text)),
      mode_(mode),
      limits_(limits),
      max_lines_(std::min(limits.header_lines, max_lines)),
      index_(Index::make(usual_lines)) {}

Message::Indexer::~Indexer() {
  if (index_) Index::drop(index_);
}

Message Message::Indexer::take() {
  Message message;
  message.text_ = std::move(text_);
  message.index_ = {std::exchange(index_, nullptr), false};
  return message;
}

std::optional<Errc> Message::Indexer::run() {
  if (text_->size() > std::numeric_limits<std::uint32_t>::max()) return Errc::too_long;
  auto step = read();
  if (step == Step::folded) {
    // Folds are rare: the buffer is copied once, so that values stay views.
    text_ = share(blank_folds(std::string(*text_)));
    Index::drop(std::exchange(index_, Index::make(usual_lines)));
    length_.reset();
    vias_ = 0;
    step = read();
  }
  return step == Step::go_on ? std::nullopt : std::optional(error_);
}

Message::Indexer::Step Message::Indexer::fail(Errc why) {
  error_ = why;
  return Step::failed;
}

inline bool Message::Indexer::split(std::string_view line, bool plain, HeaderLines::Entry& entry) const {
  const char* const end = line.data() + line.size();
  // Most names end in the first 16 octets, which may be read whatever the line's size is.
  const auto colons = plain ? scan::mask16(line.data(), ':') : 0U;
  const auto size = colons ? static_cast<std::size_t>(std::countr_zero(colons)) : line.size();
  std::string_view name = line.substr(0, size), value;
  auto id = HeaderId::other;
  if (size < line.size() && ((id = parse_header_name(name)) != HeaderId::other || grammar::is_token(name))) {
    const char* from = line.data() + size + 1;
    while (from < end && is_blank(*from)) ++from;
    const char* to = end;
    while (to > from && is_blank(to[-1])) --to;
    value = between(from, to);
  } else {
    if (!split_header(line, name, value)) return false;
    id = parse_header_name(name);
  }
  entry.id = static_cast<std::uint8_t>(id);
  entry.name_size = static_cast<std::uint32_t>(name.size() & max_line);
  entry.value = static_cast<std::uint32_t>((value.data() ? value.data() : end) - index_->text);
  entry.value_size = static_cast<std::uint32_t>(value.size());
  return true;
}

inline void Message::Indexer::append(const HeaderLines::Entry& entry) {
  if (index_->count == index_->capacity) {
    Index* larger = Index::make(std::size_t{index_->capacity} * 2);
    const auto capacity = larger->capacity;
    std::memcpy(static_cast<void*>(larger), index_, sizeof(Index) + index_->count * sizeof(entry));
    larger->capacity = capacity;
    Index::drop(std::exchange(index_, larger));
  }
  const auto id = static_cast<HeaderId>(entry.id);
  if (index_->seen.has(id)) {
    index_->repeated.add(id);
  } else {
    index_->seen.add(id);
    index_->first_line[entry.id] = static_cast<std::uint16_t>(index_->count);
  }
  index_->entries()[index_->count++] = entry;
}

/// What is wanted of nearly every message, or bounds it.
inline std::optional<Errc> Message::Indexer::note(HeaderId id, std::string_view value) {
  switch (id) {
    case HeaderId::content_length: {
      const auto length = parse_number<std::uint64_t>(value);
      if (!length || (length_ && *length_ != *length)) return Errc::bad_length;
      length_ = *length;
      break;
    }
    case HeaderId::via:
      ++vias_;
      for (auto comma = value.find(','); comma != std::string_view::npos; comma = value.find(',', comma + 1))
        ++vias_;
      if (vias_ - (index_->status != 0 ? 1U : 0U) > limits_.via) return Errc::too_long;
      break;
    case HeaderId::from:
      if (!index_->repeated.has(id)) index_->from_tag = tag_in(value);
      break;
    case HeaderId::to:
      if (!index_->repeated.has(id)) index_->to_tag = tag_in(value);
      break;
    default:
      break;
  }
  return std::nullopt;
}

/// `next` is where the next line begins; a `plain` line holds no CR.
inline std::optional<Errc> Message::Indexer::add_line(std::string_view line, const char* next, bool plain) {
  if (line.size() > std::min(limits_.line, max_line) || index_->count == max_lines_) return Errc::too_long;
  HeaderLines::Entry entry;
  if (!split(line, plain, entry)) return Errc::bad_header;
  entry.begin = static_cast<std::uint32_t>(line.data() - index_->text);
  entry.size = static_cast<std::uint32_t>(next - line.data());
  append(entry);
  return note(static_cast<HeaderId>(entry.id), {index_->text + entry.value, entry.value_size});
}

Message::Indexer::Step Message::Indexer::read() {
  const bool strict = mode_ == Mode::strict;
  index_->text = text_->data();
  index_->octets = skip_line_ends(*text_);
  const char* begin = index_->octets.data();
  scan::LineFeeds feeds(begin, begin + index_->octets.size());
  for (bool in_headers = false;; in_headers = true) {
    const char* feed = feeds.next();
    if (!feed) return strict || !in_headers ? fail(Errc::need_more) : Step::go_on;
    const auto line = between(begin, feed > begin && feed[-1] == '\r' ? feed - 1 : feed);
    const char* next = feed + 1;
    if (in_headers && line.empty()) {
      if (!strict) return Step::go_on;
      const auto error = set_body(next);
      return error ? fail(*error) : Step::go_on;
    }
    if (is_blank(*next)) return Step::folded;  // after the text there is NUL
    if (!in_headers) {
      const bool has_return = feeds.saw_lone_return() && line.find('\r') != std::string_view::npos;
      if (strict && has_return) return fail(Errc::bad_start_line);
      if (const auto error = read_start_line(line)) return fail(*error);
    } else {
      const auto error = add_line(line, next, !feeds.saw_lone_return());
      if (error && strict) return fail(*error);
      if (!strict && index_->count == max_lines_) return Step::go_on;
    }
    begin = next;
  }
}

std::optional<Errc> Message::Indexer::read_start_line(std::string_view line) {
  if (line.size() > 4 && iequals(line.substr(0, 4), "SIP/")) return read_status_line(line);
  if (const auto error = read_request_line(line)) return error;
  if (mode_ == Mode::strict && index_->second.size() > limits_.uri) return Errc::too_long;
  return std::nullopt;
}

/// The URI is what stands between the first and the last blank: `check` refuses one with blanks in it.
std::optional<Errc> Message::Indexer::read_request_line(std::string_view line) {
  const bool salvage = mode_ == Mode::salvage;
  if (salvage) line = trim(line);
  const auto first = std::min(line.find(' '), line.size());
  auto last = line.rfind(' ');
  if (salvage && !is_sip_version(trim(line.substr(std::min(last, line.size()))))) last = line.size();
  if (first >= last || last == std::string_view::npos) return Errc::bad_start_line;
  index_->first = line.substr(0, first);
  index_->method = parse_method(index_->first);
  index_->second = line.substr(first + 1, last - first - 1);
  index_->third = line.substr(std::min(last + 1, line.size()));
  if (!grammar::is_token(index_->first) || index_->second.empty()) return Errc::bad_start_line;
  // Without a version it may be another protocol's line, unless the URI is ours.
  const bool ours = salvage && iequals(index_->second.substr(0, 3), "sip");
  return is_sip_version(index_->third) || ours ? std::nullopt : std::optional(Errc::bad_start_line);
}

std::optional<Errc> Message::Indexer::read_status_line(std::string_view line) {
  const auto [version, rest] = cut(line, ' ');
  if (!is_sip_version(version)) return Errc::bad_start_line;
  if (version.substr(4) != "2.0") return Errc::bad_version;
  // COMPAT: some peers leave out the blank in front of an empty reason phrase.
  if (rest.size() > 3 && rest[3] != ' ') return Errc::bad_start_line;
  const auto status = parse_number<int>(rest.substr(0, 3));
  if (rest.size() < 3 || !status || *status < 100 || *status > 699) return Errc::bad_start_line;
  index_->first = version;
  index_->second = rest.substr(0, 3);
  index_->third = rest.size() > 4 ? rest.substr(4) : std::string_view{};
  index_->status = *status;
  return std::nullopt;
}

std::optional<Errc> Message::Indexer::set_body(const char* begin) {
  const char* const end = index_->octets.data() + index_->octets.size();
  const auto rest = between(begin, end);
  // COMPAT: liblinphone leaves Content-Length out of UDP responses: the body is the rest of the datagram.
  const auto length = length_.value_or(rest.size());
  if (length > rest.size()) return Errc::need_more;
  index_->body = rest.substr(0, length);
  index_->octets = between(index_->octets.data(), begin + length);
  return std::nullopt;
}

}  // namespace beckon::sip
