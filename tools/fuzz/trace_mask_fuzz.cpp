#include <cstdlib>

#include "protocol/trace/ladder.hpp"
#include "protocol/trace/line.hpp"
#include "protocol/trace/mask.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text({data, size});
  if (trace::mask(text).size() > text.size() * 2)
    std::abort();  // no secret of one octet or more grows past "***"
  const trace::Entry entry{.time = {}, .hop = {}, .problem = {}, .size = size, .owner = {}, .text = text};
  const auto line = trace::make_line(entry, true);
  (void)trace::is_about(line, "alice@example.org");
  (void)trace::from_json(to_json(line));
  const auto drawn = trace::Ladder({.self = "beckond"}).draw(line);
  if (drawn.find('\x1b') != std::string::npos) std::abort();
  return 0;
}
