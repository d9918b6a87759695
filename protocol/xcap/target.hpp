#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/result.hpp"

namespace beckon::xcap {

/// Why a request target is no XCAP URI. The server answers 404 to all but `bad_escape` (400).
enum class Errc {
  outside_root = 1,  ///< The path does not begin with the XCAP root.
  bad_path,    ///< No auid, no "users" or "global", no user, no document, or an empty or dotted segment.
  bad_escape,  ///< "%" without two hexadecimal digits, or decoded octets that are not UTF-8.
  too_long,    ///< More than target_max octets.
};
const char* to_string(Errc value);

/// Octets of a request target, the limit of a URI elsewhere plus room for a node selector.
inline constexpr std::size_t target_max = 4096;

/// What an XCAP URI names (RFC 4825 6): a document, or with a node selector something inside it.
struct Target {
  enum class Tree { users, global };
  std::string auid;
  Tree tree = Tree::users;
  std::string user{};           ///< XUI, decoded: "sip:alice@example.org"; empty in the global tree.
  std::string document{};       ///< Path below the user or "global", decoded: "index", "friends/list.xml".
  bool has_node = false;        ///< There is a "~~".
  std::string node_selector{};  ///< Decoded, without the separator.
  std::string query{};          ///< Decoded: the xmlns() bindings of RFC 4825 6.4.
  bool operator==(const Target&) const = default;
};

/// `root` is the path of the XCAP root, e.g. "/xcap" ("" for none). `target` is the request target: a path,
/// or an absolute URI whose host is not looked at.
Result<Target> parse_target(std::string_view target, std::string_view root);

/// The path that parse_target reads back.
std::string print(const Target& target, std::string_view root);
/// A node selector as it stands in a URI.
std::string encode_selector(std::string_view node_selector);

/// What is served to a user beside XCAP, below a root of its own:
/// "/history/users/sip:alice@example.org?with=sip:bob@example.org&limit=20".
struct UserTarget {
  std::string user;                                        ///< Decoded.
  std::vector<std::pair<std::string, std::string>> query;  ///< Decoded names and values, in order.
  /// Of the first of that name; nullopt if absent.
  std::optional<std::string_view> find(std::string_view name) const;
  /// Are all names of the query among these?
  bool has_only(std::initializer_list<std::string_view> names) const;
  bool operator==(const UserTarget&) const = default;
};

/// As `parse_target`. Errc::bad_path also for anything behind the user.
Result<UserTarget> parse_user_target(std::string_view target, std::string_view root);
/// The path that parse_user_target reads back.
std::string print(const UserTarget& target, std::string_view root);

}  // namespace beckon::xcap

BECKON_ERROR_ENUM(beckon::xcap, Errc, "beckon.xcap")
