// GET and PUT of XCAP documents per second of server CPU over TLS, and what presence rules cost.

#include <fmt/format.h>

#include <stdexcept>
#include <string>

#include "tools/bench/load/kamailio.hpp"
#include "tools/bench/load/texts.hpp"
#include "tools/bench/xcap/cases.hpp"
#include "tools/bench/xcap/documents.hpp"
#include "tools/bench/xcap/https_load.hpp"

namespace beckon::bench {
namespace {

constexpr std::uint32_t users = 1000;
constexpr std::size_t connections = 16;
constexpr std::uint32_t rule_identities = 20, list_contacts = 50;
/// What SQLite in memory promises, which is where Kamailio keeps its documents.
constexpr Setting setting{.durability = Durability::process, .xcap = true};

enum class Document : std::uint8_t { rules, contacts };

std::string request_for(Document document, bool puts, std::uint64_t number) {
  const bool is_rules = document == Document::rules;
  const std::string path =
      fmt::format("/xcap/{}/users/sip:{}@{}/index", is_rules ? "pres-rules" : "resource-lists",
                  user('u', static_cast<std::uint32_t>(number % users)), domain);
  if (!puts) return http_request("GET", path, {}, {});
  return http_request("PUT", path,
                      is_rules ? "application/auth-policy+xml" : "application/resource-lists+xml",
                      is_rules ? rules_document(rule_identities, /*apart=*/false, number)
                               : contacts_document(list_contacts, number));
}

Measured measure(Document document, bool puts, Server server, const Options& options) {
  std::vector<std::string> extra;
  if (server == Server::beckond) extra = {"--listen", "https:127.0.0.1:0"};
  Running running(server, options.beckond, setting, extra);
  HttpsLoad load(running.port("https"), options.window > 0 ? options.window : connections);
  const auto expect = [&](const Totals& totals) {
    if (totals.failures > 0)
      throw std::runtime_error(fmt::format("xcap: {} answers: {}", to_string(server), load.last_failure()));
    return totals;
  };
  // Everybody has a document.
  expect(load.run([&](std::uint64_t number) { return request_for(document, true, number); },
                  std::uint64_t{users}));
  const auto make = [&](std::uint64_t number) { return request_for(document, puts, number); };
  expect(load.run(make, options.warm));
  Measured measured;
  const double cpu = running.subject().cpu_seconds();
  const auto faults = running.subject().page_faults();
  measured.totals = expect(load.run(make, options.seconds));
  measured.cpu_seconds = running.subject().cpu_seconds() - cpu;
  measured.page_faults = static_cast<double>(running.subject().page_faults() - faults);
  measured.operations = static_cast<double>(measured.totals.completed);
  return measured;
}

OwnCase rate(const std::string& name, Document document, bool puts) {
  const auto run = [name, document, puts](const Options& options) {
    Runs runs;
    for (unsigned i = 0; i < options.runs; ++i) {
      runs[Server::beckond].push_back(measure(document, puts, Server::beckond, options));
      if (options.kamailio && kamailio_can(setting))
        runs[Server::kamailio].push_back(measure(document, puts, Server::kamailio, options));
    }
    Report report("xcap");
    report.add(name, runs);
    report.print_table();
  };
  return {.name = name, .run = run, .by_name_only = false};
}

const std::vector<OwnCase> own{rate("get-rules", Document::rules, false),
                               rate("put-rules", Document::rules, true),
                               rate("get-list", Document::contacts, false),
                               rate("put-list", Document::contacts, true),
                               {.name = "rules", .run = run_rules, .by_name_only = false}};

}  // namespace
}  // namespace beckon::bench

int main(int argc, char** argv) {
  return beckon::bench::run_bench("xcap", {}, {}, beckon::bench::own, argc, argv);
}
