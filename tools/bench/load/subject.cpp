#include "tools/bench/load/subject.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace beckon::bench {
namespace {

/// In the child: becomes the program, with `out` as its standard output.
[[noreturn]] void become(const std::vector<std::string>& arguments, int core, int out) {
  pin_to(core);
  ::dup2(out, STDOUT_FILENO);
  std::freopen("/dev/null", "w", stderr);
  std::vector<char*> words;
  for (const std::string& each : arguments) words.push_back(const_cast<char*>(each.c_str()));
  words.push_back(nullptr);
  ::execv(words.front(), words.data());
  ::_exit(127);
}

std::string proc(pid_t pid, const char* file) { return "/proc/" + std::to_string(pid) + '/' + file; }

}  // namespace

void pin_to(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  ::sched_setaffinity(0, sizeof cores, &cores);
}

Subject Subject::run(const std::vector<std::string>& arguments, int core) {
  std::array<int, 2> out{};
  if (::pipe(out.data()) != 0) throw std::runtime_error("no pipe");
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(out[0]);
    become(arguments, core, out[1]);
  }
  ::close(out[1]);
  Subject subject(pid);
  std::string line;
  for (char c = 0; ::read(out[0], &c, 1) == 1 && c != '\n';) line += c;
  ::close(out[0]);
  if (!line.starts_with("ready")) throw std::runtime_error(arguments.front() + " did not start: " + line);
  std::istringstream words(line.substr(5));
  for (std::string word; words >> word;) {
    const auto kind = word.substr(0, word.find(':'));
    subject.ports[kind] = static_cast<std::uint16_t>(std::stoi(word.substr(word.rfind(':') + 1)));
  }
  return subject;
}

Subject Subject::start(const std::vector<std::string>& arguments, int core) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::freopen("/dev/null", "w", stdout);
    become(arguments, core, STDOUT_FILENO);
  }
  return Subject(pid);
}

Subject Subject::fork(const std::function<void()>& work, int core) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    pin_to(core);
    work();
    ::_exit(0);
  }
  return Subject(pid);
}

Subject::Subject(Subject&& other) noexcept
    : ports(std::move(other.ports)), pid_(std::exchange(other.pid_, 0)) {}

Subject::~Subject() { stop(); }

bool Subject::is_running() const {
  siginfo_t info{};
  return pid_ != 0 && ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

void Subject::stop() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void Subject::wait() {
  int status = 0;
  ::waitpid(std::exchange(pid_, 0), &status, 0);
  if (status != 0) throw std::runtime_error("a program that prepares the server failed");
}

std::vector<pid_t> Subject::processes() const {
  std::vector<pid_t> all{pid_};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto task = "task/" + std::to_string(all[i]) + "/children";
    std::ifstream children(proc(all[i], task.c_str()));
    for (pid_t child = 0; children >> child;) all.push_back(child);
  }
  return all;
}

double Subject::cpu_seconds() const {
  double seconds = 0;
  for (const pid_t pid : processes()) {
    // The same as utime + stime of /proc/PID/stat, without rounding to 10 ms.
    clockid_t clock{};
    timespec time{};
    if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0)
      throw std::runtime_error("the server ended");
    seconds += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  }
  return seconds;
}

std::uint64_t Subject::page_faults() const {
  std::uint64_t faults = 0;
  for (const pid_t pid : processes()) {
    std::ifstream file(proc(pid, "stat"));
    std::string text;
    std::getline(file, text);
    // Behind the name in brackets: state and six more fields, then minflt.
    std::istringstream fields(text.substr(text.rfind(')') + 1));
    std::string skipped;
    for (int i = 0; i < 7; ++i) fields >> skipped;
    std::uint64_t number = 0;
    fields >> number;
    faults += number;
  }
  return faults;
}

std::uint64_t Subject::resident_octets() const {
  std::ifstream file(proc(pid_, "statm"));
  std::uint64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t Subject::pss_octets() const {
  std::uint64_t octets = 0;
  for (const pid_t pid : processes()) {
    std::ifstream file(proc(pid, "smaps_rollup"));
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("Pss:")) octets += std::stoull(line.substr(4)) * 1024;
    }
  }
  return octets;
}

}  // namespace beckon::bench
