#pragma once

#include <string>
#include <vector>

namespace beckon::bench {

struct Sample {
  const char* name;
  std::string text;  ///< With CRLF and its true Content-Length.
};

/// What a presence server meets in a day: requests and answers as user agents and proxies write them, ours
/// in every word.
std::vector<Sample> make_messages();

}  // namespace beckon::bench
