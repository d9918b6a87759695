#include "tools/bench/transport/subject.hpp"

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
    pin_to(core);
    ::dup2(out[1], STDOUT_FILENO);
    ::close(out[0]);
    std::freopen("/dev/null", "w", stderr);
    std::vector<char*> words;
    for (const std::string& each : arguments) words.push_back(const_cast<char*>(each.c_str()));
    words.push_back(nullptr);
    ::execv(words.front(), words.data());
    ::_exit(127);
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

Subject::~Subject() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

double Subject::cpu_seconds() const {
  // The clock behind utime + stime of /proc/PID/stat, without its rounding to 10 ms.
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &time) != 0)
    throw std::runtime_error("the server is gone");
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::uint64_t Subject::resident_octets() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::uint64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace beckon::bench
