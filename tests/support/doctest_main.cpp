#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <filesystem>

/// Tests name their data relative to the repository's root, wherever they are started from: the compiler
/// cache knows them again in another checkout.
int main(int argc, char** argv) {
  std::filesystem::current_path(BECKON_SOURCE_DIR);
  return doctest::Context(argc, argv).run();
}
