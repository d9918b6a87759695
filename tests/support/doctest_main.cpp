#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <filesystem>

#include "protocol/base/log.hpp"

/// Tests name their data relative to the repository's root, wherever they are started from: the compiler
/// cache knows them again in another checkout.
int main(int argc, char** argv) {
  std::filesystem::current_path(BECKON_SOURCE_DIR);
  // What an operator reads of each request would only cost time here; `lines_of` asks for it.
  beckon::log::set_level(beckon::log::Level::warn);
  return doctest::Context(argc, argv).run();
}
