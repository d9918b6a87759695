#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace beckon::bench {

/// Pins the calling thread to one core; without that core nothing happens.
void pin_to(int core);

/// The process that is measured: its own CPU time and memory, not ours.
class Subject {
 public:
  /// Runs a program pinned to `core`. The line it prints when it is ready ("ready udp:127.0.0.1:5060 ...") is
  /// in `ready`. Throws std::runtime_error when it ends before.
  static Subject run(const std::vector<std::string>& arguments, int core);
  /// Runs `work` in a child process pinned to `core`.
  static Subject fork(const std::function<void()>& work, int core);
  ~Subject();
  Subject(Subject&& other) noexcept;
  Subject& operator=(Subject&&) = delete;

  /// User and system time of all its threads since it began.
  double cpu_seconds() const;
  std::uint64_t resident_octets() const;
  /// "udp" -> port, from the ready line.
  std::map<std::string, std::uint16_t> ports;

 private:
  explicit Subject(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

}  // namespace beckon::bench
