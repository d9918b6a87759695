#include <boost/json/serialize.hpp>
#include <cstdlib>

#include "client/control/command.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::client;

/// Lines of JSON, and words of a command line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto command = control::parse_command(text)) {
    boost::json::object line = command->arguments;
    line["id"] = command->id;
    line["command"] = command->name();
    const auto again = control::parse_command(boost::json::serialize(line));
    if (!again || again->arguments != command->arguments) std::abort();
  }
  std::vector<std::string> words;
  for (const auto word : split(text, ' ')) words.emplace_back(word);
  if (const auto command = control::parse_words(words)) {
    if (control::find_specification(command->name()) == nullptr) std::abort();
  }
  return 0;
}
