#include "protocol/documents/multipart.hpp"

#include <algorithm>
#include <cassert>

#include "protocol/base/text.hpp"

namespace beckon::documents {
namespace {

constexpr std::size_t longest_boundary = 70;  // RFC 2046 5.1.1
constexpr std::string_view blanks = " \t\r\n";

/// Cuts the next parameter off: up to a ';' outside of quotes.
std::string_view next_piece(std::string_view& rest) {
  std::size_t at = 0;
  for (bool quoted = false; at < rest.size() && (quoted || rest[at] != ';'); ++at) {
    if (rest[at] == '"') quoted = !quoted;
    if (rest[at] == '\\' && quoted) ++at;
  }
  at = std::min(at, rest.size());
  const auto piece = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return piece;
}

std::string unquote(std::string_view text) {
  if (!text.starts_with('"')) return std::string(text);
  std::string out;
  for (std::size_t i = 1; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

/// RFC 2046 5.1.1: bchars, no blank at the end.
bool is_boundary(std::string_view text) {
  static constexpr std::string_view others = "'()+_,-./:=? ";
  return !text.empty() && text.size() <= longest_boundary && !text.ends_with(' ') &&
         std::ranges::all_of(
             text, [](char c) { return is_alpha(c) || is_digit(c) || others.find(c) != others.npos; });
}

/// One delimiter line: where the line end before it begins, where the line after it begins.
struct Delimiter {
  std::size_t begin, end;
  bool closes;
};

/// The next delimiter line from `from` on, which is the beginning of a line.
std::optional<Delimiter> find_delimiter(std::string_view body, std::string_view dashed, std::size_t from) {
  for (std::size_t at = body.find(dashed, from); at != std::string_view::npos;
       at = body.find(dashed, at + 1)) {
    if (at != from && body[at - 1] != '\n') continue;
    std::size_t end = at + dashed.size();
    const bool closes = body.substr(end).starts_with("--");
    if (closes) end += 2;
    end = std::min(body.find_first_not_of(" \t", end), body.size());  // transport padding
    if (body.substr(end).starts_with('\r')) ++end;
    if (end < body.size() && body[end] != '\n') continue;
    if (end == body.size() && !closes) continue;
    std::size_t begin = at;
    if (begin > from) --begin;
    if (begin > from && body[begin - 1] == '\r') --begin;
    return Delimiter{begin, std::min(end + 1, body.size()), closes};
  }
  return std::nullopt;
}

class Parser {
 public:
  explicit Parser(const MultipartLimits& limits) : limits_(limits) {}

  std::optional<Errc> read(std::string_view body, std::string_view content_type, std::size_t depth,
                           Multipart& out);
  /// Leaves the body of the part in `text`.
  std::optional<Errc> read_headers(std::string_view& text, Part& part) const;

 private:
  std::optional<Errc> read_part(std::string_view text, std::size_t depth, Part& part);

  const MultipartLimits& limits_;
  std::size_t parts_ = 0;
};

std::optional<Errc> Parser::read(std::string_view body, std::string_view content_type, std::size_t depth,
                                 Multipart& out) {
  const auto boundary = media_parameter(content_type, "boundary");
  if (!boundary || !is_boundary(*boundary)) return Errc::bad_boundary;
  const std::string dashed = "--" + *boundary;
  auto delimiter = find_delimiter(body, dashed, 0);
  if (!delimiter || delimiter->closes) return Errc::bad_multipart;
  out.preamble = body.substr(0, delimiter->begin);
  while (!delimiter->closes) {
    const std::size_t begin = delimiter->end;
    delimiter = find_delimiter(body, dashed, begin);
    if (!delimiter) return Errc::bad_multipart;
    if (++parts_ > limits_.parts) return Errc::too_many_parts;
    const auto text = body.substr(begin, delimiter->begin - begin);
    if (const auto error = read_part(text, depth, out.parts.emplace_back())) return error;
  }
  out.epilogue = body.substr(delimiter->end);
  return std::nullopt;
}

std::optional<Errc> Parser::read_part(std::string_view text, std::size_t depth, Part& part) {
  if (const auto error = read_headers(text, part)) return error;
  part.body = text;
  if (!is_multipart(part.content_type())) return std::nullopt;
  if (depth == limits_.depth) return Errc::too_deep;
  Multipart inner;
  if (const auto error = read(part.body, part.content_type(), depth + 1, inner)) return error;
  part.parts = std::move(inner.parts);
  return std::nullopt;
}

std::optional<Errc> Parser::read_headers(std::string_view& text, Part& part) const {
  while (!text.empty()) {
    // A field ends where the next line does not begin with a blank.
    std::size_t end = text.find('\n');
    while (end != std::string_view::npos && end + 1 < text.size() && is_blank(text[end + 1]) && end > 1) {
      end = text.find('\n', end + 1);
    }
    const auto line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) return std::nullopt;
    const auto [name, value] = cut(line, ':');
    if (trim(name).empty() || name.size() == line.size() || name.find_first_of(blanks) < trim(name).size()) {
      return Errc::bad_multipart;
    }
    if (part.headers.size() == limits_.header_lines) return Errc::too_many_parts;
    part.headers.push_back({trim(name), trim(value)});
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> media_parameter(std::string_view value, std::string_view name) {
  (void)next_piece(value);
  while (!value.empty()) {
    const auto [key, text] = cut(next_piece(value), '=');
    if (iequals(trim(key), name)) return unquote(trim(text));
  }
  return std::nullopt;
}

bool is_multipart(std::string_view content_type) {
  static constexpr std::string_view prefix = "multipart/";
  return iequals(trim(content_type).substr(0, prefix.size()), prefix);
}

std::string_view Part::header(std::string_view name) const {
  const auto found =
      std::ranges::find_if(headers, [&](const Header& each) { return iequals(each.name, name); });
  return found == headers.end() ? std::string_view{} : found->value;
}

std::string_view Part::content_type() const {
  const auto type = header("Content-Type");
  return type.empty() ? "text/plain" : type;
}

std::string_view Part::content_id() const {
  const auto id = header("Content-ID");
  return id.starts_with('<') && id.ends_with('>') ? id.substr(1, id.size() - 2) : id;
}

bool Part::is_required() const {
  const auto handling = media_parameter(header("Content-Disposition"), "handling");
  return !handling || !iequals(*handling, "optional");
}

Result<Multipart> parse_multipart(std::string_view body, std::string_view content_type,
                                  const MultipartLimits& limits) {
  Multipart out;
  if (const auto error = Parser(limits).read(body, content_type, 1, out)) return *error;
  return out;
}

Result<Part> parse_entity(std::string_view text, const MultipartLimits& limits) {
  Part part;
  if (const auto error = Parser(limits).read_headers(text, part)) return *error;
  part.body = text;
  return part;
}

const Part& root_of(const Multipart& multipart, std::string_view content_type) {
  assert(!multipart.parts.empty());
  const auto start = media_parameter(content_type, "start");
  if (!start) return multipart.parts.front();
  std::string_view id = *start;
  if (id.starts_with('<') && id.ends_with('>')) id = id.substr(1, id.size() - 2);
  const auto found =
      std::ranges::find_if(multipart.parts, [&](const Part& part) { return part.content_id() == id; });
  return found == multipart.parts.end() ? multipart.parts.front() : *found;
}

const Part* find_content_id(const std::vector<Part>& parts, std::string_view id) {
  for (const Part& part : parts) {
    if (!id.empty() && part.content_id() == id) return &part;
    if (const Part* inner = find_content_id(part.parts, id)) return inner;
  }
  return nullptr;
}

Result<std::string> content(const Part& part) {
  const auto encoding = part.header("Content-Transfer-Encoding");
  if (iequals(encoding, "base64")) {
    const auto octets = from_base64(part.body);
    if (!octets) return Errc::bad_value;
    return std::string(as_text(*octets));
  }
  for (const std::string_view plain : {"", "7bit", "8bit", "binary"}) {
    if (iequals(encoding, plain)) return std::string(part.body);
  }
  return Errc::unknown_encoding;
}

PrintedMultipart print_multipart(const std::vector<NewPart>& parts, Random& random) {
  assert(!parts.empty());
  PrintedMultipart out;
  const auto occurs = [&](const NewPart& part) {
    return part.body.find(out.boundary) != std::string_view::npos ||
           std::ranges::any_of(part.headers, [&](const auto& each) {
             return each.second.find(out.boundary) != each.second.npos;
           });
  };
  do {
    out.boundary = "part-" + random.token(16);
  } while (std::ranges::any_of(parts, occurs));
  for (const NewPart& part : parts) {
    out.body += "--" + out.boundary + "\r\n";
    for (const auto& [name, value] : part.headers) out.body += name + ": " + value + "\r\n";
    out.body += "\r\n";
    out.body += part.body;
    out.body += "\r\n";
  }
  out.body += "--" + out.boundary + "--\r\n";
  return out;
}

}  // namespace beckon::documents
