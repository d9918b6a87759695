#include <cstdint>
#include <ctime>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "tests/simulation/calls.hpp"
#include "tests/simulation/lists.hpp"
#include "tests/simulation/messages.hpp"
#include "tests/simulation/presence.hpp"
#include "tests/simulation/story.hpp"
#include "tests/simulation/traffic.hpp"

/// Plays histories by hand: one seed, or as many as some minutes of CPU time allow.
namespace {

using namespace beckon;

constexpr std::string_view usage =
    "usage: beckon-simulation [--what WHAT] --seed N [--trace yes] [--log LEVEL]\n"
    "           plays one history\n"
    "       beckon-simulation [--what WHAT] --minutes N [--from SEED]\n"
    "           plays as many as N minutes of CPU time allow\n"
    "       beckon-simulation --what presence --seed N --crash-point all|POINT [--trace yes]\n"
    "           plays one history with a crash of the server at each of its points, or at one\n"
    "WHAT is story: server and two user agents; presence: server and many plain devices; calls: server\n"
    "and telephones; lists: server, and people who keep lists of each other; messages: server, and\n"
    "people who write 1 000 messages; traffic: transactions and transports alone\n";

enum class What : std::uint8_t { story, presence, calls, lists, messages, traffic };

struct Options {
  What what = What::story;
  std::uint64_t seed = 0;
  std::uint64_t minutes = 0;
  std::uint64_t from = 1;
  std::uint64_t crash_point = 0;
  bool all_crash_points = false;
  bool trace = false;
};

std::optional<What> parse_what(std::string_view text) {
  if (text == "story") return What::story;
  if (text == "presence") return What::presence;
  if (text == "calls") return What::calls;
  if (text == "lists") return What::lists;
  if (text == "messages") return What::messages;
  if (text == "traffic") return What::traffic;
  return std::nullopt;
}

bool read(std::string_view name, const std::string& value, Options& options) {
  if (name == "--log") return log::set_level(value);
  if (name == "--trace") return options.trace = true;
  if (name == "--what") {
    const auto what = parse_what(value);
    options.what = what.value_or(What::story);
    return what.has_value();
  }
  if (name == "--crash-point" && value == "all") return options.all_crash_points = true;
  const auto number = parse_number<std::uint64_t>(value);
  if (!number) return false;
  if (name == "--seed") {
    options.seed = *number;
  } else if (name == "--minutes") {
    options.minutes = *number;
  } else if (name == "--from") {
    options.from = *number;
  } else if (name == "--crash-point") {
    options.crash_point = *number;
  } else {
    return false;
  }
  return true;
}

bool read(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2)
    if (!read(argv[i], argv[i + 1], options)) return false;
  const bool crashes = options.all_crash_points || options.crash_point != 0;
  if (crashes && (options.what != What::presence || options.minutes != 0)) return false;
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

simulation::PresenceScript make_presence(const Options& options, std::uint64_t seed) {
  auto script = simulation::make_presence(seed);
  script.crash_point = options.crash_point;
  return script;
}

bool play(const Options& options, std::uint64_t seed) {
  switch (options.what) {
    case What::story:
      return play(simulation::make_script(seed), options.trace);
    case What::presence:
      return play(make_presence(options, seed), options.trace);
    case What::calls:
      return play(simulation::make_calls(seed), options.trace);
    case What::lists:
      return play(simulation::make_lists(seed), options.trace);
    case What::messages:
      return play(simulation::make_messages(seed), options.trace);
    case What::traffic:
      return play(simulation::make_traffic(seed), options.trace);
  }
  return false;
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

int report(std::uint64_t played, std::uint64_t bad) {
  std::cout << played << " histories, " << bad << " bad, " << cpu_seconds() << " CPU seconds\n";
  return bad == 0 ? 0 : 1;
}

int play_for(const Options& options) {
  const double seconds = 60.0 * static_cast<double>(options.minutes);
  std::uint64_t played = 0, bad = 0;
  while (cpu_seconds() < seconds) {
    bad += play(options, options.from + played) ? 0 : 1;
    if (++played % 1000 == 0) std::cout << played << " so far, " << bad << " bad" << std::endl;
  }
  return report(played, bad);
}

/// The points of a history that crashes nowhere are where it may crash.
int play_all_crash_points(const Options& options) {
  auto script = simulation::make_presence(options.seed);
  script.crashes = 0;
  const std::uint64_t points = simulation::play(script).points;
  std::uint64_t bad = 0;
  for (script.crash_point = 1; script.crash_point <= points; ++script.crash_point)
    bad += play(script, options.trace) ? 0 : 1;
  return report(points, bad);
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
  if (options.all_crash_points) return play_all_crash_points(options);
  const bool good = play(options, options.seed);
  if (good) std::cout << "seed " << options.seed << ": good\n";
  return good ? 0 : 1;
}
