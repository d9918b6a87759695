#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "protocol/sip/framer.hpp"

namespace {

/// Adds what comes out; false at the stream's end by an error.
bool drain(beckon::sip::Framer& framer, std::string& out) {
  while (true) {
    const auto item = framer.next();
    if (!item) {
      out += '!';
      return false;
    }
    if (!*item) return true;
    out += std::to_string(static_cast<int>((*item)->kind));
    if ((*item)->message) out.append((*item)->message->text());
  }
}

}  // namespace

/// The first octet says in pieces of what size the rest comes: the items are those of the whole.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t step = std::size_t{data[0]} + 1;
  beckon::sip::Framer whole, pieces;
  whole.push(stream);
  std::string expected, found;
  drain(whole, expected);
  bool goes_on = true;
  for (std::size_t at = 0; at < stream.size() && goes_on; at += step) {
    pieces.push(stream.substr(at, step));
    goes_on = drain(pieces, found);
  }
  if (found != expected) std::abort();
  return 0;
}
