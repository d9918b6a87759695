#include <cstdlib>

#include "protocol/documents/xcap_diff.hpp"
#include "protocol/xml/tree.hpp"

using namespace beckon;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// A document of changes of somebody else: each patch is tried on a document.
void read(std::string_view body) {
  const auto diff = documents::parse_xcap_diff(body);
  if (!diff) return;
  for (std::size_t i = 0; i < diff->items.size() && i < 8; ++i) {
    const auto made = documents::apply_patch(body, i, "<a xmlns=\"urn:a\"><b/> <c d=\"1\">text</c></a>");
    const bool is_document = diff->items[i].kind == documents::XcapDiff::Item::Kind::document;
    require(is_document || made.has_error());
  }
}

/// What we say of two versions makes the second one of the first, as far as a reader takes both.
void compare(std::string_view from, std::string_view to) {
  const auto patch = documents::make_xcap_patch(from, to, 1 << 16);
  if (!patch) return;
  documents::XcapDiffWriter writer("https://example.org/xcap/");
  writer.document("a/users/b/c", "1", "2", &*patch);
  const std::string body = writer.finish();
  const auto diff = documents::parse_xcap_diff(body);
  if (!diff) return;  // past a limit: what is added to the start tag of a document is one more element
  require(diff->items.size() == 1 && diff->items[0].is_unchanged == patch->operations.empty());
  const auto fresh = xml::parse_tree(to);
  const auto made = patch->operations.empty() ? Result<std::string>(std::string(from))
                                              : documents::apply_patch(body, 0, from);
  require(made.has_value());
  const auto read = xml::parse_tree(*made);
  require(read.has_value() && fresh.has_value());
  require(xml::equal(read->document(), fresh->document()));
}

}  // namespace

/// A document of changes, or two documents and a line "---" between them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view line = "\n---\n";
  const auto cut = input.find(line);
  if (cut == input.npos)
    read(input);
  else
    compare(input.substr(0, cut), input.substr(cut + line.size()));
  return 0;
}
