#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "protocol/auth/credentials.hpp"
#include "server/shard/digest_uri.hpp"

using namespace beckon;
using namespace beckon::server;

namespace {

std::string read(const std::filesystem::path& file) {
  std::ostringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return out.str();
}

/// Every line of credentials in the folder, against its own request.
int check_all(const std::filesystem::path& folder, const Settings& settings) {
  int checked = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const auto extension = file.path().extension();
    if (extension != ".sip" && extension != ".msg") continue;
    CAPTURE(file.path().string());
    const auto message = sip::Message::salvage(share(read(file.path())));
    if (!message || !message->is_request()) continue;
    for (const auto& line : message->headers()) {
      if (line.id != sip::HeaderId::authorization && line.id != sip::HeaderId::proxy_authorization) continue;
      const auto given = auth::parse_credentials(line.value);
      if (!given) continue;  // Basic, or an example without values
      CAPTURE(message->request_uri_text());
      CAPTURE(given->uri);
      CHECK(is_covered(given->uri, *message, settings));
      ++checked;
    }
  }
  return checked;
}

}  // namespace

TEST_CASE("the digest uri of real clients is accepted for the request that carries it") {
  Settings settings;
  settings.domains = {"interop.test"};
  CHECK(check_all(std::filesystem::path(BECKON_CORPORA) / "captures", settings) > 50);
}

TEST_CASE(
    "the digest uri of the RFCs' examples is accepted for the request that carries it (RFC 3665, 5359)") {
  CHECK(check_all(std::filesystem::path(BECKON_CORPORA) / "sip/rfc-examples", Settings{}) > 10);
}
