#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "protocol/stun/message.hpp"

using namespace beckon;

TEST_CASE("no file of the STUN corpus does harm, and what is read prints back the same") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(BECKON_CORPORA "/stun")) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const Bytes bytes{std::istreambuf_iterator<char>(file), {}};
    CAPTURE(entry.path().string());
    ++files;
    stun::make_binding_response(bytes, {}, "beckond");
    const auto message = stun::parse_message(bytes);
    if (!message) continue;
    stun::Writer writer(message->message_class(), message->method(), message->transaction());
    message->each([&](const stun::Attribute& attribute) {
      writer.add(attribute.type, attribute.value);
      return true;
    });
    CHECK(writer.bytes().size() == bytes.size());
    message->has_good_fingerprint();
    message->has_good_integrity(as_bytes("key"));
    message->xor_mapped_address();
    message->error_code();
  }
  CHECK(files >= 31);
}
