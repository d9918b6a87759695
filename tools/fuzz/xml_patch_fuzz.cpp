#include <cstdlib>

#include "protocol/xml/writer.hpp"
#include "protocol/xml_patch/difference.hpp"
#include "protocol/xml_patch/patch.hpp"

using namespace beckon;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// What a patch may make of a document that its reader then refuses.
bool may_refuse(const ErrorCode& error) {
  return error == xml::Errc::duplicate_attribute || error == xml::Errc::too_large ||
         error == xml::Errc::too_many_nodes || error == xml::Errc::too_many_attributes ||
         error == xml::Errc::too_many_bindings;
}

void check_difference(std::string_view from, std::string_view to) {
  auto old = xml::parse_tree(from);
  const auto fresh = xml::parse_tree(to);
  require(old.has_value() && fresh.has_value());
  const auto operations = xml_patch::difference(*old, *fresh, "fuzz", 1 << 16);
  if (!operations) return;
  require(xml::equal(old->root(), fresh->root()));
  // The diff document declares what the root declares.
  std::string diff = "<fuzz:diff xmlns:fuzz=\"urn:fuzz\"";
  for (const auto& declaration : fresh->root().declarations) {
    if (declaration.prefix == "fuzz") return;
    diff += declaration.prefix.empty() ? " xmlns=\"" : " xmlns:" + std::string(declaration.prefix) + "=\"";
    diff += xml::escape(declaration.ns) + '"';
  }
  const auto patches = xml::parse_tree(diff + '>' + *operations + "</fuzz:diff>");
  auto target = xml::parse_tree(from);
  require(target.has_value());
  if (!patches) return require(may_refuse(patches.error()));
  require(xml_patch::apply(*target, patches->root(), "urn:fuzz").has_value());
  require(xml::equal(target->root(), fresh->root()));
}

}  // namespace

/// A document, a line "---", and a diff document.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view line = "\n---\n";
  const auto cut = input.find(line);
  if (cut == input.npos) return 0;
  const auto text = input.substr(0, cut), diff = input.substr(cut + line.size());
  auto target = xml::parse_tree(text);
  require(target.has_value() == xml::parse(text).has_value());
  if (!target) return 0;
  const auto printed = target->print();
  if (!printed) return 0;
  const auto again = xml::parse_tree(*printed);
  require(again.has_value() && xml::equal(again->document(), target->document()));
  const auto patches = xml::parse_tree(diff);
  if (!patches) return 0;
  const auto ns = xml::find_ns(patches->root(), patches->root().prefix).value_or("");
  if (!xml_patch::apply(*target, patches->root(), ns, {.has_ids = true}, {.work = 100'000})) return 0;
  const auto patched = target->print();
  if (!patched) return 0;
  const auto read = xml::parse_tree(*patched);
  if (!read) {
    require(may_refuse(read.error()));
    return 0;
  }
  require(xml::equal(read->document(), target->document()));
  check_difference(text, *patched);
  return 0;
}
