#include "tools/bench/xcap/documents.hpp"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "tools/bench/load/texts.hpp"

namespace beckon::bench {

namespace {

std::string rule(std::string_view id, std::string_view identities, std::string_view handling) {
  std::string text = fmt::format(
      "<rule id=\"{}\"><conditions><identity>{}</identity></conditions><actions><p:sub-handling>{}"
      "</p:sub-handling></actions>",
      id, identities, handling);
  if (handling == "allow")
    text +=
        "<transformations><p:provide-services><p:all-services/></p:provide-services><p:provide-persons>"
        "<p:all-persons/></p:provide-persons><p:provide-all-attributes/></transformations>";
  return text + "</rule>";
}

std::string_view handling_of(std::uint32_t number) {
  constexpr std::string_view turns[] = {"allow", "block", "allow", "confirm"};
  return turns[number % 4];
}

}  // namespace

std::string watcher_of_rules(std::uint32_t number) {
  return fmt::format("sip:{}@{}", user('w', number), domain);
}

std::string rules_document(std::uint32_t identities, bool apart, std::uint64_t serial) {
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ruleset xmlns=\"urn:ietf:params:xml:ns:common-policy\""
      " xmlns:p=\"urn:ietf:params:xml:ns:pres-rules\"><!-- {:016x} -->",
      serial);
  const auto one = [](std::uint32_t number) {
    return fmt::format("<one id=\"{}\"/>", watcher_of_rules(number));
  };
  if (apart) {
    for (std::uint32_t i = 0; i < identities; ++i)
      text += rule(fmt::format("w{}", i), one(i), handling_of(i));
  } else {
    for (const std::string_view handling : {"allow", "block", "confirm"}) {
      std::string all;
      for (std::uint32_t i = 0; i < identities; ++i)
        if (handling_of(i) == handling) all += one(i);
      if (!all.empty()) text += rule(handling, all, handling);
    }
  }
  return text + "</ruleset>";
}

std::string contacts_document(std::uint32_t contacts, std::uint64_t serial) {
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><resource-lists"
      " xmlns=\"urn:ietf:params:xml:ns:resource-lists\"><list name=\"friends\"><display-name>Friends {:016x}"
      "</display-name>",
      serial);
  for (std::uint32_t i = 0; i < contacts; ++i)
    text += fmt::format("<entry uri=\"sip:{0}@{1}\"><display-name>Contact number {2}</display-name></entry>",
                        user('p', i), domain, i);
  return text + "</list></resource-lists>";
}

}  // namespace beckon::bench
