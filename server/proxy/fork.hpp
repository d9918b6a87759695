#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "protocol/sip/message.hpp"

namespace beckon::server::proxy {

/// The response context of one forwarded request (RFC 3261 16.7): what its branches answered, and which
/// answer goes back. Pure; knows neither transactions nor time.
class Fork {
 public:
  /// What the caller does after a response, in this order.
  struct Actions {
    bool forward_now = false;    ///< This response goes back at once.
    bool cancel_others = false;  ///< CANCEL the branches still open (RFC 3261 16.7 step 10).
    bool send_best = false;      ///< All branches have ended: `best()` goes back.
    bool operator==(const Actions&) const = default;
  };

  explicit Fork(bool invite) : invite_(invite) {}
  /// Adds a branch; its number.
  std::size_t add();
  /// `response` is the finished text to send back for this branch, should it be chosen.
  Actions on_response(std::size_t branch, int status, std::string response);

  bool is_open(std::size_t branch) const { return branches_[branch] < 200; }
  bool is_finished() const;
  std::size_t size() const { return branches_.size(); }
  int best_status() const { return best_status_; }
  const std::string& best() const { return best_; }

 private:
  bool is_better(int status) const;

  bool invite_;
  bool answered_ = false;
  std::vector<int> branches_;  ///< Last status of each; 0 before the first.
  int best_status_ = 0;
  std::string best_;
};

}  // namespace beckon::server::proxy
