#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "server/config/settings.hpp"
#include "server/http/message.hpp"
#include "server/shard/services.hpp"
#include "server/store/memory.hpp"
#include "tests/simulation/sip_port.hpp"

namespace beckon::simulation {

/// The server on the virtual network: the program's own shards and rooms over a memory store, which alone
/// outlives a crash.
class Server {
 public:
  using HttpDone = std::function<void(Result<http::HttpResponse>)>;

  /// Domain, hosts and ports of `settings` are set here.
  Server(SipNetwork& network, const Address& address, unsigned shards, server::Settings settings = {});
  ~Server();

  void add_user(const users::User& user) { memory_.users.insert_or_assign(user.aor, user); }
  /// The administrator takes a user's access away, as `beckond user remove` and `disable` do: the server ends
  /// what there is of that user, at its next start if it is down, and takes no more requests.
  void end_user(const std::string& aor, bool removed);
  void start();
  /// What was not in the store is lost, and whatever was under way fails.
  void crash();
  bool is_running() const { return process_ != nullptr; }
  /// The server crashes at a point of its work: before or after a commit of the store, or before or after it
  /// sends a message. `count` points from now on are passed; nothing that follows the last of them reaches
  /// the store or the network. `crashed` is called when the process is gone.
  void crash_at(std::uint64_t count, std::function<void()> crashed);
  void crash_nowhere() { points_left_.reset(); }
  /// Points passed since the beginning.
  std::uint64_t points() const { return points_; }
  void cut_flows();

  /// `done` is called once; with an error when the server is down or crashes meanwhile.
  void handle_http(http::HttpRequest request, HttpDone done);

  const Address& address() const { return address_; }
  const store::Memory& memory() const { return memory_; }
  /// Answers kept for retransmissions, all of them old, which the store drops at its next commit only.
  void forget_answers() { memory_.answers.clear(); }
  /// Those that the server remembers; an old one until it meets the next.
  std::size_t nonces() const;
  /// The rows of the live tables of that name, of all shards; none while the server is down.
  std::vector<server::Row> rows(std::string_view table) const;
  /// How much the server holds, by name: timers, transactions, rows of each live table, records of the store.
  /// What users keep for good (themselves, their documents) is left out.
  std::map<std::string, std::size_t> size() const;

 private:
  struct Process;
  class Transport;
  class State;
  class Durable;
  struct Seat;

  /// False: the server has died here, or before.
  bool passes();
  store::RecordStore::Done unless_dead(store::RecordStore::Done done);

  SipNetwork& network_;
  Address address_;
  unsigned shards_;
  server::Settings settings_;
  store::Memory memory_;
  std::map<std::uint64_t, HttpDone> requests_;  ///< HTTP under way.
  std::uint64_t last_request_ = 0;
  std::uint64_t points_ = 0;
  std::optional<std::uint64_t> points_left_;  ///< Until the server crashes.
  std::function<void()> crashed_;
  std::map<std::string, bool> gone_;  ///< Users who may not come in any more; true: removed.
  std::uint64_t starts_ = 0;
  bool is_dead_ = false;  ///< The process is past its crash, and has not been cleared away.
  std::unique_ptr<Process> process_;
};

}  // namespace beckon::simulation
