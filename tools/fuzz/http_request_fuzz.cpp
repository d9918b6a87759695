#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/http/request_reader.hpp"

namespace {

/// What the requests in the reader say; true: none of what follows can be read.
bool drain(beckon::http::RequestReader& reader, std::string& out) {
  while (true) {
    const auto [arrival, refusal] = reader.next();
    if (refusal != 0) {
      out += "!" + std::to_string(refusal);
      return true;
    }
    if (!arrival) return false;
    const auto& request = arrival->request;
    out += request.method + " " + request.target + "\n";
    for (const auto& [name, value] : request.headers) out += name + "=" + value + "\n";
    out += request.body + (arrival->keeps_alive ? "+" : "-");
  }
}

}  // namespace

/// The first octet says in pieces of what size the rest comes: the requests are those of the whole.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr std::size_t header_max = 512, body_max = 1024;  // small, so that they are met
  const std::string_view stream(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t step = std::size_t{data[0]} + 1;
  beckon::http::RequestReader whole(header_max, body_max), pieces(header_max, body_max);
  whole.push(stream);
  std::string expected, found;
  const bool is_end = drain(whole, expected);
  bool is_end_in_pieces = false;
  for (std::size_t at = 0; at < stream.size() && !is_end_in_pieces; at += step) {
    pieces.push(stream.substr(at, step));
    is_end_in_pieces = drain(pieces, found);
  }
  // A limit may be met by a piece that the whole shows to be malformed: both refuse.
  if (is_end != is_end_in_pieces) std::abort();
  if (is_end ? found.substr(0, found.rfind('!')) != expected.substr(0, expected.rfind('!'))
             : found != expected)
    std::abort();
  return 0;
}
