#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <limits>
#include <map>
#include <string>

#include "tools/bench/parser/messages.hpp"
#include "tools/bench/parser/subject.hpp"

namespace {

std::size_t allocations = 0;  // one thread

}  // namespace

// Every library's memory comes through here: symbols of the program go before those of libc.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);

void* malloc(std::size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) {
  ++allocations;
  return __libc_realloc(old, size);
}
}

using namespace beckon::bench;

namespace {

constexpr std::size_t warm_up_rounds = 50;
constexpr std::size_t counted_rounds = 20;    ///< Under callgrind, which is 50 times slower.
constexpr std::size_t timed_repetitions = 9;  ///< The fastest counts: neighbours only ever slow one down.
constexpr double timed_seconds = 0.02;        ///< Of one repetition.

using Samples = std::vector<Sample>;

struct Workload {
  const char* name;
  std::function<void(Subject&, const Samples&)> round;  ///< One message of each kind.
};

std::size_t sink = 0;  ///< What was computed ends here, so that it is computed.

/// `print` needs kept messages: each subject is held once for each sample.
std::map<std::string, std::vector<std::unique_ptr<Subject>>> kept;

const std::vector<std::unique_ptr<Subject> (*)()> makers{make_beckon, make_osip, make_re, make_sofia};

const std::vector<Workload> workloads{
    {"index",
     [](Subject& subject, const Samples& samples) {
       for (const auto& sample : samples) sink += subject.index(sample.text).cseq;
     }},
    {"full",
     [](Subject& subject, const Samples& samples) {
       for (const auto& sample : samples) sink += subject.full(sample.text);
     }},
    {"print",
     [](Subject& subject, const Samples&) {
       for (const auto& each : kept.at(subject.name())) sink += each->print().size();
     }},
    {"forward",
     [](Subject& subject, const Samples& samples) {
       for (const auto& sample : samples) sink += subject.forward(sample.text).size();
     }},
};

void keep_all(const Samples& samples) {
  for (const auto make : makers) {
    for (const auto& sample : samples) {
      auto subject = make();
      subject->keep(sample.text);
      auto& list = kept[subject->name()];
      list.push_back(std::move(subject));
    }
  }
}

bool can(Subject& subject, const Workload& workload) {
  return std::string_view(workload.name) != "print" || !kept.at(subject.name()).front()->print().empty();
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

/// callgrind collects inside this function only.
extern "C" [[gnu::noinline]] void bench_measured(Subject& subject, const Workload& workload,
                                                 const Samples& samples, std::size_t rounds) {
  for (std::size_t i = 0; i < rounds; ++i) workload.round(subject, samples);
  asm volatile("" ::: "memory");
}

namespace {

struct Figures {
  double nanoseconds = std::numeric_limits<double>::max();
  double instructions = 0;
  double allocations = 0;
};

/// All subjects must read the same facts, and forward what all of them read the same again.
void compare(const Samples& samples) {
  const auto ours = make_beckon();
  for (const auto make : makers) {
    const auto subject = make();
    for (const auto& sample : samples) {
      if (subject->index(sample.text) != ours->index(sample.text)) {
        std::fprintf(stderr, "%s reads %s otherwise than we do\n", subject->name(), sample.name);
        std::exit(1);
      }
      const std::string forwarded(subject->forward(sample.text));
      const std::string expected(ours->forward(sample.text));
      if (ours->index(forwarded) != make_beckon()->index(expected)) {
        std::fprintf(stderr, "%s forwards %s otherwise than we do:\n%s", subject->name(), sample.name,
                     forwarded.c_str());
        std::exit(1);
      }
    }
  }
}

void time_once(Subject& subject, const Workload& workload, const Samples& samples, Figures& figures) {
  std::size_t rounds = 0;
  const auto before = allocations;
  const double start = cpu_seconds();
  double spent = 0;
  while (spent < timed_seconds) {
    bench_measured(subject, workload, samples, 20);
    rounds += 20;
    spent = cpu_seconds() - start;
  }
  const auto messages = static_cast<double>(rounds * samples.size());
  figures.nanoseconds = std::min(figures.nanoseconds, spent * 1e9 / messages);
  figures.allocations = static_cast<double>(allocations - before) / messages;
}

/// The same loop in a child under callgrind, which says how many instructions it took.
double count_instructions(const char* program, const char* subject, const char* workload,
                          std::size_t messages) {
  const std::string command =
      std::string(
          "valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no "
          "--toggle-collect=bench_measured ") +
      program + " --count " + subject + " " + workload + " 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) return 0;
  std::array<char, 512> line{};
  unsigned long long collected = 0;
  while (std::fgets(line.data(), line.size(), pipe)) {
    if (const char* found = std::strstr(line.data(), "Collected : "))
      collected = std::strtoull(found + 12, nullptr, 10);
  }
  ::pclose(pipe);
  return static_cast<double>(collected) / static_cast<double>(messages * counted_rounds);
}

void run_counted(std::string_view subject_name, std::string_view workload_name, const Samples& samples) {
  for (const auto make : makers) {
    const auto subject = make();
    if (subject->name() != subject_name) continue;
    for (const auto& workload : workloads) {
      if (workload.name != workload_name) continue;
      for (std::size_t i = 0; i < warm_up_rounds; ++i) workload.round(*subject, samples);
      bench_measured(*subject, workload, samples, counted_rounds);
    }
  }
}

void run(const char* program, const Workload& workload, const Samples& samples) {
  std::vector<std::unique_ptr<Subject>> subjects;
  for (const auto make : makers) {
    if (auto subject = make(); can(*subject, workload)) subjects.push_back(std::move(subject));
  }
  std::map<std::string, Figures> all;
  for (const auto& subject : subjects) {
    for (std::size_t i = 0; i < warm_up_rounds; ++i) workload.round(*subject, samples);
  }
  for (std::size_t i = 0; i < timed_repetitions; ++i) {
    for (const auto& subject : subjects) time_once(*subject, workload, samples, all[subject->name()]);
  }
  std::string line =
      fmt::format(R"({{"bench":"parser","workload":"{}","messages":{})", workload.name, samples.size());
  const Subject* fastest = nullptr;
  for (const auto& subject : subjects) {
    auto& figures = all[subject->name()];
    figures.instructions = count_instructions(program, subject->name(), workload.name, samples.size());
    line += fmt::format(R"(,"{}":{{"ns":{:.0f},"instructions":{:.0f},"allocations":{:.1f}}})",
                        subject->name(), figures.nanoseconds, figures.instructions, figures.allocations);
    if (subject == subjects.front()) continue;
    if (!fastest || figures.nanoseconds < all[fastest->name()].nanoseconds) fastest = subject.get();
  }
  const auto& ours = all[subjects.front()->name()];
  const auto& theirs = all[fastest->name()];
  fmt::print(R"({},"fastest_peer":"{}","ratio_ns":{:.2f},"ratio_instructions":{:.2f}}})"
             "\n",
             line, fastest->name(), theirs.nanoseconds / ours.nanoseconds,
             theirs.instructions / ours.instructions);
  std::fflush(stdout);
}

}  // namespace

/// bench_parser [WORKLOAD...]: one line of JSON for each. `--count SUBJECT WORKLOAD` is for callgrind.
int main(int count, char** arguments) {
  const auto samples = make_messages();
  keep_all(samples);
  if (count == 4 && arguments[1] == std::string_view("--count")) {
    run_counted(arguments[2], arguments[3], samples);
    return sink == 0;
  }
  compare(samples);
  for (const auto& workload : workloads) {
    const auto asked = [&](const char* name) { return name == std::string_view(workload.name); };
    if (count == 1 || std::any_of(arguments + 1, arguments + count, asked))
      run(arguments[0], workload, samples);
  }
  return sink == 0;
}
