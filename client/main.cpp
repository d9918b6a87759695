#include <exception>
#include <iostream>

#include "client/cli/options.hpp"
#include "client/cli/shell.hpp"
#include "client/control/cause.hpp"

int main(int argc, char** argv) {
  try {
    int exit_code = 0;
    const auto options = beckon::client::cli::read_options(argc, argv, exit_code);
    return options ? beckon::client::cli::run(*options) : exit_code;
  } catch (const std::exception& error) {
    std::cerr << "beckon: " << error.what() << '\n';
    return static_cast<int>(beckon::client::control::Cause::failed);
  }
}
