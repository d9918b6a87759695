#include "server/daemon/certificates.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "server/admin/data_folder.hpp"
#include "tests/support/log_lines.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace beckon;
using namespace beckon::server;

namespace {

/// A data folder whose certificate is opened again and again, as by one start after the other.
struct Folder {
  std::optional<Failure> start() {
    Config config;
    config.data = folder.path();
    Certificates certificates;
    std::optional<Failure> failure;
    said = test::lines_of([&] { failure = certificates.open(config, {{"example.org"}, {}}); });
    CHECK((failure || certificates.sip()));
    return failure;
  }
  bool made() const { return said.find("made a self-signed certificate") != std::string::npos; }

  test::TemporaryFolder folder;
  std::filesystem::path certificate = admin::certificate_file(folder.path()),
                        key = admin::key_file(folder.path());
  std::string said;
};

std::filesystem::path beside(std::filesystem::path file) { return file += ".new"; }

}  // namespace

TEST_CASE("the first start makes a certificate, the next ones use it") {
  Folder folder;
  CHECK_FALSE(folder.start());
  CHECK(folder.made());
  CHECK(folder.said.find(" error ") == std::string::npos);
  CHECK_FALSE(folder.start());
  CHECK_FALSE(folder.made());
}

TEST_CASE("a first start that was killed while it made the certificate is made up for") {
  Folder folder;
  SUBCASE("before both files were written") { std::ofstream(beside(folder.key)) << "half a k"; }
  SUBCASE("before either was renamed") {
    REQUIRE_FALSE(folder.start());
    std::filesystem::rename(folder.key, beside(folder.key));
    std::filesystem::rename(folder.certificate, beside(folder.certificate));
  }
  SUBCASE("between the two renames") {
    REQUIRE_FALSE(folder.start());
    std::filesystem::rename(folder.certificate, beside(folder.certificate));
  }
  CHECK_FALSE(folder.start());
  CHECK(folder.made());
  CHECK_FALSE(folder.start());
  CHECK_FALSE(folder.made());
}

TEST_CASE("a certificate or key that was lost is not made anew, and none is said to be made") {
  Folder folder;
  REQUIRE_FALSE(folder.start());
  SUBCASE("the certificate") { std::filesystem::remove(folder.certificate); }
  SUBCASE("the key") { std::filesystem::remove(folder.key); }
  const auto failure = folder.start();
  REQUIRE(failure);
  CHECK(failure->exit == Exit::usage);
  CHECK_FALSE(folder.made());
}

TEST_CASE("a certificate that cannot be written is not said to be made") {
  Folder folder;
  std::filesystem::create_directory(beside(folder.key));
  const auto failure = folder.start();
  REQUIRE(failure);
  CHECK(failure->exit == Exit::failed);
  CHECK_FALSE(folder.made());
}
