#include "tools/bench/load/servers.hpp"

#include <stdexcept>

#include "tools/bench/load/echo.hpp"
#include "tools/bench/load/kamailio.hpp"
#include "tools/bench/load/texts.hpp"

namespace beckon::bench {

const char* to_string(Server server) {
  switch (server) {
    case Server::beckond:
      return "beckond";
    case Server::beckond_process:
      return "beckond, durability process";
    case Server::kamailio:
      return "kamailio";
    case Server::echo:
      return "echo";
  }
  return "";
}

Running::Running(Server server, const std::string& beckond, std::vector<std::string> extra, bool grows)
    : server_(server), beckond_(beckond), extra_(std::move(extra)), grows_(grows) {
  start();
}

void Running::start() {
  if (server_ == Server::echo) {
    subject_.emplace(start_echo(server_core));
    return;
  }
  if (server_ == Server::kamailio) {
    const auto kamailio = find_kamailio();
    if (!kamailio) throw std::runtime_error("no kamailio");
    subject_.emplace(start_kamailio(*kamailio, folder_.path(), server_core, grows_));
    return;
  }
  std::vector<std::string> words{
      beckond_,           "run",
      "--data",           folder_.path().string(),
      "--domain",         std::string(domain),
      "--listen",         "udp:127.0.0.1:0",
      "--auth",           "none",
      "--shards",         "1",
      "--watcher-policy", "allow",
      "--durability",     server_ == Server::beckond_process ? "process" : "memory"};
  words.insert(words.end(), extra_.begin(), extra_.end());
  subject_.emplace(Subject::run(words, server_core));
}

}  // namespace beckon::bench
