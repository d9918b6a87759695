#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/agent/agent.hpp"
#include "tests/simulation/server.hpp"
#include "tests/simulation/sip_port.hpp"

namespace beckon::simulation {

/// One user agent on the virtual network: the program's own Agent, with its events kept.
class Client {
 public:
  struct Account {
    std::string aor;  ///< "alice@example.org"
    std::string password;
    Address address;
    transaction::Protocol protocol = transaction::Protocol::udp;
  };
  Client(SipNetwork& network, Server& server, Account account);
  ~Client();

  /// Starts the program.
  void start();
  /// Ends it, as its process would at the end of "quit" or when killed.
  void end();

  /// Executes a command of the contract, given as the words of a command line, and gives its id.
  std::string execute(const std::vector<std::string>& words);
  /// The result of a command; null while there is none.
  const boost::json::object* result(const std::string& id) const;
  /// The newest event of that name for which `where` holds; null without one.
  using Where = std::function<bool(const boost::json::object& event)>;
  const boost::json::object* last(std::string_view name, const Where& where = {}) const;
  const std::vector<boost::json::object>& events() const { return events_; }
  void forget_events() { events_.clear(); }

  /// "sip:alice@example.org"
  const std::string& uri() const { return uri_; }
  const std::string& aor() const { return account_.aor; }
  bool is_secure() const { return transaction::is_secure(account_.protocol); }

 private:
  struct Process;

  SipNetwork& network_;
  Server& server_;
  Account account_;
  std::string uri_;
  client::direct::Keyring keyring_;
  client::direct::Pins pins_;
  std::vector<boost::json::object> events_;
  int last_id_ = 0;
  std::unique_ptr<Process> process_;
};

/// A text member of an event; empty when absent.
std::string_view text(const boost::json::object& event, std::string_view member);

}  // namespace beckon::simulation
