#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "protocol/sdp/attribute.hpp"

using namespace beckon;

namespace {

std::string read(const std::filesystem::path& file) {
  std::ostringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return out.str();
}

/// Attributes of one description, by name: how many were read, how many refused.
struct Count {
  int good = 0, bad = 0;
};

template <class T>
void count(std::map<std::string, Count>& counts, const std::string& name, const Result<T>& value) {
  value ? ++counts[name].good : ++counts[name].bad;
}

void read_attributes(const sdp::Attributes& attributes, std::map<std::string, Count>& counts) {
  for (const auto& [name, value] : attributes) {
    const std::string text = value.value_or("");
    if (name == "rtpmap") count(counts, name, sdp::parse_rtpmap(text));
    if (name == "fmtp") count(counts, name, sdp::parse_fmtp(text));
    if (name == "ptime" || name == "maxptime") count(counts, name, sdp::parse_packet_time(text));
    if (name == "crypto") count(counts, name, sdp::parse_crypto(text));
    if (name == "fingerprint") count(counts, name, sdp::parse_fingerprint(text));
    if (name == "setup") count(counts, name, sdp::parse_setup(text));
    if (name == "candidate") count(counts, name, sdp::parse_candidate(text));
    if (name == "group") count(counts, name, sdp::parse_group(text));
    if (name == "rtcp") count(counts, name, sdp::parse_rtcp(text));
    if (name == "ssrc") count(counts, name, sdp::parse_ssrc(text));
  }
}

}  // namespace

TEST_CASE(
    "each description of the corpora is read, and prints stably, or is refused for a reason that was looked "
    "at") {
  struct Row {
    const char* folder;
    int read, refused;
  };
  const Row rows[] = {
      {"rfc-examples", 98, 2},     // "$NAT-PUB-1.PORT" for a port (RFC 8839)
      {"mozilla-samples", 24, 3},  // comments of their own before v=
      {"webrtc-corpus", 42, 3},    // candidates alone
      {"pjsip-seeds", 14, 0},     {"janus-fuzz-finds", 0, 1},
  };
  std::map<std::string, Count> attributes;
  for (const Row& row : rows) {
    int good = 0, refused = 0;
    std::string reasons;
    for (const auto& entry :
         std::filesystem::directory_iterator(BECKON_CORPORA "/sdp/" + std::string(row.folder))) {
      if (entry.path().extension() == ".sh") continue;
      const auto session = sdp::parse(read(entry.path()));
      if (!session) {
        ++refused;
        reasons += entry.path().filename().string() + ": " + session.error().message() + "\n";
        continue;
      }
      ++good;
      CAPTURE(entry.path().string());
      const std::string printed = print(*session);
      const auto again = sdp::parse(printed);
      REQUIRE(again.has_value());
      CHECK(*again == *session);
      CHECK(print(*again) == printed);
      read_attributes(session->attributes, attributes);
      for (const auto& media : session->media) read_attributes(media.attributes, attributes);
    }
    const std::string folder = row.folder;
    CAPTURE(folder);
    CAPTURE(reasons);
    CHECK(good == row.read);
    CHECK(refused == row.refused);
  }
  std::string all;
  for (const auto& [name, counted] : attributes)
    all += name + " " + std::to_string(counted.good) + "+" + std::to_string(counted.bad) + ", ";
  // crypto: nine lines wrapped by the RFC, one without "inline:", one with bad base64; fingerprint: wrapped
  // lines.
  CHECK(all ==
        "candidate 60+0, crypto 17+11, fingerprint 8+6, fmtp 32+0, group 21+0, maxptime 4+0, ptime 3+0, rtcp "
        "8+0, "
        "rtpmap 282+0, setup 20+0, ssrc 50+0, ");
}
