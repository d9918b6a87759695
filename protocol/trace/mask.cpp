#include "protocol/trace/mask.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"

namespace beckon::trace {
namespace {

constexpr std::string_view shown = "***";
constexpr std::string_view blanks = " \t\r\n";  // with the line ends of folded lines

struct Range {
  std::size_t begin, end;
};
using Ranges = std::vector<Range>;

bool istarts_with(std::string_view text, std::string_view prefix) {
  return iequals(text.substr(0, prefix.size()), prefix);
}

std::size_t or_end(std::size_t at, std::string_view text) { return std::min(at, text.size()); }

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  return or_end(text.find_first_not_of(blanks, at), text);
}

// ---- name=value

constexpr std::array<std::string_view, 10> secret_parameters{
    "response", "cnonce", "rspauth", "auts", "proof", "password", "secret", "ticket", "psk", "grant"};

/// The name that ends in front of `end`.
std::string_view name_before(std::string_view text, std::size_t end) {
  while (end > 0 && blanks.find(text[end - 1]) != std::string_view::npos) --end;
  std::size_t begin = end;
  // Longer ones are none of ours; the bound keeps the whole linear.
  while (begin > 0 && end - begin < 16 && sip::grammar::is(text[begin - 1], sip::grammar::token)) --begin;
  return text.substr(begin, end - begin);
}

/// An apostrophe quotes in XML and is a common character in SIP: its value ends where the longer reading
/// says.
std::size_t end_of_value(std::string_view text, std::size_t begin) {
  if (begin < text.size() && text[begin] == '"') return or_end(sip::grammar::skip_quoted(text, begin), text);
  const std::size_t end = or_end(text.find_first_of(",;<>\" \t\r\n", begin), text);
  if (begin == text.size() || text[begin] != '\'') return end;
  const std::size_t quote = text.find('\'', begin + 1);
  return quote == std::string_view::npos ? end : std::max(end, quote + 1);
}

void find_parameters(std::string_view text, Ranges& found) {
  for (std::size_t at = text.find('='); at != std::string_view::npos; at = text.find('=', at)) {
    const auto name = name_before(text, at);
    ++at;
    if (std::ranges::none_of(secret_parameters, [&](auto each) { return iequals(each, name); })) continue;
    const std::size_t begin = skip_blanks(text, at);
    at = end_of_value(text, begin);
    found.push_back({begin, at});
  }
}

// ---- lines

/// The end of the line that begins at `begin`, with the lines folded into it.
std::size_t end_of_header(std::string_view text, std::size_t begin) {
  std::size_t end = text.find('\n', begin);
  while (end != std::string_view::npos && end + 1 < text.size() && is_blank(text[end + 1])) {
    end = text.find('\n', end + 1);
  }
  end = or_end(end, text);
  return end > begin && text[end - 1] == '\r' ? end - 1 : end;
}

/// (Proxy-)Authorization other than Digest, whose parameters are looked at one by one.
void find_credentials(std::string_view text, std::size_t line, Ranges& found) {
  const auto rest = text.substr(line);
  std::size_t at = 0;
  for (const std::string_view name : {"Authorization", "Proxy-Authorization"}) {
    if (istarts_with(rest, name)) at = name.size();
  }
  if (at == 0) return;
  at = or_end(rest.find_first_not_of(" \t", at), rest);
  if (at == rest.size() || rest[at] != ':') return;
  const std::size_t begin = skip_blanks(text, line + at + 1);
  const std::size_t end = end_of_header(text, line);
  if (begin >= end) return;
  const auto value = text.substr(begin, end - begin);
  const std::size_t scheme = value.find_first_of(blanks);
  if (scheme == std::string_view::npos) return found.push_back({begin, end});
  if (iequals(value.substr(0, scheme), "Digest")) return;
  found.push_back({skip_blanks(text, begin + scheme), end});
}

/// `k=` of RFC 8866 5.12 and attributes whose value is a key.
void find_key_line(std::string_view text, std::size_t line, Ranges& found) {
  for (const std::string_view prefix : {"k=", "a=key-mgmt:", "a=ice-pwd:"}) {
    if (!istarts_with(text.substr(line), prefix)) continue;
    found.push_back({line + prefix.size(), or_end(text.find_first_of("\r\n", line), text)});
  }
}

void find_in_lines(std::string_view text, Ranges& found) {
  for (std::size_t line = 0; line < text.size();) {
    find_credentials(text, line, found);
    find_key_line(text, line, found);
    const std::size_t end = text.find_first_of("\r\n", line);
    line = end == std::string_view::npos ? text.size() : end + 1;
  }
}

/// Keys of security descriptions (RFC 4568 9.2: inline:<key||salt>|lifetime|MKI:length).
void find_inline_keys(std::string_view text, Ranges& found) {
  static constexpr std::string_view word = "inline:";
  for (std::size_t at = text.find(':'); at != std::string_view::npos; at = text.find(':', at)) {
    const std::size_t begin = ++at;
    if (begin < word.size() || !iequals(text.substr(begin - word.size(), word.size()), word)) continue;
    at = or_end(text.find_first_of("|;, \t\r\n", begin), text);
    found.push_back({begin, at});
  }
}

// ---- elements

constexpr std::array<std::string_view, 4> secret_elements{"secret", "ticket", "psk", "grant"};

bool is_name(char c) {
  return is_alpha(c) || is_digit(c) || c == ':' || c == '_' || c == '-' || c == '.' || (c & 0x80) != 0;
}

/// The name, prefix and all, that begins at `at`.
std::string_view name_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_name(text[end])) ++end;
  return text.substr(at, end - at);
}

/// Secret elements with any prefix, in any case: what is no XML may still be read by some parser.
bool is_secret(std::string_view name) {
  const auto colon = name.rfind(':');
  const auto local = colon == std::string_view::npos ? name : name.substr(colon + 1);
  return std::ranges::any_of(secret_elements, [&](auto each) { return iequals(each, local); });
}

/// Behind a start tag whose name ends at `at`; attribute values but those of namespaces are `found`. npos
/// when the tag is cut or not well-formed (XML 1.0 3.1): its end is unknown then.
std::size_t end_of_tag(std::string_view text, std::size_t at, Ranges& found) {
  for (;;) {
    at = skip_blanks(text, at);
    if (text.substr(at).starts_with("/>")) return at + 2;
    if (text.substr(at).starts_with('>')) return at + 1;
    const auto name = name_at(text, at);
    at = skip_blanks(text, at + name.size());
    if (at == text.size() || text[at] != '=') return std::string_view::npos;
    at = skip_blanks(text, at + 1);
    if (at == text.size() || (text[at] != '"' && text[at] != '\'')) return std::string_view::npos;
    const std::size_t end = text.find_first_of(text[at] == '"' ? "\"<" : "'<", at + 1);
    if (end == std::string_view::npos || text[end] == '<') return std::string_view::npos;
    if (!name.starts_with("xmlns")) found.push_back({at + 1, end});
    at = end + 1;
  }
}

/// Behind a comment or CDATA section that begins at `at`; there, tags are none. `at` when none begins.
std::size_t skip_section(std::string_view text, std::size_t at) {
  for (const auto& [open, close] :
       {std::pair<std::string_view, std::string_view>{"<!--", "-->"}, {"<![CDATA[", "]]>"}}) {
    if (!text.substr(at).starts_with(open)) continue;
    const std::size_t end = text.find(close, at + open.size());
    return end == std::string_view::npos ? text.size() : end + close.size();
  }
  return at;
}

/// Where the content that begins at `at` ends: at the end tag of the same name, inner ones of that name
/// counted, or at the end of a text that is cut or broken.
std::size_t end_of_content(std::string_view text, std::size_t at, std::string_view name) {
  Ranges ignored;
  for (std::size_t depth = 1; (at = text.find('<', at)) != std::string_view::npos;) {
    const std::size_t behind = skip_section(text, at);
    if (behind != at) {
      at = behind;
    } else if (text.substr(at).starts_with("</")) {
      if (iequals(name_at(text, at + 2), name) && --depth == 0) return at;
      at += 2;
    } else if (iequals(name_at(text, ++at), name)) {
      const std::size_t end = end_of_tag(text, at + name.size(), ignored);
      const bool broken = end == std::string_view::npos;
      if (broken || text[end - 2] != '/') ++depth;
      at = broken ? at + name.size() : end;
    }
  }
  return text.size();
}

void find_elements(std::string_view text, Ranges& found) {
  for (std::size_t at = text.find('<'); at != std::string_view::npos; at = text.find('<', at)) {
    at = skip_blanks(text, at + 1);
    const auto name = name_at(text, at);
    at += name.size();
    if (!is_secret(name)) continue;
    const std::size_t tag = end_of_tag(text, at, found);
    if (tag == std::string_view::npos) {
      const std::size_t begin = at;
      found.push_back({begin, at = end_of_content(text, begin, name)});
    } else if (text[tag - 2] == '/') {
      at = tag;
    } else {
      found.push_back({tag, at = end_of_content(text, tag, name)});
    }
  }
}

/// The same where '<' is written "&lt;": a document inside another's text.
void find_escaped_elements(std::string_view text, Ranges& found) {
  static constexpr std::string_view open = "&lt;";
  for (std::size_t at = text.find(open); at != std::string_view::npos; at = text.find(open, at)) {
    at += open.size();
    const auto name = name_at(text, at);
    if (!is_secret(name)) continue;
    const std::size_t begin = at + name.size();
    at = or_end(text.find("&lt;/" + std::string(name), begin), text);
    found.push_back({begin, at});
  }
}

// ---- URIs

/// user:password@ behind "sip:", "sips:" and "://" (RFC 3261 19.1.1, RFC 3986 3.2.1).
void find_passwords(std::string_view text, Ranges& found) {
  for (std::size_t at = text.find(':'); at != std::string_view::npos; at = text.find(':', at)) {
    const auto before = text.substr(0, at);
    const bool sip =
        before.size() >= 3 && (iequals(before.substr(before.size() - 3), "sip") ||
                               (before.size() >= 4 && iequals(before.substr(before.size() - 4), "sips")));
    ++at;
    if (!sip && !text.substr(at).starts_with("//")) continue;
    const std::size_t begin = sip ? at : at + 2;
    const std::size_t end = or_end(text.find_first_of(" \t\r\n<>\"", begin), text);
    const auto uri = text.substr(begin, end - begin);
    const std::size_t host = uri.rfind('@');
    at = end;
    if (host == std::string_view::npos) continue;
    const std::size_t colon = uri.substr(0, host).find(':');
    if (colon != std::string_view::npos) found.push_back({begin + colon + 1, begin + host});
  }
}

/// `found` may overlap and be in any order.
std::string hide(std::string_view text, Ranges& found) {
  std::ranges::sort(found, {}, &Range::begin);
  std::string out;
  out.reserve(text.size());
  std::size_t done = 0;
  for (const Range& range : found) {
    if (range.end <= std::max(done, range.begin)) continue;
    if (range.begin > done || done == 0) {
      out += text.substr(done, range.begin - done);
      out += shown;
    }
    done = range.end;
  }
  return out += text.substr(done);
}

}  // namespace

std::string mask(std::string_view text) {
  Ranges found;
  for (const auto find : {find_parameters, find_in_lines, find_inline_keys, find_elements,
                          find_escaped_elements, find_passwords}) {
    find(text, found);
  }
  return hide(text, found);
}

std::string mask_writing(std::string_view text, bool is_broken) {
  Ranges found;
  bool is_writing = is_broken || istarts_with(text, "MESSAGE ");
  std::size_t line = 0, subject_begin = 0, subject_end = 0;
  while (line < text.size() && text[line] != '\r' && text[line] != '\n') {
    const std::size_t end = end_of_header(text, line);
    const auto [name, value] = cut(text.substr(line, end - line), ':');
    const auto is_named = [&](std::string_view one, std::string_view other) {
      return iequals(trim(name), one) || iequals(trim(name), other);
    };
    const std::string lower = to_lower(value);
    if (is_named("CSeq", "CSeq")) is_writing |= lower.find("message") != lower.npos;
    if (is_named("Content-Type", "c"))
      is_writing |= lower.find("message/cpim") != lower.npos || lower.find("beckon.messages") != lower.npos;
    if (is_named("Subject", "s")) {
      subject_begin = skip_blanks(text, line + name.size() + 1);
      subject_end = end;
    }
    const std::size_t next = text.find('\n', end);
    line = next == std::string_view::npos ? text.size() : next + 1;
  }
  if (!is_writing) return std::string(text);
  if (subject_begin < subject_end) found.push_back({subject_begin, subject_end});
  const std::size_t body = skip_blanks(text, line);
  if (body < text.size()) found.push_back({body, text.size()});
  return hide(text, found);
}

std::string mask_direct_secrets(std::string_view text) {
  Ranges found;
  find_elements(text, found);
  find_escaped_elements(text, found);
  return hide(text, found);
}

bool may_hold_direct_secrets(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos || (text[last] != '>' && text[last] != '-')) return false;
  return text.find(":ns:direct:") != std::string_view::npos;
}

}  // namespace beckon::trace
