// Messages per second of server CPU: OPTIONS, REGISTER over UDP, TCP and TLS against the real `beckond`,
// beside a bare echo of datagrams in the same run. The server has core 0, the load core 1.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "tools/bench/load/echo.hpp"
#include "tools/bench/load/folder.hpp"
#include "tools/bench/transport/load.hpp"

namespace beckon::bench {
namespace {

constexpr int server_core = 0, load_core = 1;
constexpr unsigned connections = 8;
constexpr std::uint32_t users = 1000;

struct Options {
  std::uint32_t count = 200000;  ///< Requests measured in each run.
  std::uint32_t warm = 20000;    ///< In front of them.
  std::uint32_t window = 512;
  unsigned runs = 3;
  std::string only;  ///< Rows whose name holds this; the echo always runs.
  std::string beckond;
};

struct Row {
  std::string workload, transport;
  unsigned shards;
  std::string name() const { return fmt::format("{}-{}-{}", workload, transport, shards); }
};

struct Measured {
  Totals totals;
  double cpu_seconds = 0;
  double octets_kept = 0;  ///< Memory the server grew by, for each request.
  double rate() const { return totals.completed / cpu_seconds; }
};

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  for (const unsigned shards : {1u, 2u}) {
    for (const char* transport : {"udp", "tcp", "tls"}) rows.push_back({"options", transport, shards});
  }
  rows.push_back({"register", "udp", 1});
  rows.push_back({"register_digest", "udp", 1});
  return rows;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::unique_ptr<Link> make_link(const Subject& server, const Row& row) {
  const auto port = server.ports.at(row.transport);
  // The system spreads senders, not datagrams, over shards.
  if (row.transport == "udp") return make_udp_link(port, row.shards == 1 ? 1 : connections);
  return make_stream_link(port, connections, row.transport == "tls");
}

Measured measure(const Subject& server, Link& link, Requests& requests, const Options& options,
                 int expected) {
  const std::uint32_t warm = requests.size() - options.count;
  const Totals first = run_load(link, requests, 0, warm, options.window, expected);
  Measured measured;
  const double cpu = server.cpu_seconds();
  const auto resident = static_cast<double>(server.resident_octets());
  measured.totals = run_load(link, requests, warm, requests.size(), options.window, expected);
  measured.cpu_seconds = server.cpu_seconds() - cpu;
  measured.octets_kept = (static_cast<double>(server.resident_octets()) - resident) / options.count;
  measured.totals.failures += first.failures;
  measured.totals.timeouts += first.timeouts;
  return measured;
}

Measured measure_echo(const Options& options) {
  const Subject server = start_echo(server_core);
  const auto link = make_udp_link(server.ports.at("udp"), 1);
  auto requests = Requests::echo(options.count + options.warm);
  return measure(server, *link, requests, options, 0);
}

void add_users(const Options& options, const Folder& folder) {
  const auto list = folder.path() / "list";
  {
    std::ofstream out(list);
    for (std::uint32_t i = 0; i < users; ++i) out << fmt::format("u{}@example.org secret\n", i);
  }
  const auto command = fmt::format("{} user import {} --data {} >/dev/null 2>&1", options.beckond,
                                   list.string(), folder.path().string());
  if (std::system(command.c_str()) != 0) throw std::runtime_error("users cannot be added");
}

/// One nonce for each user.
std::vector<std::string> fetch_challenges(Link& link, const Options& options) {
  auto requests = Requests::registers("UDP", users, users);
  requests.keeps_challenges = true;
  requests.challenges.resize(users);
  const auto totals = run_load(link, requests, 0, users, options.window, 401);
  if (totals.completed != users) throw std::runtime_error("no challenges");
  return std::move(requests.challenges);
}

Measured measure_server(const Row& row, const Options& options) {
  const Folder folder;
  const bool digest = row.workload == "register_digest";
  if (digest) add_users(options, folder);
  const Subject server = Subject::run({options.beckond, "run",
                                       "--log",         "warn",
                                       "--data",        folder.path().string(),
                                       "--domain",      "example.org",
                                       "--listen",      "udp:127.0.0.1:0",
                                       "--listen",      "tcp:127.0.0.1:0",
                                       "--listen",      "tls:127.0.0.1:0",
                                       "--durability",  "memory",
                                       "--auth",        digest ? "digest" : "none",
                                       "--shards",      std::to_string(row.shards)},
                                      server_core);
  const auto link = make_link(server, row);
  const std::uint32_t count = options.count + options.warm;
  const std::string transport = upper(row.transport);
  Requests requests = digest ? Requests::registers(transport, count, fetch_challenges(*link, options))
                      : row.workload == "register" ? Requests::registers(transport, count, users)
                                                   : Requests::options(transport, count);
  return measure(server, *link, requests, options, 200);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print_row(const Row& row, const std::vector<Measured>& runs, double echo_rate) {
  const auto middle = [&](auto read) {
    std::vector<double> values;
    for (const Measured& each : runs) values.push_back(read(each));
    return median(std::move(values));
  };
  const double rate = middle([](const Measured& each) { return each.rate(); });
  Totals sums;
  for (const Measured& each : runs) {
    sums.completed += each.totals.completed;
    sums.failures += each.totals.failures;
    sums.retransmissions += each.totals.retransmissions;
    sums.timeouts += each.totals.timeouts;
  }
  fmt::print(
      "{{\"bench\":\"transport\",\"workload\":\"{}\",\"transport\":\"{}\",\"shards\":{},\"runs\":{},"
      "\"completed\":{},\"failures\":{},\"retransmissions\":{},\"timeouts\":{},\"per_cpu_second\":{:.0f},"
      "\"cpu_microseconds\":{:.2f},\"of_echo\":{:.2f},\"per_second\":{:.0f},\"octets_kept\":{:.0f}}}\n",
      row.workload, row.transport, row.shards, runs.size(), sums.completed, sums.failures,
      sums.retransmissions, sums.timeouts, rate, 1e6 / rate, rate / echo_rate,
      middle([](const Measured& each) { return each.totals.completed / each.totals.seconds; }),
      middle([](const Measured& each) { return each.octets_kept; }));
  std::fflush(stdout);
}

int run(const Options& options) {
  pin_to(load_core);
  std::vector<Measured> echoes;
  std::map<std::string, std::vector<Measured>> measured;
  std::vector<Row> rows = all_rows();
  std::erase_if(rows, [&](const Row& row) { return row.name().find(options.only) == std::string::npos; });
  // Rows in turn and not one after the other: whatever else the machine does then meets them all.
  for (unsigned i = 0; i < options.runs; ++i) {
    echoes.push_back(measure_echo(options));
    for (const Row& row : rows) measured[row.name()].push_back(measure_server(row, options));
  }
  std::vector<double> rates;
  for (const Measured& each : echoes) rates.push_back(each.rate());
  const double echo_rate = median(std::move(rates));
  print_row({"echo", "udp", 1}, echoes, echo_rate);
  for (const Row& row : rows) print_row(row, measured[row.name()], echo_rate);
  return 0;
}

}  // namespace
}  // namespace beckon::bench

int main(int argc, char** argv) {
  beckon::bench::Options options;
  options.beckond = (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "beckond").string();
  CLI::App app("Messages per second of server CPU, over UDP, TCP and TLS");
  app.add_option("--count", options.count, "requests measured in each run")
      ->check(CLI::Range(1000u, 2000000u));
  app.add_option("--warm", options.warm, "requests before them")->check(CLI::Range(0u, 2000000u));
  app.add_option("--window", options.window, "unanswered requests at most")->check(CLI::Range(1u, 100000u));
  app.add_option("--runs", options.runs, "of which the medians are printed")->check(CLI::Range(1u, 100u));
  app.add_option("--only", options.only, "rows whose name contains this: options-udp-1, register");
  app.add_option("--beckond", options.beckond, "the program to measure");
  CLI11_PARSE(app, argc, argv);
  try {
    return beckon::bench::run(options);
  } catch (const std::exception& error) {
    std::cerr << "bench_transport: " << error.what() << '\n';
    return 1;
  }
}
