#include "protocol/transaction/quick_response.hpp"

#include "protocol/base/text.hpp"

namespace beckon::transaction {
namespace {

constexpr std::string_view status_line = "SIP/2.0 2";
constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::size_t status_at = 8;

/// The next line without its end, taken off `text`; empty at the end of the head, and for a line that does
/// not end.
std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos || end == 0 || text[end - 1] != '\r') return {};
  const auto line = text.substr(0, end - 1);
  text.remove_prefix(end + 1);
  return line;
}

/// The value of a header line with that name, in any case; empty when it has another.
std::string_view value_of(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':' || !iequals(line.substr(0, name.size()), name))
    return {};
  return trim(line.substr(name.size() + 1));
}

/// The branch of a lone value. Empty where quotes could hide a parameter, and for a response that is not for
/// us alone (RFC 3261 8.1.3.3).
std::string_view branch_of(std::string_view via) {
  for (const char c : via)
    if (c == '"' || c == ',') return {};
  constexpr std::string_view name = ";branch=";
  const auto at = via.find(name);
  if (at == std::string_view::npos) return {};
  const auto value = via.substr(at + name.size());
  std::size_t size = 0;
  while (size < value.size() && value[size] != ';' && !is_blank(value[size])) ++size;
  return value.substr(0, size);
}

}  // namespace

std::optional<QuickResponse> quick_response(std::string_view text) {
  if (!text.starts_with(status_line) || !text.ends_with(head_end)) return std::nullopt;
  const auto first = take_line(text);
  if (first.size() < status_at + 4 || first[status_at + 3] != ' ') return std::nullopt;
  const auto status = parse_number<int>(first.substr(status_at, 3));
  if (!status) return std::nullopt;
  QuickResponse response{.status = *status, .branch = {}, .method = {}};
  while (response.branch.empty() || response.method.empty()) {
    const auto line = take_line(text);
    if (line.empty() || is_blank(text.empty() ? ' ' : text.front()))
      return std::nullopt;  // the end, or a folded line
    switch (line.front()) {
      case 'V':
      case 'v':
        if (const auto via = value_of(line, "Via"); !via.empty()) {
          if (!response.branch.empty()) return std::nullopt;  // not for us alone (RFC 3261 8.1.3.3)
          response.branch = branch_of(via);
          if (response.branch.empty()) return std::nullopt;
        } else if (!value_of(line, "v").empty()) {
          return std::nullopt;
        }
        break;
      case 'C':
      case 'c':
        if (const auto cseq = value_of(line, "CSeq"); !cseq.empty()) {
          const auto [number, method] = cut(cseq, ' ');
          if (!parse_number<std::uint32_t>(number) || method.empty()) return std::nullopt;
          response.method = trim(method);
        }
        break;
      default:
        break;
    }
  }
  return response;
}

}  // namespace beckon::transaction
