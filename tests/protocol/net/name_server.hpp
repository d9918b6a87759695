#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "protocol/base/address.hpp"

namespace beckon::net::test {

/// tests/support/dns_server.py with a table, as a process of its own.
class NameServer {
 public:
  explicit NameServer(const std::string& zone_json) {
    file_ = std::filesystem::temp_directory_path() / ("zone-" + std::to_string(getpid()) + ".json");
    std::ofstream(file_) << zone_json;
    int in[2], out[2];
    REQUIRE((pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0));
    child_ = fork();
    if (child_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      execl("/usr/bin/python3", "python3", "tests/support/dns_server.py", file_.c_str(), nullptr);
      _exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    stdin_ = in[1];
    lines_ = fdopen(out[0], "r");
    const std::string ready = read_line();
    REQUIRE(ready.starts_with("ready "));
    address_ = parse_address(ready.substr(6)).value();
  }
  ~NameServer() {
    stop();
    std::fclose(lines_);
    std::filesystem::remove(file_);
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  const Address& address() const { return address_; }

  /// Ends it, and gives the questions it was asked: "example.org A udp".
  std::vector<std::string> stop() {
    std::vector<std::string> questions;
    if (child_ == 0) return questions;
    ::close(stdin_);
    for (std::string line = read_line(); !line.empty(); line = read_line()) {
      if (line.starts_with("question ")) questions.push_back(line.substr(9));
    }
    waitpid(child_, nullptr, 0);
    child_ = 0;
    return questions;
  }

 private:
  std::string read_line() {
    char buffer[512];
    if (!std::fgets(buffer, sizeof buffer, lines_)) return {};
    std::string line(buffer);
    while (line.ends_with('\n')) line.pop_back();
    return line;
  }

  std::filesystem::path file_;
  pid_t child_ = 0;
  int stdin_ = -1;
  std::FILE* lines_ = nullptr;
  Address address_;
};

}  // namespace beckon::net::test
