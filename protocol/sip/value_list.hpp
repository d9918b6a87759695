#pragma once

#include <string>
#include <string_view>

namespace beckon::sip {

/// Adds a value to a list of header values, with a comma before it unless it is the first. `split_values`
/// reads such a list.
inline void append_value(std::string& list, std::string_view value) {
  if (!list.empty()) list += ", ";
  list += value;
}

}  // namespace beckon::sip
