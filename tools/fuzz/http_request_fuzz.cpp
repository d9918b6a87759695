#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/http/request_reader.hpp"

namespace {

/// Adds what the requests in the reader say; true: none of what follows can be read.
bool drain(beckon::http::RequestReader& reader, std::string& out) {
  while (true) {
    const auto [arrival, refusal] = reader.next();
    if (refusal != 0) return true;
    if (!arrival) return false;
    const auto& request = arrival->request;
    out += request.method + " " + request.target + "\n";
    for (const auto& [name, value] : request.headers) out += name + "=" + value + "\n";
    out += request.body + (arrival->keeps_alive ? "+" : "-");
  }
}

}  // namespace

/// The first octet says in pieces of what size the rest comes: the requests are those of the whole. What is
/// malformed may be refused earlier or later than in the whole.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  // The longest header depends on the pieces by some octets, so it is never met; the longest body is.
  constexpr std::size_t header_max = 8192, body_max = 1024;
  const std::string_view stream(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t step = std::size_t{data[0]} + 1;
  beckon::http::RequestReader whole(header_max, body_max), pieces(header_max, body_max);
  std::string expected, found;
  whole.push(stream);
  drain(whole, expected);
  for (std::size_t at = 0; at < stream.size(); at += step) {
    pieces.push(stream.substr(at, step));
    if (drain(pieces, found)) break;
  }
  if (found != expected) std::abort();
  return 0;
}
