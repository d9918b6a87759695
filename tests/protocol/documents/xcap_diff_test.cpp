#include "protocol/documents/xcap_diff.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::documents;
using Item = XcapDiff::Item;

namespace {

const std::string root = "https://example.org/xcap/";
const std::string sel = "resource-lists/users/sip:alice@example.org/index";

std::string lists(const std::string& inside) {
  return "<?xml version=\"1.0\"?>\n<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\">\n" +
         inside + "</resource-lists>";
}

XcapDiff read(const std::string& body) {
  auto diff = parse_xcap_diff(body);
  REQUIRE(diff.has_value());
  return *diff;
}

}  // namespace

TEST_CASE("changes of documents are told by their entity-tags, one after the other (RFC 5874 3)") {
  XcapDiffWriter writer(root);
  writer.document(sel, "", "a");
  writer.document(sel, "a", "b");
  const XcapPatch unchanged;
  writer.document(sel, "b", "c", &unchanged);
  writer.document(sel, "c", "");
  const auto diff = read(writer.finish());
  CHECK(diff.root == root);
  REQUIRE(diff.items.size() == 4);
  CHECK(diff.items[0] == Item{.sel = sel, .new_etag = "a"});
  CHECK(diff.items[1] == Item{.sel = sel, .previous_etag = "a", .new_etag = "b"});
  CHECK(diff.items[2] == Item{.sel = sel, .previous_etag = "b", .new_etag = "c", .is_unchanged = true});
  CHECK(diff.items[3] == Item{.sel = sel, .previous_etag = "c"});
}

TEST_CASE("a patch makes the new version of the old one, octet by octet but for the inside of tags") {
  struct Row {
    std::string from, to;
  };
  const std::string rules =
      "<cr:ruleset xmlns=\"urn:ietf:params:xml:ns:pres-rules\" "
      "xmlns:cr=\"urn:ietf:params:xml:ns:common-policy\">\n<cr:rule id=\"a\"/>\n";
  const Row rows[] = {
      {lists("  <list name=\"a\">\n  </list>\n"),
       lists("  <list name=\"a\">\n  </list>\n  <list name=\"b\"/>\n")},
      {lists("<list name=\"a\"/><list name=\"b\"/>"), lists("<list name=\"b\"/>")},
      {lists("<list name=\"a\"/>"), lists("<list name=\"a\"/>")},
      {rules + "</cr:ruleset>", rules + "<cr:rule id=\"b\"><cr:actions><sub-handling>allow</sub-handling>"
                                        "</cr:actions></cr:rule>\n</cr:ruleset>"},
      // The document has no default namespace, and one prefix has two meanings.
      {"<doc xmlns:x=\"urn:x\"><x:a/></doc>",
       "<doc xmlns:x=\"urn:x\"><x:a/><x:a xmlns:x=\"urn:y\">1</x:a></doc>"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.to);
    const auto patch = make_xcap_patch(row.from, row.to, 10000);
    REQUIRE(patch.has_value());
    XcapDiffWriter writer(root);
    writer.document("other", "", "x");
    writer.document(sel, "a", "b", &*patch);
    const std::string body = writer.finish();
    const auto diff = read(body);
    CHECK(diff.items[1].is_unchanged == (row.from == row.to));
    if (row.from == row.to) continue;
    CHECK(diff.items[1].has_patch);
    const auto made = apply_patch(body, 1, row.from);
    REQUIRE(made.has_value());
    CHECK(*made == row.to);
    CHECK(apply_patch(body, 2, row.from).error() == Errc::bad_structure);
    CHECK(apply_patch(body, 1, "<other").has_error());
  }
}

TEST_CASE("there is no patch where the whole is shorter, another root, or our prefix means something else") {
  const std::string from = lists("<list/>"), to = lists("<list name=\"a\"/>");
  CHECK(make_xcap_patch(from, to, 1000).has_value());
  CHECK_FALSE(make_xcap_patch(from, to, 10).has_value());
  CHECK_FALSE(make_xcap_patch(from, "<other/>", 1000).has_value());
  CHECK_FALSE(make_xcap_patch(from, "<other", 1000).has_value());
  const std::string odd = "<a xmlns:xcap=\"urn:x\"/>", odder = "<a xmlns:xcap=\"urn:x\"><xcap:b/></a>";
  CHECK_FALSE(make_xcap_patch(odd, odder, 1000).has_value());
}

TEST_CASE("elements are shown with the namespaces they borrow, attributes by their value (RFC 5874 3)") {
  XcapDiffWriter writer(root);
  writer.element("e", {{"x", "urn:x"}}, "<x:a b='1'>text</x:a>");
  writer.element("large", {}, "");
  writer.element("odd", {{"xcap", "urn:x"}}, "<xcap:a/>");
  writer.attribute("a", "<&>\"");
  writer.attribute("empty", "");
  writer.no_element("e");
  writer.no_attribute("a");
  using Kind = Item::Kind;
  const std::vector<Item> expected = {
      {.kind = Kind::element, .sel = "e", .content = "<x:a xmlns:x=\"urn:x\" b='1'>text</x:a>"},
      {.kind = Kind::element, .sel = "large"},
      {.kind = Kind::element, .sel = "odd"},
      {.kind = Kind::attribute, .sel = "a", .content = "<&>\""},
      {.kind = Kind::attribute, .sel = "empty"},
      {.kind = Kind::element, .sel = "e", .exists = false},
      {.kind = Kind::attribute, .sel = "a", .exists = false},
  };
  CHECK(read(writer.finish()).items == expected);
}

TEST_CASE(
    "other documents, and those without what must be there, are refused; extensions are not looked at") {
  const std::string begin = "<xcap-diff xmlns=\"urn:ietf:params:xml:ns:xcap-diff\" xcap-root=\"r\">";
  CHECK(parse_xcap_diff("<xcap-diff").has_error());
  CHECK(parse_xcap_diff("<xcap-diff xcap-root=\"r\"/>").error() == Errc::wrong_root);
  CHECK(parse_xcap_diff("<xcap-diff xmlns=\"urn:ietf:params:xml:ns:xcap-diff\"/>").error() ==
        Errc::missing_attribute);
  CHECK(parse_xcap_diff(begin + "<document/></xcap-diff>").error() == Errc::missing_attribute);
  CHECK(parse_xcap_diff(begin + "<element sel=\"e\" exists=\"no\"/></xcap-diff>").error() == Errc::bad_value);
  CHECK(
      read(begin + "<x xmlns=\"urn:x\"/><element sel=\"e\" exists=\" false \"/></xcap-diff>").items.size() ==
      1);
}
