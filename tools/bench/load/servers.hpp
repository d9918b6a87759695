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
enum class Server : std::uint8_t { beckond, kamailio, echo };
const char* to_string(Server server);

/// What outlives the server: nothing, or what survives its kill, or a power cut (DESIGN 5).
enum class Durability : std::uint8_t { memory, process, power };
const char* to_string(Durability durability);

/// How the server of a case is set up.
struct Setting {
  Durability durability = Durability::memory;
  bool digest = false;                        ///< Users prove who they are, by SHA-256.
  bool stores = false;                        ///< Messages for users who are away are stored.
  bool grows = false;                         ///< Its memory is measured.
  bool xcap = false;                          ///< XCAP over HTTPS; Kamailio's documents are in SQLite.
  std::uint32_t lists = 0, list_members = 0;  ///< Of users w0 and following: see `list_document`.
};

/// A running server with its folder.
class Running {
 public:
  /// `beckond` is the program to run; `extra` are further arguments for it.
  Running(Server server, const std::string& beckond, const Setting& setting = {},
          std::vector<std::string> extra = {});
  Subject& subject() { return *subject_; }
  const Subject& subject() const { return *subject_; }
  std::uint16_t port(const char* listener = "udp") const { return subject_->ports.at(listener); }
  /// Starts the server again, after `subject().stop()`, with what it stored.
  void start();

 private:
  void add_users();

  Server server_;
  std::string beckond_;
  Setting setting_;
  std::vector<std::string> extra_;
  Folder folder_;
  std::optional<Subject> subject_;
};

}  // namespace beckon::bench
