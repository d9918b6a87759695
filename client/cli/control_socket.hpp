#pragma once

#include <filesystem>
#include <string_view>

#include "protocol/base/result.hpp"

namespace beckon::client::cli {

/// The socket of the agent that runs in the background as this account: $XDG_RUNTIME_DIR/beckon/ACCOUNT.sock,
/// else /tmp/beckon-UID/ACCOUNT.sock.
std::filesystem::path control_socket(std::string_view account);

/// Makes the folder of a socket, or finds it; errors: others may write to it (permission_denied), the
/// system's.
Result<void> prepare_folder(const std::filesystem::path& socket);

/// Does an agent of this person listen there?
bool has_agent(const std::filesystem::path& socket);

}  // namespace beckon::client::cli
