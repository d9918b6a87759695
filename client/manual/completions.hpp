#pragma once

#include <string>

#include "client/manual/option.hpp"

namespace beckon::client::manual {

/// Scripts that make a shell complete the words of `beckon`: options, commands, their options, and the values
/// that are allowed. They are made of the same tables as the manual.
std::string bash_completion(const Options& options);
std::string zsh_completion(const Options& options);
std::string fish_completion(const Options& options);

}  // namespace beckon::client::manual
