#include "tools/bench/load/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace beckon::bench {
namespace {

double middle_rate(const Runs& runs, Server server) {
  const auto found = runs.find(server);
  if (found == runs.end()) return 0;
  std::vector<double> rates;
  for (const Measured& each : found->second) rates.push_back(each.rate());
  return median(std::move(rates));
}

Totals sum(const std::vector<Measured>& runs) {
  Totals totals;
  for (const Measured& each : runs) totals += each.totals;
  return totals;
}

/// 43210 -> "43 200": three digits are what a run can tell.
std::string rounded(double value) {
  if (value <= 0) return "–";
  double unit = 1;
  while (value / unit >= 1000) unit *= 10;
  const auto number = static_cast<long>(value / unit + 0.5) * static_cast<long>(unit);
  return number < 1000 ? fmt::format("{}", number) : fmt::format("{} {:03}", number / 1000, number % 1000);
}

std::string ratio(double ours, double theirs) {
  return ours > 0 && theirs > 0 ? fmt::format("{:.2f}", ours / theirs) : "–";
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void Report::add(const std::string& name, const Runs& runs) {
  const double kamailio = middle_rate(runs, Server::kamailio);
  if (const double echo = middle_rate(runs, Server::echo); echo > 0) echo_ = echo;
  std::map<Server, double> rates;
  for (const auto& [server, each] : runs) {
    const double rate = rates[server] = middle_rate(runs, server);
    const Totals totals = sum(each);
    double faults = 0, operations = 0;
    for (const Measured& each_run : each) {
      faults += each_run.page_faults;
      operations += each_run.operations;
    }
    std::string line = fmt::format(
        "{{\"bench\":\"{}\",\"case\":\"{}\",\"server\":\"{}\",\"runs\":{},\"completed\":{},\"failures\":{},"
        "\"retransmissions\":{},\"per_cpu_second\":{:.0f},\"cpu_microseconds\":{:.2f},\"page_faults_each\":{:"
        ".2f},"
        "\"per_second\":{:.0f}",
        bench_, name, to_string(server), each.size(), totals.completed, totals.failures,
        totals.retransmissions, rate, rate > 0 ? 1e6 / rate : 0, operations > 0 ? faults / operations : 0,
        totals.seconds > 0 ? operations / totals.seconds : 0);
    if (echo_ > 0) line += fmt::format(",\"of_echo\":{:.3f}", rate / echo_);
    if (kamailio > 0 && server != Server::kamailio && server != Server::echo)
      line += fmt::format(",\"ratio_to_kamailio\":{:.2f}", rate / kamailio);
    fmt::print("{}}}\n", line);
    std::fflush(stdout);
  }
  if (rates.contains(Server::echo)) {
    rows_.push_back(
        fmt::format("| bare echo of {} octets | {} | – | – | 100 % |", echo_octets, rounded(echo_)));
    return;
  }
  const double ours = rates[Server::beckond];
  rows_.push_back(fmt::format("| {} | {} | {} | {} | {} |", name, rounded(ours), rounded(kamailio),
                              ratio(ours, kamailio),
                              echo_ > 0 ? fmt::format("{:.0f} %", 100 * ours / echo_) : "–"));
}

void Report::add_octets(const std::string& name, const std::map<Server, std::vector<double>>& octets) {
  std::map<Server, double> middles;
  for (const auto& [server, each] : octets) {
    middles[server] = median(each);
    fmt::print("{{\"bench\":\"{}\",\"case\":\"{}\",\"server\":\"{}\",\"runs\":{},\"octets_each\":{:.0f}}}\n",
               bench_, name, to_string(server), each.size(), middles[server]);
    std::fflush(stdout);
  }
  rows_.push_back(fmt::format("| {}, octets | {} | {} | {} | |", name, rounded(middles[Server::beckond]),
                              rounded(middles[Server::kamailio]),
                              ratio(middles[Server::beckond], middles[Server::kamailio])));
}

void Report::print_table() const {
  fmt::print(stderr, "\n| {} | beckond | Kamailio | ratio | of echo |\n|---|---|---|---|---|\n", bench_);
  for (const std::string& row : rows_) fmt::print(stderr, "{}\n", row);
}

}  // namespace beckon::bench
