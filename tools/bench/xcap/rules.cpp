#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "protocol/documents/compiled_rules.hpp"
#include "tools/bench/xcap/cases.hpp"
#include "tools/bench/xcap/documents.hpp"

namespace beckon::bench {

namespace {

constexpr int repetitions = 9;
constexpr double repetition_seconds = 0.02;
/// Of the watchers that ask, a tenth is in no rule.
constexpr std::uint32_t strangers_each = 10;

double cpu_now() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// Microseconds of CPU time of one call: the best of some repetitions.
template <class Work>
double cost(const Work& work) {
  double best = std::numeric_limits<double>::max();
  for (int i = 0; i < repetitions; ++i) {
    const double began = cpu_now();
    std::uint64_t calls = 0;
    double spent = 0;
    do {
      for (int j = 0; j < 16; ++j) work();
      calls += 16;
      spent = cpu_now() - began;
    } while (spent < repetition_seconds);
    best = std::min(best, spent / static_cast<double>(calls));
  }
  return 1e6 * best;
}

void run(std::uint32_t identities, bool apart) {
  const std::string text = rules_document(identities, apart, 0);
  const auto read = documents::parse_pres_rules(text);
  if (!read) throw std::runtime_error("rules: the document cannot be read");
  const documents::CompiledRules compiled(read->rules);
  std::vector<std::string> watchers;
  for (std::uint32_t i = 0; i < identities + identities / strangers_each; ++i)
    watchers.push_back(watcher_of_rules(i));
  std::ranges::shuffle(watchers, std::mt19937(1));
  std::size_t next = 0, allowed = 0;
  const auto decide = [&](const auto& rules) {
    if (next == watchers.size()) next = 0;
    const auto decision = rules.decide({.aor = watchers[next++]});
    allowed += decision.handling == documents::SubHandling::allow ? 1U : 0U;
  };
  struct Plain {
    const documents::Rules& rules;
    documents::Decision decide(const documents::Asker& asker) const {
      return documents::decide(rules, asker);
    }
  };
  const double parse_us = cost([&] {
    if (!documents::parse_pres_rules(text)) throw std::runtime_error("rules: the document cannot be read");
  });
  const double compile_us = cost([&] {
    const documents::CompiledRules made(read->rules);
    if (made.rules().size() != read->rules.size()) throw std::runtime_error("rules: some are lost");
  });
  const double decide_us = cost([&] { decide(compiled); });
  const double plain_us = cost([&] { decide(Plain{*read}); });
  if (allowed == 0) throw std::runtime_error("rules: nobody is allowed");
  fmt::print(
      "{{\"bench\":\"xcap\",\"case\":\"rules\",\"identities\":{},\"rules\":{},\"octets\":{},\"parse_us\":{:."
      "2f},"
      "\"compile_us\":{:.2f},\"decide_us\":{:.3f},\"decide_one_by_one_us\":{:.3f}}}\n",
      identities, read->rules.size(), text.size(), parse_us, compile_us, decide_us, plain_us);
  std::fflush(stdout);
}

}  // namespace

void run_rules(const Options&) {
  for (const std::uint32_t identities : {10u, 100u, 1000u})
    for (const bool apart : {false, true}) run(identities, apart);
}

}  // namespace beckon::bench
