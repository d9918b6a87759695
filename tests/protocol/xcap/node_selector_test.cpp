#include "protocol/xcap/node_selector.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace beckon;
using namespace beckon::xcap;

namespace {

constexpr std::string_view watcherinfo = R"(<?xml version="1.0"?>
<watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo"
             version="0" state="full">
  <watcher-list resource="sip:professor@example.net"
                package="presence">
    <watcher status="active"
             id="8ajksjda7s"
             duration-subscribed="509"
             event="approved">sip:userA@example.net</watcher>
    <watcher status="pending"
             id="hh8juja87s997-ass7"
             display-name="Mr. &quot;Subscriber&quot; /1"
             event="subscribe">sip:userB@example.org</watcher>
  </watcher-list>
</watcherinfo>
)";

constexpr std::string_view winfo_ns = "urn:ietf:params:xml:ns:watcherinfo";

/// RFC 4825 6.4.
constexpr std::string_view three_namespaces = R"(<?xml version="1.0"?>
<foo xmlns="urn:test:default-namespace">
  <ns1:bar xmlns:ns1="urn:test:namespace1-uri"
           xmlns="urn:test:namespace1-uri">
    <baz/>
    <ns2:baz xmlns:ns2="urn:test:namespace2-uri"/>
  </ns1:bar>
  <ns3:hi xmlns:ns3="urn:test:namespace3-uri">
    <there/>
  </ns3:hi>
</foo>
)";

/// What is selected: an element as written, an attribute's value; "none", "several"; or why the selector is
/// none.
std::string find(std::string_view text, std::string_view selector, std::string_view query = "",
                 std::string_view ns = winfo_ns) {
  const auto read = parse_node_selector(selector, query, ns);
  if (read.has_error()) return read.error().message();
  const auto document = xml::parse(text);
  REQUIRE(document.has_value());
  const Selected selected = select(*document, *read);
  if (selected.count == Selected::Count::none) return "none";
  if (selected.count == Selected::Count::several) return "several";
  return std::string(selected.attribute ? selected.attribute->value() : selected.element->source());
}

}  // namespace

TEST_CASE("a selector names one element, or an attribute of one (RFC 4825 6.3)") {
  const std::string first = R"(<watcher status="active"
             id="8ajksjda7s"
             duration-subscribed="509"
             event="approved">sip:userA@example.net</watcher>)";
  struct Row {
    const char* selector;
    std::string found;
  };
  for (const Row& row : {
           Row{"watcherinfo/watcher-list/watcher[@id=\"8ajksjda7s\"]", first},
           Row{"watcherinfo/watcher-list/watcher[@id='8ajksjda7s']", first},
           Row{"watcherinfo/watcher-list/watcher[1]", first},
           Row{"watcherinfo/watcher-list/watcher[1][@status=\"active\"]", first},
           Row{"watcherinfo/watcher-list/*[1]", first},
           Row{"*/*/*[@status=\"active\"]", first},
           Row{"watcherinfo[1]/watcher-list[1]/watcher[01]", first},
           Row{"watcherinfo/watcher-list/watcher[2]/@status", "pending"},
           Row{"watcherinfo/@version", "0"},
           Row{"watcherinfo/watcher-list/watcher[@display-name='Mr. &quot;Subscriber&quot; /1']/@event",
               "subscribe"},
           Row{"watcherinfo/watcher-list/watcher[@display-name='Mr. \"Subscriber\" &#47;1']/@event",
               "subscribe"},
           Row{"watcherinfo/watcher-list/watcher", "several"},
           Row{"watcherinfo/watcher-list/watcher/@id", "several"},
           Row{"watcherinfo/watcher-list/watcher[3]", "none"},
           Row{"watcherinfo/watcher-list/watcher[0]", "none"},
           Row{"watcherinfo/watcher-list/watcher[1][@status=\"pending\"]", "none"},
           Row{"watcherinfo/watcher-list/watcher[1]/@display-name", "none"},
           Row{"watcher-list", "none"},
           Row{"watcherinfo/@xmlns", "none"},
           Row{"watcherinfo[@xmlns=\"urn:ietf:params:xml:ns:watcherinfo\"]", "none"},
       }) {
    CAPTURE(row.selector);
    CHECK(find(watcherinfo, row.selector) == row.found);
  }
}

TEST_CASE("prefixes of a selector are those of its query, whatever the document calls them (RFC 4825 6.4)") {
  const std::string ns = "urn:test:default-namespace";
  struct Row {
    const char* selector;
    const char* query;
    const char* found;
  };
  for (const Row& row : {
           Row{"foo/a:bar/b:baz", "xmlns(a=urn:test:namespace1-uri)xmlns(b=urn:test:namespace1-uri)",
               "<baz/>"},
           Row{"foo/a:bar/b:baz", "xmlns(a=urn:test:namespace1-uri)xmlns(b=urn:test:namespace2-uri)",
               "<ns2:baz xmlns:ns2=\"urn:test:namespace2-uri\"/>"},
           Row{"d:foo/a:bar/b:baz",
               "xmlns(a=urn:test:namespace1-uri) xmlns(b=urn:test:namespace2-uri) "
               "xmlns(d=urn:test:default-namespace)",
               "<ns2:baz xmlns:ns2=\"urn:test:namespace2-uri\"/>"},
           Row{"foo/a:bar/b:baz",
               "element(/1)xmlns( a = urn:test:namespace1-uri "
               ")other(x(y)^)z)xmlns(b=urn:test:namespace1-uri)",
               "<baz/>"},
           Row{"foo/ns1:bar", "xmlns(ns1=urn:other)", "none"},
           Row{"foo/bar", "", "none"},
           Row{"foo/a:bar", "", "the node selector uses a prefix that the query does not bind"},
           Row{"foo/@a:bar", "", "the node selector uses a prefix that the query does not bind"},
           Row{"foo/*[@a:b='']", "xmlns(b=urn:b)",
               "the node selector uses a prefix that the query does not bind"},
           Row{"foo", "xmlns(a=urn:x", "the query binds no namespaces"},
           Row{"foo", "a=1", "the query binds no namespaces"},
           Row{"foo", "xmlns(a)", "the query binds no namespaces"},
           Row{"foo", "xmlns(=b)", "the query binds no namespaces"},
           Row{"foo", "xmlns(a=^b)", "the query binds no namespaces"},
       }) {
    CAPTURE(row.selector);
    CAPTURE(row.query);
    CHECK(find(three_namespaces, row.selector, row.query, ns) == row.found);
  }
}

TEST_CASE("what the grammar does not have is an extension that nobody knows: no selector (RFC 4825 8)") {
  for (const char* text : {"",
                           "/",
                           "a/",
                           "/a",
                           "a//b",
                           "@a",
                           "namespace::*",
                           "a/@b/c",
                           "a/namespace::*/b",
                           "a/@b/namespace::*",
                           "a/namespace::p",
                           "a/text()",
                           "a/comment()",
                           "a/processing-instruction()",
                           "id('x')",
                           "a/..",
                           "a/.",
                           "a[.='x']",
                           "a[b='x']",
                           "a[@b]",
                           "a[@b=x]",
                           "a[]",
                           "a[1",
                           "a[1]]",
                           "a[-1]",
                           "a[1][2]",
                           "a[@b='x'][1]",
                           "a[@b='x'][@c='y']",
                           "a[1][@b='x'][1]",
                           "a[ 1 ]",
                           "a [1]",
                           " a",
                           "a[@b='x\"]",
                           "a[@b='<']",
                           "a[@b='&']",
                           "a[@b='&no;']",
                           "a|b",
                           "a[99999999999]",
                           "1a",
                           "a:",
                           ":a",
                           "a:b:c",
                           "descendant::a"}) {
    CAPTURE(text);
    const auto read = parse_node_selector(text, "xmlns(a=urn:a)", "urn:d");
    CHECK(read.error() == beckon::xcap::SelectorErrc::bad_selector);
  }
}

TEST_CASE("a selector keeps its steps as they are written, for the ancestor in a refusal") {
  const auto read = parse_node_selector("a/b:c[2][@d=\"/\"]/@b:e", "xmlns(b=urn:b)", "urn:a");
  REQUIRE(read.has_value());
  CHECK(read->steps == std::vector<std::string>{"a", "b:c[2][@d=\"/\"]"});
  CHECK(read->target == NodeSelector::Target::attribute);
  CHECK(read->prefix == "b");
  CHECK(read->path.ns == "urn:b");
}
