#include "server/proxy/fork.hpp"

#include <algorithm>

namespace beckon::server::proxy {

std::size_t Fork::add() {
  branches_.push_back(0);
  return branches_.size() - 1;
}

bool Fork::is_finished() const {
  return std::ranges::all_of(branches_, [](int status) { return status >= 200; });
}

/// RFC 3261 16.7 step 6: a 6xx wins, then the lowest class; within 4xx those that tell the caller what to
/// change.
bool Fork::is_better(int status) const {
  if (best_status_ == 0) return true;
  const auto rank = [](int code) {
    if (code >= 600) return 0;
    const bool helps = code == 401 || code == 407 || code == 415 || code == 420 || code == 484;
    return code / 100 * 10 + (helps ? 0 : 1);
  };
  return rank(status) < rank(best_status_);
}

Fork::Actions Fork::on_response(std::size_t branch, int status) {
  const bool was_open = is_open(branch);
  if (was_open) branches_[branch] = status;
  if (status < 200) return {.forward_now = was_open && !answered_ && status != 100};
  if (status < 300) {
    // Every 2xx to INVITE makes a dialog of its own and goes back; of other methods only the first.
    const bool forward = invite_ || !answered_;
    if (!answered_) {
      best_status_ = status;
      best_ = branch;
    }
    answered_ = true;
    return {.forward_now = forward, .cancel_others = was_open && !is_finished()};
  }
  if (!was_open || answered_) return {};
  if (is_better(status)) {
    best_status_ = status;
    best_ = branch;
  }
  if (!is_finished()) return {.cancel_others = status >= 600};
  answered_ = true;
  return {.send_best = true};
}

}  // namespace beckon::server::proxy
