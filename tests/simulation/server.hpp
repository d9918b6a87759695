#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "protocol/base/result.hpp"
#include "server/http/message.hpp"
#include "server/store/memory.hpp"
#include "tests/simulation/sip_port.hpp"

namespace beckon::simulation {

/// The server on the virtual network: the program's own shards and rooms over a memory store, which alone
/// outlives a crash.
class Server {
 public:
  using HttpDone = std::function<void(Result<http::HttpResponse>)>;

  Server(SipNetwork& network, const Address& address, unsigned shards);
  ~Server();

  void add_user(const users::User& user) { memory_.users.insert_or_assign(user.aor, user); }
  void start();
  /// What was not in the store is lost, and whatever was under way fails.
  void crash();
  bool is_running() const { return process_ != nullptr; }
  void cut_flows();

  /// `done` is called once; with an error when the server is down or crashes meanwhile.
  void handle_http(http::HttpRequest request, HttpDone done);

  const Address& address() const { return address_; }
  const store::Memory& memory() const { return memory_; }
  /// Answers kept for retransmissions, all of them old, which the store drops at its next commit only.
  void forget_answers() { memory_.answers.clear(); }
  /// Those that the server remembers; an old one until it meets the next.
  std::size_t nonces() const;
  /// How much the server holds, by name: timers, transactions, rows of each live table, records of the store.
  /// What users keep for good (themselves, their documents) is left out.
  std::map<std::string, std::size_t> size() const;

 private:
  struct Process;

  SipNetwork& network_;
  Address address_;
  unsigned shards_;
  store::Memory memory_;
  std::map<std::uint64_t, HttpDone> requests_;  ///< HTTP under way.
  std::uint64_t last_request_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace beckon::simulation
