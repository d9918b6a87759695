#include "protocol/auth/directives.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::auth {

namespace {

constexpr std::string_view scheme = "Digest";
/// RFC 7616 names 15; each is compared with all before it.
constexpr std::size_t most_directives = 40;

bool is_name(std::string_view text) {
  const auto fits = [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '*' || c == '_'; };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

/// Takes a quoted string off the front of `rest`; false when it does not end.
bool take_quoted(std::string_view& rest, std::string& out) {
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return true;
    }
    if (rest[i] == '\\' && ++i == rest.size()) return false;
    out.push_back(rest[i] == '\r' || rest[i] == '\n' ? ' ' : rest[i]);  // a folded line
  }
  return false;
}

bool take_value(std::string_view& rest, std::string& out) {
  if (rest.starts_with('"')) return take_quoted(rest, out);
  const auto value = trim(rest.substr(0, rest.find(',')));
  if (value.find_first_of(" \t\r\n\"") != std::string_view::npos) return false;
  out = value;
  rest.remove_prefix(std::min(rest.find(','), rest.size()));
  return true;
}

}  // namespace

Result<Directives> Directives::parse(std::string_view value) {
  value = trim(value);
  if (!iequals(value.substr(0, scheme.size()), scheme)) return Errc::not_digest;
  value.remove_prefix(scheme.size());
  if (value.empty() || !is_blank(value.front())) return value.empty() ? Errc::bad_syntax : Errc::not_digest;
  return parse_list(value);
}

Result<Directives> Directives::parse_list(std::string_view text) {
  Directives out;
  for (auto rest = trim(text); !rest.empty(); rest = trim(rest)) {
    if (rest.front() == ',') {
      rest.remove_prefix(1);
      continue;
    }
    const auto equals = rest.find('=');
    const auto name = trim(rest.substr(0, equals));
    if (equals == std::string_view::npos || !is_name(name)) return Errc::bad_syntax;
    Pair pair{to_lower(name), {}};
    rest = trim(rest.substr(equals + 1));
    if (out.pairs_.size() == most_directives || out.find(pair.name) || !take_value(rest, pair.value))
      return Errc::bad_syntax;
    rest = trim(rest);
    if (!rest.empty() && rest.front() != ',') return Errc::bad_syntax;
    out.pairs_.push_back(std::move(pair));
  }
  return out;
}

const std::string* Directives::find(std::string_view name) const {
  const auto found =
      std::find_if(pairs_.begin(), pairs_.end(), [&](const Pair& pair) { return pair.name == name; });
  return found == pairs_.end() ? nullptr : &found->value;
}

std::string Directives::take(std::string_view name) const {
  const auto* value = find(name);
  return value ? *value : std::string{};
}

bool Directives::is_true(std::string_view name) const {
  const auto* value = find(name);
  return value && iequals(*value, "true");
}

bool Directives::has_all(std::initializer_list<std::string_view> names) const {
  return std::all_of(names.begin(), names.end(),
                     [this](std::string_view name) { return find(name) != nullptr; });
}

DirectiveWriter& DirectiveWriter::quoted(std::string_view name, std::string_view value) {
  separate();
  text_.append(name).append("=\"");
  for (const char c : value) {
    if (c == '"' || c == '\\') text_.push_back('\\');
    text_.push_back(c == '\r' || c == '\n' ? ' ' : c);  // no value can forge a line
  }
  text_.push_back('"');
  return *this;
}

DirectiveWriter& DirectiveWriter::quoted_unless_empty(std::string_view name, std::string_view value) {
  return value.empty() ? *this : quoted(name, value);
}

DirectiveWriter& DirectiveWriter::plain(std::string_view name, std::string_view value) {
  separate();
  text_.append(name).append("=").append(value);
  return *this;
}

void DirectiveWriter::separate() {
  if (!first_) text_ += ", ";
  first_ = false;
}

}  // namespace beckon::auth
