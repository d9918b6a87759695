#include <cstddef>
#include <cstdint>

#include "protocol/base/text.hpp"
#include "protocol/sip/header_table.hpp"
#include "tests/protocol/sip/exercise.hpp"

/// A header line: "Name: value". Where the name is not known, the first octet chooses the header field and
/// the rest is its value. What is read of it prints, reads again, prints the same and equals itself. A tel
/// number goes the same way.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beckon;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto [name, behind] = cut(text, ':');
  auto id = sip::parse_header_name(trim(name));
  auto value = behind;
  if (id == sip::HeaderId::other) {
    id = static_cast<sip::HeaderId>(data[0] % sip::header_count);
    value = text.substr(1);
  }
  sip::exercise_header(id, value);
  sip::exercise_tel(std::string(value));
  return 0;
}
