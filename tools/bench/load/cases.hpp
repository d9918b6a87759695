#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tools/bench/load/driver.hpp"
#include "tools/bench/load/report.hpp"
#include "tools/bench/load/servers.hpp"

namespace beckon::bench {

/// What the command line sets.
struct Options {
  double seconds = 3;  ///< How long operations of a case begin.
  double warm = 1;     ///< Seconds of the same before that.
  unsigned runs = 3;
  double quiet = 50;               ///< Seconds between the last object and the reading of memory.
  std::uint32_t objects = 100000;  ///< Of a memory case.
  std::uint32_t window = 0;        ///< Operations at a time; 0: as the case says.
  std::vector<std::string> names;  ///< Cases to run; empty: all that are not asked for by name only.
  bool kamailio = true;
  std::string profile;  ///< Folder for a profile of each measured run of ours; empty: none.
  std::string beckond;
};

/// A rate: `before` sets up, `job` is measured for some seconds.
struct RateCase {
  std::string name;
  Setting setting{};
  bool beside_kamailio = true;
  std::uint32_t presentities = 1;
  std::vector<Job> before{};
  Job job;
};

/// Memory: what the server grows by for each of `Options::objects` objects that `operation` makes.
struct MemoryCase {
  std::string name;
  Operation operation;
  std::uint32_t objects_per_presentity;
};

/// A case that reports for itself.
struct OwnCase {
  std::string name;
  std::function<void(const Options&)> run;
  bool by_name_only = true;  ///< It does not run when no case is named.
};

/// Reads the command line and runs the cases it names: rates in turn, run by run, beside a bare echo; then
/// memory. Returns the exit code of the program.
int run_bench(const std::string& bench, const std::vector<RateCase>& rates,
              const std::vector<MemoryCase>& memory, const std::vector<OwnCase>& own, int argc, char** argv);

/// Fills what the server keeps of recent messages, so that it does not count as memory of objects.
void fill_recorder(std::uint16_t port);
void sleep_seconds(double seconds);

}  // namespace beckon::bench
