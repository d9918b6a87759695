#include "protocol/xcap/target.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "protocol/base/text.hpp"

namespace beckon::xcap {

const char* to_string(Errc value) {
  switch (value) {
    case Errc::outside_root:
      return "the path is not below the XCAP root";
    case Errc::bad_path:
      return "the path names no XCAP document";
    case Errc::bad_escape:
      return "the path has a broken percent escape";
    case Errc::too_long:
      return "the request target is too long";
  }
  return "unknown XCAP error";
}

namespace {

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const auto octet = parse_number<std::uint8_t>(text.substr(i + 1, 2), 16);
    if (!octet || text.size() - i < 3) return std::nullopt;
    out.push_back(static_cast<char>(*octet));
    i += 2;
  }
  if (!is_utf8(out) || out.find('\0') != std::string::npos) return std::nullopt;
  return out;
}

/// Escapes all but what may stand in a path segment and is no separator of ours (RFC 3986 3.3).
std::string encode(std::string_view text, std::string_view also) {
  std::string out;
  for (const char c : text) {
    if (is_alpha(c) || is_digit(c) || std::string_view("-._:@").find(c) != std::string_view::npos ||
        also.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      out.append("%").append(to_upper(to_hex(as_bytes(std::string_view(&c, 1)))));
    }
  }
  return out;
}

/// The path and query of an absolute URI; a path stays as it is.
std::string_view without_authority(std::string_view target) {
  const auto scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return target;
  const auto path = target.find('/', scheme + 3);
  return path == std::string_view::npos ? std::string_view("/") : target.substr(path);
}

/// Decoded segments; none may be empty, "." or "..", so a document can be a file name or a key as it is.
Result<std::vector<std::string>> read_segments(std::string_view path) {
  std::vector<std::string> segments;
  for (bool more = true; more;) {
    const auto slash = path.find('/');
    more = slash != std::string_view::npos;
    auto segment = decode(path.substr(0, slash));
    if (!segment) return Errc::bad_escape;
    if (segment->empty() || *segment == "." || *segment == "..") return Errc::bad_path;
    segments.push_back(std::move(*segment));
    if (more) path.remove_prefix(slash + 1);
  }
  return segments;
}

/// Is this path segment the separator "~~", escaped or not (RFC 4825 6)?
bool is_separator(std::string_view segment) {
  for (int tildes = 0; tildes < 2; ++tildes) {
    const std::size_t size = segment.starts_with('~') ? 1 : iequals(segment.substr(0, 3), "%7E") ? 3 : 0;
    if (size == 0) return false;
    segment.remove_prefix(size);
  }
  return segment.empty();
}

/// {document selector, node selector if there is a "~~"} (RFC 4825 6). The first one separates.
std::pair<std::string_view, std::optional<std::string_view>> split_node(std::string_view path) {
  for (std::size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
    const auto rest = path.substr(slash + 1);
    const auto segment = rest.substr(0, rest.find('/'));
    if (!is_separator(segment)) continue;
    return {path.substr(0, slash), rest.substr(std::min(segment.size() + 1, rest.size()))};
  }
  return {path, std::nullopt};
}

Result<Target> make_target(std::vector<std::string> segments) {
  if (segments.size() < 3) return Errc::bad_path;
  Target target;
  target.auid = std::move(segments[0]);
  std::size_t next = 2;
  if (segments[1] == "users") {
    target.user = std::move(segments[next++]);
  } else if (segments[1] == "global") {
    target.tree = Target::Tree::global;
  } else {
    return Errc::bad_path;
  }
  if (next == segments.size()) return Errc::bad_path;
  for (; next < segments.size(); ++next) {
    if (!target.document.empty()) target.document.push_back('/');
    target.document += segments[next];
  }
  return target;
}

}  // namespace

Result<Target> parse_target(std::string_view text, std::string_view root) {
  if (text.size() > target_max) return Errc::too_long;
  auto [path, query] = cut(without_authority(text), '?');
  if (!path.starts_with(root)) return Errc::outside_root;
  path.remove_prefix(root.size());
  if (!path.starts_with('/')) return Errc::outside_root;
  const auto [selector, node] = split_node(path.substr(1));
  auto segments = read_segments(selector);
  if (segments.has_error()) return segments.error();
  auto target = make_target(std::move(*segments));
  if (target.has_error()) return target.error();
  const auto node_selector = decode(node.value_or(""));
  const auto bindings = decode(query);
  if (!node_selector || !bindings) return Errc::bad_escape;
  target->has_node = node.has_value();
  target->node_selector = *node_selector;
  target->query = *bindings;
  return target;
}

std::string encode_selector(std::string_view node_selector) { return encode(node_selector, "/=*()"); }

std::string print(const Target& target, std::string_view root) {
  std::string out(root);
  out.append("/").append(encode(target.auid, ""));
  if (target.tree == Target::Tree::users) {
    out.append("/users/").append(encode(target.user, ""));
  } else {
    out.append("/global");
  }
  out.append("/").append(encode(target.document, "/"));
  if (target.has_node) out.append("/~~/").append(encode_selector(target.node_selector));
  if (!target.query.empty()) out.append("?").append(encode(target.query, "/=()"));
  return out;
}

std::optional<std::string_view> UserTarget::find(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return std::nullopt;
}

bool UserTarget::has_only(std::initializer_list<std::string_view> names) const {
  return std::ranges::all_of(
      query, [&](const auto& each) { return std::ranges::find(names, each.first) != names.end(); });
}

Result<UserTarget> parse_user_target(std::string_view text, std::string_view root) {
  if (text.size() > target_max) return Errc::too_long;
  auto [path, query] = cut(without_authority(text), '?');
  if (!path.starts_with(root)) return Errc::outside_root;
  path.remove_prefix(root.size());
  if (!path.starts_with('/')) return Errc::outside_root;
  auto segments = read_segments(path.substr(1));
  if (segments.has_error()) return segments.error();
  if (segments->size() != 2 || (*segments)[0] != "users") return Errc::bad_path;
  UserTarget target{.user = std::move((*segments)[1]), .query = {}};
  for (const std::string_view pair : split(query, '&')) {
    const auto [name, value] = cut(pair, '=');
    auto key = decode(name), decoded = decode(value);
    if (!key || !decoded) return Errc::bad_escape;
    target.query.emplace_back(std::move(*key), std::move(*decoded));
  }
  return target;
}

std::string print(const UserTarget& target, std::string_view root) {
  std::string out(root);
  out.append("/users/").append(encode(target.user, ""));
  char separator = '?';
  for (const auto& [name, value] : target.query) {
    out.append(1, separator).append(encode(name, "")).append("=").append(encode(value, ""));
    separator = '&';
  }
  return out;
}

}  // namespace beckon::xcap
