#include "protocol/base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <mutex>
#include <string>

#include "protocol/base/log_output.hpp"
#include "protocol/base/printable.hpp"

namespace beckon::log {
namespace {

std::atomic<Level> threshold{Level::info};

constexpr std::array<std::string_view, 6> names{"trace", "debug", "info", "warn", "error", "off"};

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = spdlog::stderr_logger_mt("beckon");
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

struct Output {
  std::mutex mutex;
  std::function<void(std::string)> write;  ///< Empty: standard error.
};

Output& output() {
  static Output instance;
  return instance;
}

}  // namespace

void set_output(std::function<void(std::string line)> write) {
  const std::lock_guard lock(output().mutex);
  output().write = std::move(write);
}

void set_level(Level level) { threshold = level; }
Level level() { return threshold; }

bool set_level(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) {
      threshold = static_cast<Level>(i);
      return true;
    }
  }
  return false;
}

void write(Level at, std::string_view room, std::string_view text) {
  {
    const std::lock_guard lock(output().mutex);
    if (output().write)
      return output().write(fmt::format("{} {}: {}\n", names[static_cast<std::size_t>(at)], room,
                                        printable(text, Unprintable::escaped)));
  }
  logger().log(static_cast<spdlog::level::level_enum>(at), "{}: {}", room,
               printable(text, Unprintable::escaped));
}

}  // namespace beckon::log
