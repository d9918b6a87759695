#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/documents/dialoginfo.hpp"
#include "protocol/documents/imdn.hpp"
#include "protocol/documents/iscomposing.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/pidf_diff.hpp"
#include "protocol/documents/pres_rules.hpp"
#include "protocol/documents/resource_lists.hpp"
#include "protocol/documents/rlmi.hpp"
#include "protocol/documents/winfo.hpp"
#include "protocol/documents/xcap_diff.hpp"

using namespace beckon;
using namespace beckon::documents;

namespace {

const std::filesystem::path corpora = BECKON_CORPORA;

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Counts {
  int pidf = 0, winfo = 0, rules = 0, dialogs = 0, notifications = 0, composing = 0, lists = 0, services = 0,
      rlmi = 0, diffs = 0;
};

/// Whatever the root is: it must read, print, and read back equal.
void check_round_trip(const std::string& body, Counts& counts) {
  const auto document = xml::parse(body);
  if (document.has_error()) return;
  const auto& root = document->root();
  if (root.is(ns::pidf, "presence")) {
    const auto presence = parse_pidf(body);
    REQUIRE(presence.has_value());
    const auto again = parse_pidf(print(*presence));
    REQUIRE(again.has_value());
    CHECK(*again == *presence);
    ++counts.pidf;
  } else if (root.is(ns::winfo, "watcherinfo")) {
    const auto info = parse_winfo(body);
    REQUIRE(info.has_value());
    CHECK_FALSE(info->lists.empty());
    CHECK(*parse_winfo(print(*info)) == *info);
    ++counts.winfo;
  } else if (root.is(ns::common_policy, "ruleset")) {
    const auto rules = parse_pres_rules(body);
    REQUIRE(rules.has_value());
    CHECK_FALSE(rules->rules.empty());
    const auto printed = print(*rules);
    const auto again = parse_pres_rules(printed);
    REQUIRE(again.has_value());
    CHECK(print(*again) == printed);
    ++counts.rules;
  } else if (root.is(ns::dialog_info, "dialog-info")) {
    const auto info = parse_dialoginfo(body);
    REQUIRE(info.has_value());
    CHECK(*parse_dialoginfo(print(*info)) == *info);
    ++counts.dialogs;
  } else if (root.is(ns::imdn, "imdn")) {
    const auto imdn = parse_imdn(body);
    REQUIRE(imdn.has_value());
    CHECK(*parse_imdn(print(*imdn)) == *imdn);
    ++counts.notifications;
  } else if (root.is(ns::is_composing, "isComposing")) {
    const auto composing = parse_is_composing(body);
    REQUIRE(composing.has_value());
    CHECK(*parse_is_composing(print(*composing)) == *composing);
    ++counts.composing;
  } else if (root.is(ns::resource_lists, "resource-lists")) {
    const auto lists = parse_resource_lists(body);
    REQUIRE(lists.has_value());
    CHECK_FALSE(lists->lists.empty());
    CHECK(*parse_resource_lists(print(*lists)) == *lists);
    ++counts.lists;
  } else if (root.is(ns::rls_services, "rls-services")) {
    const auto services = parse_rls_services(body);
    REQUIRE(services.has_value());
    CHECK(*parse_rls_services(print(*services)) == *services);
    ++counts.services;
  } else if (root.is(ns::rlmi, "list")) {
    const auto rlmi = parse_rlmi(body);
    REQUIRE(rlmi.has_value());
    CHECK_FALSE(rlmi->resources.empty());
    CHECK(*parse_rlmi(print(*rlmi)) == *rlmi);
    ++counts.rlmi;
  } else if (root.is(xcap_diff_ns, "xcap-diff")) {
    const auto diff = parse_xcap_diff(body);
    REQUIRE(diff.has_value());
    CHECK(diff->root.starts_with("http://xcap.example.com/"));
    ++counts.diffs;
  }
}

}  // namespace

TEST_CASE(
    "presence, watcher and dialog info, rule, list and message documents of the RFCs survive reading and "
    "printing") {
  Counts counts;
  for (const char* folder : {"examples", "pres-rules-filter", "pjsip-presence-seeds", "hostile"}) {
    for (const auto& entry : std::filesystem::directory_iterator(corpora / "xml" / folder)) {
      CAPTURE(entry.path().string());
      if (entry.path().extension() == ".xml") check_round_trip(read(entry.path()), counts);
    }
  }
  CHECK(counts.pidf >= 25);
  CHECK(counts.winfo >= 6);
  CHECK(counts.rules >= 10);
  CHECK(counts.dialogs >= 18);
  CHECK(counts.notifications >= 3);
  CHECK(counts.composing >= 2);
  CHECK(counts.lists >= 2);
  CHECK(counts.services >= 1);
  CHECK(counts.rlmi >= 3);
  CHECK(counts.diffs >= 11);
}

TEST_CASE("bodies of real peers survive reading and printing") {
  Counts counts;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(corpora / "captures")) {
    if (!entry.is_regular_file()) continue;
    const auto message = read(entry.path());
    const auto body = message.find("\r\n\r\n");
    CAPTURE(entry.path().string());
    if (body != std::string::npos) check_round_trip(message.substr(body + 4), counts);
  }
  CHECK(counts.pidf >= 20);
  CHECK(counts.winfo >= 1);
}

TEST_CASE("the conditions of RFC 4745's examples hold for the watchers that the RFC names (RFC 4745 7)") {
  struct Row {
    const char* file;
    std::size_t rule;
    const char* aor;
    const char* now;
    const char* sphere;
    bool holds;
  };
  const char* in_time = "2003-12-24T17:30:00Z";
  for (const Row& row :
       {Row{"rfc4745-s7.1.3.1-1.xml", 0, "sip:x@y", in_time, "", true},
        Row{"rfc4745-s7.1.3.2-1.xml", 0, "sip:x@y", in_time, "work", true},
        Row{"rfc4745-s7.1.3.2-1.xml", 0, "sip:x@y", in_time, "home", false},
        Row{"rfc4745-s7.1.3.2-1.xml", 0, "sip:x@y", "2003-12-24T18:00:00Z", "work", false},
        Row{"rfc4745-s7.1.3.2-1.xml", 0, "sip:x@example.com", in_time, "work", false},
        Row{"rfc4745-s7.1.3.2-1.xml", 0, "sip:alice@bad.example.net", in_time, "work", false},
        Row{"rfc4745-s7.1.3.2-1.xml", 0, "sip:eve@bad.example.net", in_time, "work", true},
        Row{"rfc4745-s7.3-1.xml", 0, "sip:andrew@example.com", in_time, "work", true},
        Row{"rfc4745-s7.3-1.xml", 0, "sip:andrew@example.com", in_time, "home", false},
        Row{"rfc4745-s7.3-1.xml", 1, "sip:allison@example.com", in_time, "home", true},
        Row{"rfc4745-s7.3-1.xml", 2, "sip:john@doe.example.com", in_time, "work", true},
        Row{"rfc4745-s7.4-1.xml", 0, "sip:x@y", "2003-08-15T15:20:00Z", "", true},
        Row{"rfc4745-s7.4-1.xml", 0, "sip:x@y", "2003-08-15T15:19:59Z", "", false}}) {
    CAPTURE(row.file);
    CAPTURE(row.aor);
    CAPTURE(row.sphere);
    const auto rules = parse_pres_rules(read(corpora / "xml" / "examples" / row.file));
    REQUIRE(rules.has_value());
    CHECK(matches(rules->rules.at(row.rule).conditions, {row.aor, *parse_time(row.now), row.sphere}) ==
          row.holds);
  }
}

namespace {

/// A line for each resource and each of its instances.
std::string summary(const Rlmi& rlmi) {
  std::string text = rlmi.uri + ' ' + std::to_string(rlmi.version) + (rlmi.is_full ? " full" : " partial");
  for (const DisplayName& name : rlmi.names) text += ' ' + name.lang + '=' + name.text;
  for (const RlmiResource& resource : rlmi.resources) {
    text += '\n' + resource.uri;
    for (const DisplayName& name : resource.names) text += ' ' + name.lang + '=' + name.text;
    for (const RlmiInstance& instance : resource.instances)
      text +=
          ' ' + instance.id + ' ' + to_string(instance.state) + ' ' + instance.reason + ' ' + instance.cid;
  }
  return text;
}

}  // namespace

TEST_CASE(
    "the lists of RFC 4662 5.1 and 6 are read as the RFC explains them; RFC 5367 7 names three resources") {
  const auto folder = corpora / "xml" / "examples";
  const auto read_list = [&](const char* name) {
    const auto rlmi = parse_rlmi(read(folder / name));
    REQUIRE(rlmi.has_value());
    return summary(*rlmi);
  };
  CHECK(read_list("rfc4662-s5.1-2.xml") ==
        "sip:adam-friends@lists.vancouver.example.com 7 full en=Buddy List fr=Liste d'amis\n"
        "sip:bob@vancouver.example.com =Bob Smith juwigmtboe active  12345.aaa@vancouver.example.com\n"
        "sip:dave@vancouver.example.com =Dave Jones hqzsuxtfyq active  12345.aab@vancouver.example.com\n"
        "sip:jim@vancouver.example.com =Jim oflzxqzuvg terminated rejected \n"
        "sip:ed@vancouver.example.com =Ed grqhzsppxb pending  ");
  CHECK(read_list("rfc4662-s6-4.xml") ==
        "sip:adam-friends@stockholm.example.org 1 full en=Buddy List at COM de=Liste der Freunde an COM\n"
        "sip:joe@stockholm.example.org =Joe Thomas 1 active  mrEakg@stockholm.example.org\n"
        "sip:mark@stockholm.example.org =Mark Edwards 1 active  KKMDmv@stockholm.example.org");
  CHECK(read_list("rfc4662-s6-7.xml") ==
        "sip:adam-friends@pres.vancouver.example.com 2 partial en=Buddy List at COM de=Liste der Freunde an "
        "COM\n"
        "sip:ed@dallas.example.net =Ed at NET sdlkmeopdf pending  \n"
        "sip:adam-friends@stockholm.example.org en=My Friends at ORG de=Meine Freunde an ORG cmpqweitlp "
        "active  "
        "1KQhyE@pres.vancouver.example.com");
  const auto carried = parse_resource_lists(read(folder / "rfc5367-s7-1.xml"));
  REQUIRE(carried.has_value());
  REQUIRE(carried->lists.size() == 1);
  std::string uris;
  for (const ListItem& item : carried->lists[0].items) uris += item.target + ' ';
  CHECK(uris == "sip:bill@example.com sip:joe@example.org sip:ted@example.net ");
}

TEST_CASE("the changes of RFC 5262 6, applied to the full document there") {
  const auto folder = corpora / "xml" / "examples";
  PartialPresence copy;
  REQUIRE(copy.take(read(folder / "rfc5262-s6-1.xml"), "s") == PartialPresence::Taken::yes);
  const Presence before = copy.presence();
  CHECK(copy.version() == 567);
  REQUIRE(copy.take(read(folder / "rfc5262-s6-2.xml"), "s") == PartialPresence::Taken::yes);
  const Presence& after = copy.presence();
  CHECK(copy.version() == 568);
  REQUIRE(after.tuples.size() == 4);
  CHECK(after.tuples[0] == before.tuples[0]);
  CHECK(after.tuples[1].contact->priority == 700);
  CHECK(after.tuples[2].id == "r1230d");
  CHECK(after.tuples[2].basic == Basic::open);
  CHECK(after.tuples[3].id == "ert4773");
  CHECK(after.tuples[3].contact->uri == "mailto:pep@example.com");
  CHECK(after.notes == before.notes);
  CHECK(after.devices == before.devices);
  CHECK(activities(before.persons.at(0)) == std::vector<std::string>{"on-the-phone", "busy"});
  CHECK(activities(after.persons.at(0)) == std::vector<std::string>{"on-the-phone"});
}

TEST_CASE("the patches of RFC 5874 A.2 make the document that is meant there, in one step or in three") {
  const std::string before = "<doc>\n  <note>This is a sample document</note>\n</doc>";
  const std::string after =
      "<doc>\n  <note>This is a sample document</note>\n<foo>this is a new element</foo><bar>this is a bar "
      "element\n</bar><foobar>this is a foobar element</foobar></doc>";
  for (const char* file : {"rfc5874-sA.2-1.xml", "rfc5874-sA.2-2.xml", "rfc5875-sA.4-1.xml"}) {
    CAPTURE(file);
    const std::string body = read(corpora / "xml" / "examples" / file);
    const auto diff = parse_xcap_diff(body);
    REQUIRE(diff.has_value());
    std::string text = before, etag = diff->items.front().previous_etag;
    for (std::size_t i = 0; i < diff->items.size(); ++i) {
      const auto& item = diff->items[i];
      CHECK(item.sel == "tests/users/sip:joe@example.com/index");
      CHECK(item.previous_etag == std::exchange(etag, item.new_etag));
      REQUIRE(item.has_patch);
      const auto patched = apply_patch(body, i, text);
      REQUIRE(patched.has_value());
      text = *patched;
    }
    CHECK(etag == "63hjjsll");
    CHECK(text == after);
  }
}

TEST_CASE("parts of documents in the examples of RFC 5874 and RFC 5875 are read") {
  const auto items = [](const char* file) {
    const auto diff = parse_xcap_diff(read(corpora / "xml" / "examples" / file));
    REQUIRE(diff.has_value());
    return diff->items;
  };
  using Kind = XcapDiff::Item::Kind;
  for (const char* file : {"rfc5874-s5-1.xml", "rfc5875-s5-1.xml"}) {
    const auto all = items(file);
    REQUIRE(all.size() == 3);
    const auto element = std::ranges::find(all, Kind::element, [](const auto& each) { return each.kind; });
    REQUIRE(element != all.end());
    const auto service = xml::parse(element->content);
    REQUIRE(service.has_value());
    CHECK(service->root().is(ns::rls_services, "service"));
  }
  CHECK(items("rfc5874-s5-1.xml").back() ==
        XcapDiff::Item{.kind = Kind::attribute,
                       .sel = "rls-services/users/sip:joe@example.com/index/~~/*/service/@uri",
                       .content = "sip:marketing@example.com"});
  for (const char* file : {"rfc5874-sA.3-2.xml", "rfc5875-sA.5-4.xml"})
    CHECK_FALSE(items(file).front().exists);
  CHECK(items("rfc5875-sA.5-2.xml").empty());
  CHECK(items("rfc5874-sA.1-3.xml").front().previous_etag.empty());
  CHECK(items("rfc5874-sA.1-5.xml").front().previous_etag == "terteer");
}
