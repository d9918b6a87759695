#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <stdexcept>

#include "tools/bench/presence/own_cases.hpp"

namespace beckon::bench {
namespace {

constexpr std::uint32_t per_presentity = 10;
constexpr double rest_seconds = 30;
constexpr double mega = 1 << 20;

}  // namespace

void run_million(const Options& options) {
  // `--objects` other than the default makes a smaller run of the same shape.
  const std::uint32_t subscriptions = options.objects == Options{}.objects ? 1000000 : options.objects;
  const std::uint32_t presentities = subscriptions / per_presentity;
  Running running(Server::beckond, options.beckond, {.durability = Durability::process});
  fill_recorder(running.port());
  const auto empty = static_cast<double>(running.subject().pss_octets());
  Driver driver(running.port(), presentities);
  Totals totals = driver.run({.operation = Operation::publish, .actors = presentities, .window = 128});
  totals += driver.run({.operation = Operation::subscribe, .actors = subscriptions, .window = 128});
  sleep_seconds(options.quiet);
  const auto full = static_cast<double>(running.subject().pss_octets());
  const double cpu = running.subject().cpu_seconds();
  sleep_seconds(rest_seconds);
  const double rest = running.subject().cpu_seconds() - cpu;

  using Clock = std::chrono::steady_clock;
  const auto stopping = Clock::now();
  running.subject().stop();
  const auto stopped = Clock::now();
  running.start();
  const auto ready = Clock::now();
  const double restart_cpu = running.subject().cpu_seconds();
  const auto restored = static_cast<double>(running.subject().pss_octets());
  const auto seconds = [](auto duration) { return std::chrono::duration<double>(duration).count(); };
  fmt::print(
      "{{\"bench\":\"presence\",\"case\":\"million\",\"subscriptions\":{},\"presentities\":{},\"failures\":{}"
      ","
      "\"retransmissions\":{},\"mebioctets_empty\":{:.0f},\"mebioctets\":{:.0f},\"octets_each\":{:.0f},"
      "\"cpu_at_rest_percent\":{:.2f},\"stop_seconds\":{:.2f},\"start_seconds\":{:.2f},\"start_cpu_seconds\":"
      "{:.2f},"
      "\"mebioctets_restored\":{:.0f}}}\n",
      subscriptions, presentities, totals.failures, totals.retransmissions, empty / mega, full / mega,
      (full - empty) / subscriptions, 100 * rest / rest_seconds, seconds(stopped - stopping),
      seconds(ready - stopped), restart_cpu, restored / mega);
  std::fflush(stdout);
}

}  // namespace beckon::bench
