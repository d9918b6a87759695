#pragma once

#include <functional>
#include <string>

#include "tests/simulation/ledger.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/server.hpp"

namespace beckon::simulation {

/// A document that somebody keeps at the server over XCAP: what was written last is sent until it is taken.
class Document {
 public:
  /// `path` is below the root, "pres-rules/users/sip:alice@example.org/index". All outlive it, and the
  /// network.
  Document(Network& network, Server& server, Ledger& ledger, std::string path, std::string type);

  /// `sent` is called each time that this text leaves, `taken` when the server has acknowledged it.
  void write(std::string text, std::function<void()> sent, std::function<void()> taken);
  /// Its writer is gone: nothing is sent or heard any more.
  void stop() { is_stopped_ = true; }
  /// The server has acknowledged what was written last.
  bool is_taken() const { return is_taken_; }

 private:
  void put();
  void on_end(int status, const std::function<void()>& taken);

  Network& network_;
  Server& server_;
  Ledger& ledger_;
  std::string path_, type_, text_;
  std::function<void()> sent_, taken_;
  bool in_flight_ = false, is_due_ = false, is_taken_ = false, is_stopped_ = false;
};

/// The presence rules of somebody (RFC 5025).
std::string rule_document(const Ledger::Rules& rules);

}  // namespace beckon::simulation
