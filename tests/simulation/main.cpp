#include <charconv>
#include <chrono>
#include <ctime>
#include <iostream>
#include <string_view>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "tests/simulation/story.hpp"
#include "tests/simulation/traffic.hpp"

/// Plays histories by hand: one seed, or as many as some minutes of CPU time allow.
namespace {

using namespace beckon;

constexpr std::string_view usage =
    "usage: beckon-simulation [--what story|traffic] --seed N [--trace yes] [--log LEVEL]\n"
    "           plays one history\n"
    "       beckon-simulation [--what story|traffic] --minutes N [--from SEED]\n"
    "           plays as many as N minutes of CPU time allow\n"
    "story: server and two user agents; traffic: transactions and transports alone\n";

struct Options {
  std::uint64_t seed = 0;
  std::uint64_t minutes = 0;
  std::uint64_t from = 1;
  bool trace = false;
  bool traffic = false;
};

bool read(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--log") {
      if (!log::set_level(argv[i + 1])) return false;
      continue;
    }
    if (name == "--trace") {
      options.trace = true;
      continue;
    }
    if (name == "--what") {
      options.traffic = argv[i + 1] == std::string_view("traffic");
      if (!options.traffic && argv[i + 1] != std::string_view("story")) return false;
      continue;
    }
    const auto number = parse_number<std::uint64_t>(argv[i + 1]);
    if (!number) return false;
    if (name == "--seed") {
      options.seed = *number;
    } else if (name == "--minutes") {
      options.minutes = *number;
    } else if (name == "--from") {
      options.from = *number;
    } else {
      return false;
    }
  }
  return argc % 2 == 1 && (options.seed != 0) != (options.minutes != 0);
}

/// True if the history is good.
template <class Script>
bool play(Script script, bool trace) {
  script.trace = trace;
  const std::string fault = simulation::play(script).fault;
  if (fault.empty()) return true;
  std::cout << print(script) << "\n  " << fault << std::endl;
  return false;
}
bool play(const Options& options, std::uint64_t seed) {
  return options.traffic ? play(simulation::make_traffic(seed), options.trace)
                         : play(simulation::make_script(seed), options.trace);
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

int play_for(const Options& options) {
  const double seconds = 60.0 * static_cast<double>(options.minutes);
  std::uint64_t played = 0, bad = 0;
  while (cpu_seconds() < seconds) {
    bad += play(options, options.from + played) ? 0 : 1;
    if (++played % 1000 == 0) std::cout << played << " so far, " << bad << " bad" << std::endl;
  }
  std::cout << played << " histories, " << bad << " bad, " << cpu_seconds() << " CPU seconds\n";
  return bad == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  log::set_level(log::Level::off);
  Options options;
  if (!read(argc, argv, options)) {
    std::cerr << usage;
    return 2;
  }
  if (options.minutes != 0) return play_for(options);
  const bool good = play(options, options.seed);
  if (good) std::cout << "seed " << options.seed << ": good\n";
  return good ? 0 : 1;
}
