#include "client/cli/harness.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "client/control/cause.hpp"

namespace beckon::client::cli {
namespace {

namespace fs = std::filesystem;

/// Beside the folder of this program: as it is installed, and as a preset builds it.
constexpr std::array<const char*, 2> roots{BECKON_SHARE, "../../.."};
constexpr const char* program = "tools/conformance/run";
constexpr const char* python = "python3";

int refuse_test(const std::string& why) {
  std::cerr << "beckon: test: " << why << '\n';
  return static_cast<int>(control::Cause::usage);
}

}  // namespace

int become_harness(char* const* words) {
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* root : roots) {
    const fs::path script = (folder / root / program).lexically_normal();
    if (!fs::exists(script, error)) continue;
    // -B: nothing is written where it is installed.
    std::vector<std::string> texts{python, "-B", script.string(), "--binaries", folder.string()};
    for (char* const* word = words; *word != nullptr; ++word) texts.emplace_back(*word);
    std::vector<char*> arguments;
    for (std::string& each : texts) arguments.push_back(each.data());
    arguments.push_back(nullptr);
    ::execvp(python, arguments.data());
    return refuse_test(errno == ENOENT
                           ? "python3 is missing; Debian: apt-get install python3 python3-jsonschema"
                           : fmt::format("python3: {}", std::strerror(errno)));
  }
  return refuse_test(fmt::format("its scenarios are missing: {} was installed without {}",
                                 (folder / "beckon").string(),
                                 (folder / roots.front()).lexically_normal().string()));
}

}  // namespace beckon::client::cli
