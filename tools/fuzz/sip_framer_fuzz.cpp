#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "protocol/sip/framer.hpp"

namespace {

std::string drain(beckon::sip::Framer& framer) {
  std::string out;
  while (true) {
    const auto item = framer.next();
    if (!item) return out + "!";
    if (!*item) return out;
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
  const auto expected = drain(whole);
  std::string found;
  for (std::size_t at = 0; at < stream.size() && !found.ends_with('!'); at += step) {
    pieces.push(stream.substr(at, step));
    found += drain(pieces);
  }
  if (found != expected) std::abort();
  return 0;
}
