#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "protocol/xml_patch/patch.hpp"

using namespace beckon;

namespace {

const std::filesystem::path folder = std::filesystem::path(BECKON_CORPORA) / "xml" / "patch-ops";

xml::Tree read(const std::string& name) {
  std::ifstream file(folder / name, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto tree = xml::parse_tree(text);
  REQUIRE(tree.has_value());
  return std::move(*tree);
}

}  // namespace

TEST_CASE("the examples of RFC 5261 appendix A give the documents that are printed there") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    if (!file.ends_with("-diff.xml")) continue;
    CAPTURE(file);
    const std::string example = file.substr(0, file.find('-'));
    auto target = read(example + "-before.xml");
    REQUIRE(xml_patch::apply(target, read(file).root(), "").has_value());
    // A.16 shows the two white space texts without the empty line that they make together (4.5.6).
    if (example == "A.16") {
      xml::Node& space = *target.root().last;
      REQUIRE(space.is_space());
      target.set_text(space, "\n");
    }
    CHECK(*target.print() == *read(example + "-after.xml").print());
    ++count;
  }
  CHECK(count == 12);
}
