#pragma once

#include <cstddef>
#include <vector>

#include "protocol/sip/message.hpp"

namespace beckon::server::proxy {

/// The response context of one forwarded request (RFC 3261 16.7): the statuses of its branches, and which
/// answer is passed on. Pure; knows neither transactions nor time.
class Fork {
 public:
  /// What the caller does after a response, in this order.
  struct Actions {
    bool forward_now = false;    ///< This response is passed on at once.
    bool cancel_others = false;  ///< CANCEL the branches still open (RFC 3261 16.7 step 10).
    bool send_best = false;      ///< All branches have ended without a 2xx: `best()` is passed on.
    bool operator==(const Actions&) const = default;
  };

  explicit Fork(bool invite) : invite_(invite) {}
  /// Adds a branch; its number.
  std::size_t add();
  Actions on_response(std::size_t branch, int status);

  bool is_open(std::size_t branch) const { return branches_[branch] < 200; }
  bool is_finished() const;
  std::size_t size() const { return branches_.size(); }
  /// The branch with the best answer so far, and its status: the first 2xx, else the best refusal. 0 before.
  std::size_t best() const { return best_; }
  int best_status() const { return best_status_; }

 private:
  bool is_better(int status) const;

  bool invite_;
  bool answered_ = false;
  std::vector<int> branches_;  ///< Last status of each; 0 before the first.
  int best_status_ = 0;
  std::size_t best_ = 0;
};

}  // namespace beckon::server::proxy
