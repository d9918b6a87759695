#include <exception>
#include <iostream>

#include "client/cli/examination.hpp"
#include "client/cli/options.hpp"
#include "client/cli/shell.hpp"
#include "client/control/cause.hpp"

int main(int argc, char** argv) {
  try {
    int exit_code = 0;
    const auto options = beckon::client::cli::read_options(argc, argv, exit_code);
    if (!options) return exit_code;
    return options->examines ? beckon::client::cli::examine(*options) : beckon::client::cli::run(*options);
  } catch (const std::exception& error) {
    std::cerr << "beckon: " << error.what() << '\n';
    return static_cast<int>(beckon::client::control::Cause::failed);
  }
}
