#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

/// The files of the corpora that are not part of this repository.
namespace corpus {

inline const std::filesystem::path root = BECKON_CORPORA;

inline std::string read(const std::filesystem::path& file) {
  std::ostringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return out.str();
}

inline std::vector<std::filesystem::path> files(const std::filesystem::path& folder,
                                                const std::string& extension) {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(root / folder)) {
    if (extension.empty() || entry.path().extension() == extension) out.push_back(entry.path());
  }
  return out;
}

}  // namespace corpus
