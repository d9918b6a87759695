#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

namespace beckon::server::admin {

/// Whom an administrator means.
struct Named {
  std::string aor;       ///< Canonical; as the user's name is spelled where there is such a user.
  bool is_user = false;  ///< Of this server.
};

/// "alice@example.org" with or without scheme, in any case; "alice" where one domain is served. Else what is
/// wrong, as a sentence. Whether a server runs or not.
std::variant<Named, std::string> find_name(const std::filesystem::path& data, std::string_view text);

}  // namespace beckon::server::admin
