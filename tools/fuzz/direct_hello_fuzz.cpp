#include <cstddef>
#include <cstdint>

#include "media/direct/hello.hpp"

using namespace beckon;

/// The HELLO attribute, which anyone may send, and its body, which any watcher may write.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  if (const auto hello = direct::parse_hello(bytes)) direct::has_good_mac(*hello, {});
  const auto body = direct::parse_body(bytes);
  if (!body) return 0;
  const auto again = direct::parse_body(direct::print_body(*body));
  if (!again || again->media != body->media || again->attempt != body->attempt) __builtin_trap();
  return 0;
}
