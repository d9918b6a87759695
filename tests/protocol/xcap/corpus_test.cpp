#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "protocol/base/text.hpp"
#include "protocol/xcap/effect.hpp"
#include "protocol/xcap/usage.hpp"

using namespace beckon;
using namespace beckon::xcap;

namespace {

const std::filesystem::path folder = std::filesystem::path(BECKON_CORPORA) / "xml";

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// RFCs fold long URIs for print: what is one is joined again.
std::string unfolded(std::string text) {
  constexpr std::string_view tag = "<resource-list>";
  for (auto at = text.find(tag); at != text.npos; at = text.find(tag, at + 1)) {
    const auto begin = text.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(text.find("</", at));
    text.erase(std::remove_if(begin, end, [](char c) { return c == '\n' || c == ' ' || c == '\t'; }), end);
  }
  return text;
}

const Usage* usage_of(const xml::Element& root) {
  for (const Usage& usage : usages())
    if (!usage.is_made && root.is(usage.root_ns, usage.root)) return &usage;
  return nullptr;
}

/// The user and the domain are those of the examples.
Setting setting_for(std::string_view text) {
  Setting setting{.owner = "",
                  .canonical = [](std::string_view uri) { return std::string(uri); },
                  .serves = [](std::string_view) { return true; }};
  // "/users/sip:bill@example.com/", escaped or not.
  const auto begin = text.find("/users/");
  if (begin != text.npos) {
    const auto name = text.substr(begin, text.find('/', begin + 7) - begin);
    const auto target = parse_target("/resource-lists" + std::string(name) + "/_", "");
    if (target) setting.owner = target->user;
  }
  return setting;
}

}  // namespace

TEST_CASE("every example of the RFCs is taken as a document of its usage, but for what breaks a constraint") {
  // The schemas refuse three ids and a missing entity; two lists that are no documents of a user have twins.
  using Kind = Problem::Kind;
  const std::map<std::string, Kind> refused = {
      {"rfc4479-s7.1-1.xml", Kind::schema_validation_error},
      {"rfc4660-s7.1.1-2.xml", Kind::schema_validation_error},
      {"rfc4660-s7.1.3-3.xml", Kind::schema_validation_error},
      {"rfc4660-s7.1.3-4.xml", Kind::schema_validation_error},
      {"rfc5365-s9-2.xml", Kind::uniqueness_failure},
      {"rfc5366-s6-2.xml", Kind::uniqueness_failure},
  };
  std::map<std::string, int> taken;
  for (const auto& file : std::filesystem::directory_iterator(folder / "examples")) {
    const std::string name = file.path().filename(), text = unfolded(read(file.path()));
    const auto document = xml::parse(text);
    const Usage* usage = document ? usage_of(document->root()) : nullptr;
    if (usage == nullptr) continue;
    CAPTURE(name);
    const auto problem = validate(*usage, text, setting_for(text));
    const std::string phrase = problem ? problem->phrase : std::string();
    CAPTURE(phrase);
    const auto known = refused.find(name);
    CHECK((problem ? problem->kind : Kind::none) == (known == refused.end() ? Kind::none : known->second));
    taken[std::string(usage->auid)] += problem ? 0 : 1;
  }
  CHECK(taken["pres-rules"] >= 5);
  CHECK(taken["resource-lists"] >= 10);
  CHECK(taken["rls-services"] >= 1);
  CHECK(taken["pidf-manipulation"] >= 10);
}

TEST_CASE("documents that other servers are tested with: lists and services of another user are refused") {
  const std::map<std::string, Problem::Kind> expected = {
      {"rls-services-example_bad_resource-list_uri_not_absolute.xml", Problem::Kind::constraint_failure},
  };
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder / "xcap-documents")) {
    const std::string name = file.path().filename(), text = unfolded(read(file.path()));
    const auto document = xml::parse(text);
    const Usage* usage = document ? usage_of(document->root()) : nullptr;
    if (usage == nullptr) continue;
    CAPTURE(name);
    const auto problem = validate(*usage, text, setting_for(text));
    const std::string phrase = problem ? problem->phrase : std::string();
    CAPTURE(phrase);
    const auto known = expected.find(name);
    CHECK((problem ? problem->kind : Problem::Kind::none) ==
          (known == expected.end() ? Problem::Kind::none : known->second));
    ++count;
  }
  CHECK(count >= 8);
}
