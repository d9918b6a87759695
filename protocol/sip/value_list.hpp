#pragma once

#include <string>
#include <string_view>

namespace beckon::sip {

/// Adds a value to a list of header values: behind a comma, unless it is the first. What `split_values`
/// reads.
inline void append_value(std::string& list, std::string_view value) {
  if (!list.empty()) list += ", ";
  list += value;
}

}  // namespace beckon::sip
