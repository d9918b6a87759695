#include <filesystem>
#include <fstream>
#include <iostream>

#include "client/cli/options.hpp"
#include "client/manual/completions.hpp"
#include "client/manual/pages.hpp"

namespace {

using namespace beckon::client;
namespace fs = std::filesystem;

bool write(const fs::path& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) std::cerr << "beckon_manual: " << path.string() << ": cannot be written\n";
  return static_cast<bool>(file);
}

}  // namespace

/// beckon_manual FOLDER: writes FOLDER/man1/*.1, bash/beckon, zsh/_beckon, fish/beckon.fish.
int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: beckon_manual FOLDER\n";
    return 2;
  }
  const fs::path folder = argv[1];
  manual::Options options;
  for (const auto& each : cli::list_options()) options.push_back({each.name, each.value, each.help});
  bool written = write(folder / "man1/beckon.1", manual::main_page(options));
  for (const auto& each : control::specifications())
    written =
        written && write(folder / "man1" / (manual::page_name(each.name) + ".1"), manual::command_page(each));
  for (const auto& each : control::shell_commands())
    written =
        written && write(folder / "man1" / (manual::page_name(each.name) + ".1"), manual::shell_page(each));
  written = written && write(folder / "bash/beckon", manual::bash_completion(options)) &&
            write(folder / "zsh/_beckon", manual::zsh_completion(options)) &&
            write(folder / "fish/beckon.fish", manual::fish_completion(options));
  return written ? 0 : 1;
}
