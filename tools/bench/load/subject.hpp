#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace beckon::bench {

/// Pins the calling thread to one core. Without such a core the call has no effect.
void pin_to(int core);

/// A server process that is measured. CPU time and memory include its child processes. The destructor ends it
/// with SIGTERM and waits.
class Subject {
 public:
  /// Runs a program pinned to `core` and waits for the line "ready udp:127.0.0.1:5060 ..." on its standard
  /// output. Throws std::runtime_error when the program ends first.
  static Subject run(const std::vector<std::string>& arguments, int core);
  /// Runs a program pinned to `core` and does not wait for it. Its output is discarded.
  static Subject start(const std::vector<std::string>& arguments, int core);
  /// Runs `work` in a child process pinned to `core`.
  static Subject fork(const std::function<void()>& work, int core);
  ~Subject();
  Subject(Subject&& other) noexcept;
  Subject& operator=(Subject&&) = delete;

  pid_t pid() const { return pid_; }
  bool is_running() const;
  /// Ends the process with SIGTERM and waits for its end.
  void stop();
  /// Waits until it ends by itself. Throws std::runtime_error when it fails.
  void wait();

  /// User and system time of all threads, of this process and of its children.
  double cpu_seconds() const;
  /// Page faults that needed no disk, of this process and of its children. In virtual machines each may cost
  /// more than a request.
  std::uint64_t page_faults() const;
  /// Resident memory of the process alone.
  std::uint64_t resident_octets() const;
  /// Proportional set size of all processes; shared pages count once.
  std::uint64_t pss_octets() const;
  /// "udp" -> port, from the ready line.
  std::map<std::string, std::uint16_t> ports;

 private:
  explicit Subject(pid_t pid) : pid_(pid) {}
  std::vector<pid_t> processes() const;
  pid_t pid_;
};

}  // namespace beckon::bench
