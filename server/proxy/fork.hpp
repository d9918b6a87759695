#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/sip/message.hpp"

namespace beckon::server::proxy {

/// The response context of one forwarded request (RFC 3261 16.7): the statuses of its branches, which answer
/// is passed on, and which branch begins when. Pure; knows neither transactions nor time.
class Fork {
 public:
  /// What the caller does after a response, in this order.
  struct Actions {
    bool forward_now = false;    ///< This response is passed on at once.
    bool cancel_others = false;  ///< CANCEL the branches still open (RFC 3261 16.7 step 10).
    bool send_best = false;      ///< All branches have ended without a 2xx: `best()` is passed on.
    bool operator==(const Actions&) const = default;
  };
  /// A branch that begins, and its Max-Breadth.
  struct Turn {
    std::size_t branch = 0;
    std::uint32_t breadth = 1;
    bool operator==(const Turn&) const = default;
  };

  /// At most `breadth` branches are open at a time (RFC 5393 5.5).
  explicit Fork(bool invite, std::uint32_t breadth = 1) : invite_(invite), breadth_(breadth) {}
  /// Adds a branch; its number. A group begins when all branches of lower groups have ended without success.
  std::size_t add(std::uint32_t group = 0);
  /// The branch that begins now; its breadth is its part of what is left, shared evenly with those that wait
  /// (RFC 5393 5.3.3). None: nothing waits, or what waits has to wait on.
  std::optional<Turn> next_turn();
  /// The next group begins although branches of earlier ones are open: those are past.
  void open_next_group();
  bool is_past(std::size_t branch) const { return branches_[branch].past; }
  /// Does a branch wait for the end of an earlier group?
  bool has_waiting_group() const;
  std::uint32_t group() const { return group_; }  ///< That has begun last.

  Actions on_response(std::size_t branch, int status);
  /// The branch has ended, and its answer does not count: others take its place (RFC 3261 16.7 step 4).
  void leave_out(std::size_t branch);

  bool is_open(std::size_t branch) const { return branches_[branch].status < 200; }
  bool is_finished() const;
  bool is_answered() const { return answered_; }  ///< Has a final response been passed on?
  std::size_t size() const { return branches_.size(); }
  /// The branch with the best answer so far, and its status: the first 2xx, else the best refusal. 0 before.
  std::size_t best() const { return best_; }
  int best_status() const { return best_status_; }

 private:
  struct Branch {
    int status = 0;  ///< The last one; 0 before the first.
    std::uint32_t group = 0;
    std::uint32_t breadth = 0;  ///< 0 while it waits.
    bool past = false;
    bool waits() const { return breadth == 0 && status < 200; }
  };

  bool is_better(int status) const;

  bool invite_;
  bool answered_ = false;
  std::uint32_t breadth_;
  std::uint32_t group_ = 0;
  std::vector<Branch> branches_;
  int best_status_ = 0;
  std::size_t best_ = 0;
};

}  // namespace beckon::server::proxy
