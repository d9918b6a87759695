#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"

/// Files of one person: nobody else reads them. Errors of all functions: the system's.
namespace beckon::client::cli {

/// Makes a folder and those above it that do not exist, each with mode 0700.
Result<void> make_folder(const std::filesystem::path& folder);
/// Empty if there is no such file.
Result<std::optional<std::string>> read_file(const std::filesystem::path& path);
/// Replaces a file (mode 0600) in one step: a crash leaves the old one or the new one.
Result<void> write_file(const std::filesystem::path& path, std::string_view text);
/// May others than the owner read or write it? False where there is no such file.
bool is_shared(const std::filesystem::path& path);

}  // namespace beckon::client::cli
