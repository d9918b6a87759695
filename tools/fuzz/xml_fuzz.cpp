#include <algorithm>
#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/xml/document.hpp"
#include "protocol/xml/edit.hpp"
#include "protocol/xml/writer.hpp"

using namespace beckon;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool same_value(const xml::Attribute& a, const xml::Attribute& b) { return a.value() == b.value(); }

/// A kept element must read alone and name the same thing.
void check(const xml::Element& element) {
  const auto kept = element.keep();
  const auto alone = xml::parse(kept.text, xml::kept_limits);
  require(alone.has_value() && kept.is(alone->root().ns(), alone->root().name()));
  require(alone->root().text() == element.text() &&
          std::ranges::equal(alone->root().attributes(), element.attributes(), same_value));
  xml::Editor editor(element);
  editor.set_attribute(element, "beckon-fuzz", element.text());
  for (const auto& child : element.children()) editor.remove(child);
  editor.append(element, "<x/>");
  require(xml::parse(editor.finish().text, xml::kept_limits).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text({data, size});
  const auto document = xml::parse(text);
  if (document.has_error()) {
    require(xml::parse("<a>" + xml::escape(text) + "</a>", {.size = 16 << 20}).has_value());
    return 0;
  }
  check(document->root());
  for (const auto& child : document->root().children()) check(child);
  return 0;
}
