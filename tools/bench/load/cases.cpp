#include "tools/bench/load/cases.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <optional>
#include <thread>

#include "tools/bench/load/kamailio.hpp"

namespace beckon::bench {
namespace {

/// More than the 4 MiB of recent messages that `beckond` keeps by default.
constexpr std::uint32_t recorder_filling = 20000;

bool is_asked_for(const Options& options, const std::string& name) {
  return options.names.empty() ||
         std::find(options.names.begin(), options.names.end(), name) != options.names.end();
}

/// `perf record` of all threads of the server, until the end of the object.
std::optional<Subject> profile(const RateCase& rate, const Subject& server, const Options& options) {
  if (options.profile.empty()) return std::nullopt;
  return Subject::start({"/usr/bin/perf", "record", "-q", "-F", "1999", "--call-graph", "dwarf,16384", "-o",
                         options.profile + '/' + rate.name + ".perf", "-p", std::to_string(server.pid())},
                        load_core);
}

Measured measure(const RateCase& rate, Server server, const Options& options) {
  Running running(server, options.beckond, rate.setting);
  Driver driver(running.port(), rate.presentities, rate.setting.digest);
  for (const Job& job : rate.before) {
    if (const Totals totals = driver.run(job); totals.failures > 0)
      throw std::runtime_error(
          fmt::format("{}, {}: {} failures while setting up", rate.name, to_string(server), totals.failures));
  }
  Job job = rate.job;
  if (options.window > 0) job.window = options.window;
  job.seconds = options.warm;
  const Totals warm = driver.run(job);
  job.seconds = options.seconds;
  Measured measured;
  const double cpu = running.subject().cpu_seconds();
  const auto faults = running.subject().page_faults();
  {
    const bool ours = server == Server::beckond;
    const auto recording = ours ? profile(rate, running.subject(), options) : std::nullopt;
    measured.totals = driver.run(job);
  }
  measured.cpu_seconds = running.subject().cpu_seconds() - cpu;
  measured.page_faults = static_cast<double>(running.subject().page_faults() - faults);
  measured.operations =
      static_cast<double>(job.notifies > 0 ? measured.totals.notifies : measured.totals.completed);
  measured.totals.failures += warm.failures;
  measured.totals.retransmissions += warm.retransmissions;
  return measured;
}

double octets_each(const MemoryCase& memory, Server server, const Options& options) {
  Running running(server, options.beckond, {.grows = true});
  fill_recorder(running.port());
  const std::uint32_t presentities = std::max(options.objects / memory.objects_per_presentity, 1u);
  Driver driver(running.port(), presentities);
  const auto before = static_cast<double>(running.subject().pss_octets());
  const Totals totals = driver.run({.operation = memory.operation, .actors = options.objects});
  if (totals.failures > 0)
    throw std::runtime_error(fmt::format("{}: {} failures", memory.name, totals.failures));
  sleep_seconds(options.quiet);
  return (static_cast<double>(running.subject().pss_octets()) - before) / options.objects;
}

std::vector<Server> servers_of(const Setting& setting, bool beside_kamailio, const Options& options) {
  std::vector<Server> servers{Server::beckond};
  if (beside_kamailio && options.kamailio && kamailio_can(setting)) servers.push_back(Server::kamailio);
  return servers;
}

void run_rates(const std::vector<RateCase>& rates, const Options& options, Report& report) {
  const RateCase echo{.name = "echo", .job = {.operation = Operation::echo, .actors = 512, .window = 256}};
  std::map<std::string, Runs> all;
  // All cases in turn: what else the machine does then disturbs each of them.
  for (unsigned run = 0; run < options.runs; ++run) {
    all[echo.name][Server::echo].push_back(measure(echo, Server::echo, options));
    for (const RateCase& rate : rates) {
      for (const Server server : servers_of(rate.setting, rate.beside_kamailio, options))
        all[rate.name][server].push_back(measure(rate, server, options));
    }
  }
  report.add(echo.name, all[echo.name]);
  for (const RateCase& rate : rates) report.add(rate.name, all[rate.name]);
}

void run_memory(const std::vector<MemoryCase>& cases, const Options& options, Report& report) {
  for (const MemoryCase& memory : cases) {
    std::map<Server, std::vector<double>> octets;
    for (const Server server : servers_of({}, true, options))
      octets[server].push_back(octets_each(memory, server, options));
    report.add_octets(memory.name, octets);
  }
}

template <class T>
std::vector<T> chosen(const std::vector<T>& cases, const Options& options) {
  std::vector<T> some;
  std::copy_if(cases.begin(), cases.end(), std::back_inserter(some),
               [&](const T& each) { return is_asked_for(options, each.name); });
  return some;
}

}  // namespace

void fill_recorder(std::uint16_t port) {
  Driver driver(port, 1);
  driver.run({.operation = Operation::options, .actors = recorder_filling});
}

void sleep_seconds(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

int run_bench(const std::string& bench, const std::vector<RateCase>& rates,
              const std::vector<MemoryCase>& memory, const std::vector<OwnCase>& own, int argc, char** argv) {
  Options options;
  options.beckond = (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "beckond").string();
  std::vector<std::string> names;
  for (const auto& each : rates) names.push_back(each.name);
  for (const auto& each : memory) names.push_back(each.name);
  for (const auto& each : own) names.push_back(each.name);
  CLI::App app("Operations per second of server CPU, and memory, beside Kamailio and a bare echo",
               "bench_" + bench);
  app.add_option("--case", options.names, "only this one; may be repeated")->check(CLI::IsMember(names));
  app.add_option("--seconds", options.seconds, "how long each run lasts")->check(CLI::Range(0.1, 3600.0));
  app.add_option("--warm", options.warm, "seconds of load before it")->check(CLI::Range(0.1, 3600.0));
  app.add_option("--runs", options.runs, "of which the medians are printed")->check(CLI::Range(1u, 100u));
  app.add_option("--window", options.window, "operations at a time, other than the case's own")
      ->check(CLI::Range(1u, 10000u));
  app.add_option("--quiet", options.quiet, "seconds before memory is read")->check(CLI::Range(0.0, 3600.0));
  app.add_option("--objects", options.objects, "of a memory case")->check(CLI::Range(1000u, 10000000u));
  app.add_flag("!--no-kamailio", options.kamailio, "without Kamailio");
  app.add_option("--profile", options.profile, "folder for profiles of beckond (perf record)")
      ->check(CLI::ExistingDirectory);
  app.add_option("--beckond", options.beckond, "the program to measure");
  CLI11_PARSE(app, argc, argv);
  if (options.kamailio && !find_kamailio()) {
    std::cerr << "bench_" << bench << ": no Kamailio here (packages kamailio, kamailio-presence-modules): "
              << "the table comes without its column\n";
    options.kamailio = false;
  }
  pin_to(load_core);
  try {
    Report report(bench);
    if (const auto some = chosen(rates, options); !some.empty()) run_rates(some, options, report);
    run_memory(chosen(memory, options), options, report);
    if (!rates.empty() || !memory.empty()) report.print_table();
    for (const OwnCase& each : own) {
      const bool is_named = !options.names.empty() && is_asked_for(options, each.name);
      if (is_named || (options.names.empty() && !each.by_name_only)) each.run(options);
    }
  } catch (const std::exception& error) {
    std::cerr << "bench_" << bench << ": " << error.what() << '\n';
    return 1;
  }
  return 0;
}

}  // namespace beckon::bench
