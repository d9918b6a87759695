#include "tools/bench/load/kamailio.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>

#include "tools/bench/load/link.hpp"
#include "tools/bench/load/texts.hpp"

namespace beckon::bench {
namespace {

constexpr const char* program = "/usr/sbin/kamailio";
constexpr const char* presence = "/usr/lib/x86_64-linux-gnu/kamailio/modules/presence_xml.so";
constexpr std::chrono::seconds start_limit{90};
constexpr int look_again_ms = 100;

/// A port that was free a moment ago: Kamailio takes none with 0.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0;
  ::close(fd);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(name.sin_port);
}

bool answers(std::uint16_t port) {
  const auto link = make_udp_link(port, 1);
  const std::string uri = fmt::format("sip:{}", domain);
  const std::string text = print({.method = "OPTIONS",
                                  .uri = uri,
                                  .from = "bench",
                                  .to = {},
                                  .to_tag = {},
                                  .call_id = "start",
                                  .headers = {},
                                  .body = {}},
                                 {}, link->port());
  link->send({text});
  bool answered = false;
  link->receive(look_again_ms, [&](std::string_view answer) { answered = status_in(answer) == 200; });
  return answered;
}

}  // namespace

std::optional<std::filesystem::path> find_kamailio() {
  if (!std::filesystem::exists(program) || !std::filesystem::exists(presence)) return std::nullopt;
  return program;
}

Subject start_kamailio(const std::filesystem::path& kamailio, const std::filesystem::path& folder, int core,
                       bool grows) {
  const std::uint16_t port = free_port();
  Subject subject = Subject::start(
      {kamailio.string(), "-f", BECKON_BENCH_KAMAILIO_CONFIG, "-l", fmt::format("udp:127.0.0.1:{}", port),
       "-x", "fm", "-m", "2048", "-M", "32", "-DD", "-E", "-P", (folder / "pid").string(), "-Y",
       folder.string(), "-A", grows ? "MEASURE_MEMORY" : "MEASURE_RATE"},
      core);
  subject.ports["udp"] = port;
  const auto deadline = std::chrono::steady_clock::now() + start_limit;
  while (!answers(port)) {
    if (!subject.is_running()) throw std::runtime_error("kamailio ended while it started");
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("kamailio does not answer");
    ::usleep(look_again_ms * 1000);
  }
  return subject;
}

}  // namespace beckon::bench
