#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/bench/load/driver.hpp"
#include "tools/bench/load/servers.hpp"

namespace beckon::bench {

/// The operations of one case in one run, and what they cost the server.
struct Measured {
  Totals totals;
  double operations = 0;  ///< What is counted: operations, or NOTIFYs of a fan-out.
  double cpu_seconds = 0;
  double page_faults = 0;
  double rate() const { return cpu_seconds > 0 ? operations / cpu_seconds : 0; }
};

/// What a case has to report: each run against each server.
using Runs = std::map<Server, std::vector<Measured>>;

/// Medians of the runs as one line of JSON on standard output, and as a row of a Markdown table, which
/// `print_table` writes to standard error at the end.
class Report {
 public:
  explicit Report(std::string bench) : bench_(std::move(bench)) {}
  /// The echo comes first; all later rates are also given as a part of it.
  void add(const std::string& name, const Runs& runs);
  /// Octets of memory for each object.
  void add_octets(const std::string& name, const std::map<Server, std::vector<double>>& octets);
  void print_table() const;

 private:
  std::string bench_;
  double echo_ = 0;
  std::vector<std::string> rows_;
};

double median(std::vector<double> values);

}  // namespace beckon::bench
