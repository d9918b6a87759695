#include "tools/bench/load/servers.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

#include "tools/bench/load/echo.hpp"
#include "tools/bench/load/kamailio.hpp"
#include "tools/bench/load/texts.hpp"

namespace beckon::bench {

const char* to_string(Server server) {
  switch (server) {
    case Server::beckond:
      return "beckond";
    case Server::kamailio:
      return "kamailio";
    case Server::echo:
      return "echo";
  }
  return "";
}

const char* to_string(Durability durability) {
  switch (durability) {
    case Durability::memory:
      return "memory";
    case Durability::process:
      return "process";
    case Durability::power:
      return "power";
  }
  return "";
}

namespace {

/// SQLite in Kamailio has no setting for commits that need not be on the disk when they return: its file lies
/// in memory then, where they cost nothing.
std::filesystem::path folder_for(Server server, const Setting& setting) {
  const bool is_spared = server == Server::kamailio &&
                         (setting.durability == Durability::process || setting.lists > 0 || setting.xcap);
  return is_spared ? "/dev/shm" : std::filesystem::temp_directory_path();
}

}  // namespace

Running::Running(Server server, const std::string& beckond, const Setting& setting,
                 std::vector<std::string> extra)
    : server_(server),
      beckond_(beckond),
      setting_(setting),
      extra_(std::move(extra)),
      folder_(folder_for(server, setting)) {
  if (server_ == Server::beckond && (setting_.digest || setting_.stores)) add_users();
  start();
}

void Running::add_users() {
  const auto file = folder_.path() / "users";
  std::ofstream list(file);
  for (std::uint32_t i = 0; i < known_users; ++i)
    list << fmt::format("{}@{} {}\n", user(setting_.digest ? 'u' : 'o', i), domain, password);
  list.close();
  Subject import = Subject::start(
      {beckond_, "user", "import", file.string(), "--data", folder_.path().string()}, server_core);
  import.wait();
}

void Running::start() {
  if (server_ == Server::echo) {
    subject_.emplace(start_echo(server_core));
    return;
  }
  if (server_ == Server::kamailio) {
    const auto kamailio = find_kamailio();
    if (!kamailio) throw std::runtime_error("no kamailio");
    subject_.emplace(start_kamailio(*kamailio, folder_.path(), server_core, setting_));
    return;
  }
  std::vector<std::string> words{beckond_,
                                 "run",
                                 "--log",
                                 "warn",
                                 "--data",
                                 folder_.path().string(),
                                 "--domain",
                                 std::string(domain),
                                 "--listen",
                                 "udp:127.0.0.1:0",
                                 "--auth",
                                 setting_.digest ? "digest" : "none",
                                 "--shards",
                                 "1",
                                 "--watcher-policy",
                                 "allow",
                                 "--durability",
                                 to_string(setting_.durability)};
  words.insert(words.end(), extra_.begin(), extra_.end());
  subject_.emplace(Subject::run(words, server_core));
}

}  // namespace beckon::bench
