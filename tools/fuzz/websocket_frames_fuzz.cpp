#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "protocol/net/websocket_framer.hpp"

namespace {

std::string drain(beckon::net::WebSocketFramer& framer) {
  std::string out;
  while (true) {
    const auto item = framer.next();
    if (!item) return out + "!" + std::to_string(static_cast<int>(beckon::net::close_code(item.error())));
    if (!*item) return out;
    out += std::to_string(static_cast<int>((*item)->kind)) + (*item)->octets;
  }
}

}  // namespace

/// The first octet says in pieces of what size the rest comes: the items are those of the whole.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr std::size_t limit = 4096;  // small, so that it is met
  const std::string_view stream(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t step = std::size_t{data[0]} + 1;
  beckon::net::WebSocketFramer whole(limit), pieces(limit);
  whole.push(stream);
  const auto expected = drain(whole);
  std::string found;
  for (std::size_t at = 0; at < stream.size(); at += step) {
    pieces.push(stream.substr(at, step));
    const auto more = drain(pieces);
    found += more;
    if (more.find('!') != std::string::npos && !pieces.next()) break;
  }
  if (found != expected) std::abort();
  return 0;
}
