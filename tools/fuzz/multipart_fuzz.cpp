#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/base/text.hpp"
#include "protocol/documents/multipart.hpp"

using namespace beckon;
using namespace beckon::documents;

namespace {

void exercise(const std::vector<Part>& parts) {
  for (const Part& part : parts) {
    (void)part.content_type();
    (void)part.content_id();
    (void)part.is_required();
    (void)content(part);
    exercise(part.parts);
  }
}

}  // namespace

/// The first line is the Content-Type, the rest the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [type, body] = cut(as_text({data, size}), '\n');
  const auto multipart = parse_multipart(body, type);
  if (!multipart) return 0;
  exercise(multipart->parts);
  const Part& root = root_of(*multipart, type);
  if (find_content_id(multipart->parts, root.content_id()) == nullptr && !root.content_id().empty())
    std::abort();
  std::vector<NewPart> parts;
  for (const Part& part : multipart->parts)
    parts.push_back({{{"Content-Type", "application/octet-stream"}}, part.body});
  SeededRandom random(1);
  const auto printed = print_multipart(parts, random);
  const auto again = parse_multipart(printed.body, "multipart/mixed;boundary=" + printed.boundary);
  if (!again || again->parts.size() != parts.size()) std::abort();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (again->parts[i].body != parts[i].body) std::abort();
  }
  return 0;
}
