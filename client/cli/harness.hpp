#pragma once

namespace beckon::client::cli {

/// `beckon test ...`: this process becomes the harness (tools/conformance), a program in Python that drives
/// beckond and several beckons from outside. It is found beside this program: installed in share/beckon, or
/// in the source tree of a build. `words` follow "test" and end with a null pointer, as those of `main` do.
/// Returns only where that cannot be: the exit code, when it has said why.
int become_harness(char* const* words);

}  // namespace beckon::client::cli
