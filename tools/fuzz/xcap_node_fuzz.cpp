#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/base/text.hpp"
#include "protocol/xcap/effect.hpp"
#include "protocol/xcap/node.hpp"

using namespace beckon;
using namespace beckon::xcap;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// What RFC 4825 7 promises: GET(PUT(x)) == x, again changes nothing, and DELETE leaves nothing.
void check_put(std::string_view document, const NodeSelector& selector, std::string_view body) {
  const Outcome outcome = put_node(document, selector, body);
  const auto* changed = std::get_if<Changed>(&outcome);
  if (changed == nullptr) return;
  require(xml::parse(changed->text).has_value());
  const auto got = read_node(changed->text, selector);
  require(got && body.find(*got) != body.npos);
  const Outcome again = put_node(changed->text, selector, body);
  require(std::holds_alternative<Changed>(again) && std::get<Changed>(again).text == changed->text);
}

void check_delete(std::string_view document, const NodeSelector& selector) {
  const Outcome outcome = delete_node(document, selector);
  const auto* changed = std::get_if<Changed>(&outcome);
  if (changed == nullptr) return;
  require(xml::parse(changed->text).has_value() && !read_node(changed->text, selector));
}

}  // namespace

/// Line 1: a node selector. Line 2: a query. Line 3: the body of a PUT. The rest: a document.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [text, after_text] = cut(as_text({data, size}), '\n');
  const auto [query, after_query] = cut(after_text, '\n');
  const auto [body, rest] = cut(after_query, '\n');
  const auto selector = parse_node_selector(text, query, "urn:ietf:params:xml:ns:resource-lists");
  if (selector.has_error() || xml::parse(rest).has_error()) return 0;
  (void)read_node(rest, *selector);
  if (selector->target == NodeSelector::Target::namespaces) return 0;
  check_put(rest, *selector, body);
  check_delete(rest, *selector);
  return 0;
}
