#include "protocol/sip/message.hpp"

#include <algorithm>
#include <cstring>

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"
#include "protocol/sip/lines.hpp"

namespace beckon::sip {

namespace {

/// Lines an ordinary message stays below, so that its index is allocated once.
constexpr std::size_t usual_header_lines = 24;

bool is_version(std::string_view text) {
  if (text.size() < 7 || !iequals(text.substr(0, 4), "SIP/")) return false;
  const auto [major, minor] = cut(text.substr(4), '.');
  const auto digits = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), is_digit);
  };
  return digits(major) && digits(minor);
}

std::string_view header_parameters(std::string_view value) {
  return value.substr(grammar::find_outside(value, ";"));
}

std::string_view first_value(std::string_view value) {
  return trim(value.substr(0, grammar::find_outside(value, ",")));
}

}  // namespace

/// What the header lines seen so far say.
struct Message::Progress {
  LengthReader length;
  std::size_t vias = 0;
};

Result<Message> Message::parse(SharedText text, const Limits& limits) {
  if (text->size() > limits.message) return Errc::too_long;
  Message message;
  message.text_ = std::move(text);
  if (const auto error = message.index(Mode::strict, limits)) return *error;
  return message;
}

std::optional<Message> Message::salvage(SharedText text, const Limits& limits) {
  Message message;
  message.text_ = std::move(text);
  if (message.index(Mode::salvage, limits)) return std::nullopt;
  return message;
}

std::optional<Errc> Message::index(Mode mode, const Limits& limits) {
  LineCursor cursor(skip_line_ends(*text_));
  octets_ = cursor.rest();
  std::string_view line, whole;
  if (!cursor.next(line, whole)) return Errc::need_more;
  if (cursor.at_fold()) return index_unfolded(mode, limits);
  if (const auto error = read_start_line(line, mode)) return error;
  if (mode == Mode::strict && second_.size() > limits.uri && is_request()) return Errc::too_long;

  Progress progress;
  headers_.reserve(usual_header_lines);
  while (true) {
    if (!cursor.next(line, whole))
      return mode == Mode::strict ? std::optional(Errc::need_more) : std::nullopt;
    if (line.empty()) break;
    if (cursor.at_fold()) return index_unfolded(mode, limits);
    const auto error = add_line(line, whole, progress, limits);
    if (error && mode == Mode::strict) return error;
    if (headers_.size() == limits.header_lines && mode == Mode::salvage) return std::nullopt;
  }
  return mode == Mode::strict ? set_body(cursor.rest(), progress) : std::nullopt;
}

/// Folds are rare: the buffer is copied once, so that values stay views.
std::optional<Errc> Message::index_unfolded(Mode mode, const Limits& limits) {
  text_ = share(blank_folds(*text_));
  headers_.clear();
  status_ = 0;
  return index(mode, limits);
}

std::optional<Errc> Message::read_start_line(std::string_view line, Mode mode) {
  const bool response = line.size() > 4 && iequals(line.substr(0, 4), "SIP/");
  return response ? read_status_line(line) : read_request_line(line, mode);
}

/// The URI is what stands between the first and the last blank: `check` refuses one with blanks in it.
std::optional<Errc> Message::read_request_line(std::string_view line, Mode mode) {
  if (mode == Mode::salvage) line = trim(line);
  const auto first = std::min(line.find(' '), line.size());
  auto last = line.rfind(' ');
  if (mode == Mode::salvage && !is_version(trim(line.substr(std::min(last, line.size())))))
    last = line.size();
  if (first >= last || last == std::string_view::npos) return Errc::bad_start_line;
  first_ = line.substr(0, first);
  second_ = line.substr(first + 1, last - first - 1);
  third_ = line.substr(std::min(last + 1, line.size()));
  if (!grammar::is_token(first_) || second_.empty()) return Errc::bad_start_line;
  // Without a version it may be another protocol's line, unless the URI is ours.
  const bool ours = mode == Mode::salvage && iequals(second_.substr(0, 3), "sip");
  return is_version(third_) || ours ? std::nullopt : std::optional(Errc::bad_start_line);
}

std::optional<Errc> Message::read_status_line(std::string_view line) {
  const auto [version, rest] = cut(line, ' ');
  if (!is_version(version)) return Errc::bad_start_line;
  if (version.substr(4) != "2.0") return Errc::bad_version;
  // COMPAT: some peers leave out the blank in front of an empty reason phrase.
  if (rest.size() > 3 && rest[3] != ' ') return Errc::bad_start_line;
  const auto status = parse_number<int>(rest.substr(0, 3));
  if (rest.size() < 3 || !status || *status < 100 || *status > 699) return Errc::bad_start_line;
  first_ = version;
  second_ = rest.substr(0, 3);
  third_ = rest.size() > 4 ? rest.substr(4) : std::string_view{};
  status_ = *status;
  return std::nullopt;
}

std::optional<Errc> Message::add_line(std::string_view line, std::string_view whole, Progress& progress,
                                      const Limits& limits) {
  if (line.size() > limits.line || headers_.size() == limits.header_lines) return Errc::too_long;
  HeaderLine header;
  if (!split_header(line, header.name, header.value)) return Errc::bad_header;
  header.id = parse_header_name(header.name);
  header.line = whole;
  headers_.push_back(header);
  if (header.id == HeaderId::content_length && !progress.length.add(header.value)) return Errc::bad_length;
  if (header.id == HeaderId::via) {
    progress.vias += 1 + static_cast<std::size_t>(std::count(header.value.begin(), header.value.end(), ','));
    if (progress.vias > limits.via) return Errc::too_long;
  }
  return std::nullopt;
}

std::optional<Errc> Message::set_body(std::string_view rest, const Progress& progress) {
  // COMPAT: liblinphone leaves Content-Length out of UDP responses: the body is the rest of the datagram.
  const auto length = progress.length.value().value_or(rest.size());
  if (length > rest.size()) return Errc::need_more;
  body_ = rest.substr(0, length);
  octets_ = octets_.substr(0, static_cast<std::size_t>(body_.data() - octets_.data()) + length);
  return std::nullopt;
}

Method Message::method() const { return parse_method(method_text()); }

std::string_view Message::method_text() const {
  if (is_request()) return first_;
  const auto value = header(HeaderId::cseq);
  const auto blank = value.find_last_of(" \t");
  return blank == std::string_view::npos ? std::string_view{} : value.substr(blank + 1);
}

std::string_view Message::request_uri_text() const { return is_request() ? second_ : std::string_view{}; }

Result<Uri> Message::request_uri() const { return parse_uri(request_uri_text()); }

std::string_view Message::reason() const { return is_response() ? third_ : std::string_view{}; }

std::string_view Message::version() const { return is_response() ? first_ : third_; }

const HeaderLine* Message::find(HeaderId id) const {
  const auto found =
      std::find_if(headers_.begin(), headers_.end(), [id](const auto& line) { return line.id == id; });
  return found == headers_.end() ? nullptr : &*found;
}

std::string_view Message::header(HeaderId id) const {
  const auto* line = find(id);
  return line ? line->value : std::string_view{};
}

std::string_view Message::header(std::string_view name) const {
  const HeaderId id = parse_header_name(name);
  if (id != HeaderId::other) return header(id);
  for (const auto& line : headers_) {
    if (iequals(line.name, name)) return line.value;
  }
  return {};
}

bool Message::has(HeaderId id) const { return find(id) != nullptr; }

std::vector<std::string_view> Message::values(HeaderId id) const {
  std::vector<std::string_view> all;
  for (const auto& line : headers_) {
    if (line.id != id) continue;
    const auto values = split_values(line.value);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

bool Message::lists(HeaderId id, std::string_view token) const {
  for (const auto& line : headers_) {
    if (line.id != id) continue;
    auto rest = line.value;
    for (std::string_view piece; grammar::next_piece(rest, ',', piece);) {
      if (iequals(trim(cut(piece, ';').first), token)) return true;
    }
  }
  return false;
}

Result<Via> Message::top_via() const {
  const auto* line = find(HeaderId::via);
  if (!line) return Errc::missing_header;
  return parse_via(first_value(line->value));
}

Result<NameAddr> Message::from() const {
  const auto* line = find(HeaderId::from);
  if (!line) return Errc::missing_header;
  return parse_name_addr(line->value);
}

Result<NameAddr> Message::to() const {
  const auto* line = find(HeaderId::to);
  if (!line) return Errc::missing_header;
  return parse_name_addr(line->value);
}

std::string_view Message::from_tag() const {
  return find_parameter(header_parameters(header(HeaderId::from)), "tag").value_or(std::string_view{});
}

std::string_view Message::to_tag() const {
  return find_parameter(header_parameters(header(HeaderId::to)), "tag").value_or(std::string_view{});
}

Result<CSeq> Message::cseq() const {
  const auto* line = find(HeaderId::cseq);
  if (!line) return Errc::missing_header;
  return parse_cseq(line->value);
}

Result<std::vector<NameAddr>> Message::contacts() const {
  if (trim(header(HeaderId::contact)) == "*") {
    NameAddr all;
    all.uri.scheme = "*";
    // RFC 3261 10.3: "*" stands alone.
    if (values(HeaderId::contact).size() != 1) return Errc::bad_value;
    return std::vector<NameAddr>{std::move(all)};
  }
  return routes(HeaderId::contact);
}

Result<std::vector<NameAddr>> Message::routes(HeaderId id) const {
  std::vector<NameAddr> all;
  for (const auto value : values(id)) {
    auto address = parse_name_addr(value);
    if (!address) return address.error();
    all.push_back(std::move(*address));
  }
  return all;
}

std::optional<std::uint32_t> Message::expires() const {
  return parse_delta_seconds(header(HeaderId::expires));
}

std::optional<std::uint32_t> Message::number(HeaderId id) const {
  const auto value = header(id);
  return parse_number<std::uint32_t>(value.substr(0, value.find_first_of(" \t;(")));
}

}  // namespace beckon::sip
