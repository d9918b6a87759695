#pragma once

#include <string>
#include <vector>

namespace beckon::client::manual {

/// One option of the command line, which stands before the command.
struct Option {
  std::string name;   ///< "--account"
  std::string value;  ///< What it takes, "TEXT"; empty: it is a flag.
  std::string help;
};
using Options = std::vector<Option>;

}  // namespace beckon::client::manual
