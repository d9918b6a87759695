#pragma once

#include <functional>
#include <string>

namespace beckon::log {

/// Lines go to `output` from now on, with their ends, and to standard error again when it is empty: for a
/// program that owns the terminal. It is called on whatever thread writes a line, one at a time, and must not
/// write one.
void set_output(std::function<void(std::string line)> output);

}  // namespace beckon::log
