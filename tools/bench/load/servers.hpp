#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/bench/load/folder.hpp"
#include "tools/bench/load/subject.hpp"

namespace beckon::bench {

inline constexpr int server_core = 0, load_core = 1;

/// A server that a case runs against.
enum class Server : std::uint8_t { beckond, beckond_process, kamailio, echo };
const char* to_string(Server server);

/// A running server with its folder.
class Running {
 public:
  /// `beckond` is the program to run; `extra` are further arguments for it. `grows`: its memory is measured.
  Running(Server server, const std::string& beckond, std::vector<std::string> extra = {}, bool grows = false);
  Subject& subject() { return *subject_; }
  const Subject& subject() const { return *subject_; }
  std::uint16_t port(const char* listener = "udp") const { return subject_->ports.at(listener); }
  /// Starts the server again, after `subject().stop()`, with what it stored.
  void start();

 private:
  Server server_;
  std::string beckond_;
  std::vector<std::string> extra_;
  bool grows_;
  Folder folder_;
  std::optional<Subject> subject_;
};

}  // namespace beckon::bench
