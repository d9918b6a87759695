#include <doctest/doctest.h>

#include <algorithm>

#include "protocol/trace/line.hpp"
#include "protocol/trace/mask.hpp"
#include "tests/protocol/sip/corpus.hpp"

using namespace beckon;

namespace {

/// Values after `name` in the captured text: quoted ones, and those up to the end of a word.
std::vector<std::string> values_behind(const std::string& text, const std::string& name) {
  std::vector<std::string> values;
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    std::size_t begin = at + name.size();
    if (text[begin] == '"') ++begin;
    values.push_back(text.substr(begin, text.find_first_of("\"|, \r\n", begin) - begin));
  }
  return values;
}

}  // namespace

TEST_CASE("no answer to a challenge and no key of the captured messages passes the mask") {
  std::size_t files = 0, secrets = 0;
  for (const auto& path : corpus::files("captures", ".sip")) {
    const std::string text = corpus::read(path);
    const std::string masked = trace::mask(text);
    CAPTURE(path.filename().string());
    ++files;
    for (const char* name : {" response=", ",response=", "cnonce=", "inline:", "ice-pwd:"}) {
      for (const auto& value : values_behind(text, name)) {
        CAPTURE(value);
        ++secrets;
        CHECK(masked.find(value) == std::string::npos);
      }
    }
    CHECK(masked.find("response=\"") == std::string::npos);
  }
  CHECK(files == 151);
  CHECK(secrets == 118);
}

TEST_CASE("a line is made of every captured message") {
  for (const auto& path : corpus::files("captures", ".sip")) {
    const std::string text = corpus::read(path);
    CAPTURE(path.filename().string());
    const trace::Entry entry{
        .time = {}, .hop = {}, .problem = {}, .size = text.size(), .owner = {}, .text = text};
    const trace::Line line = trace::make_line(entry, trace::Detail::writing);
    CHECK_FALSE(line.method.empty());
    CHECK_FALSE(line.call_id.empty());
    CHECK(trace::is_about(line, line.call_id));
  }
}
