#include "server/proxy/fork.hpp"

#include <algorithm>

namespace beckon::server::proxy {

namespace {

constexpr int left_out = 999;  ///< Status of a branch whose answer does not count.

/// Of two refusals the one with the lower rank is passed on (RFC 3261 16.7 step 6): a 6xx, then the lowest
/// class; within 4xx those that tell the caller what to change, and last those that say no more than that
/// nobody answered.
int rank(int status) {
  if (status >= 600) return 0;
  constexpr int moved_permanently = 301;  // last of 3xx: the Contacts of others are added to the best one
  int within = 1;
  switch (status) {
    case 401:
    case 407:
    case 415:
    case 420:
    case 484:
      within = 0;
      break;
    case moved_permanently:
    case 408:
    case 480:
    case 487:
      within = 2;
      break;
    default:
      break;
  }
  return status / 100 * 10 + within;
}

}  // namespace

std::size_t Fork::add(std::uint32_t group) {
  branches_.push_back({.group = group});
  return branches_.size() - 1;
}

std::optional<Fork::Turn> Fork::next_turn() {
  std::uint32_t used = 0;
  std::uint32_t waiting = 0;
  bool rings = false;
  Branch* next = nullptr;
  for (Branch& branch : branches_) {
    if (branch.status < 200) used += branch.breadth;
    rings |= branch.status < 200 && branch.breadth != 0 && !branch.past;
    if (!branch.waits()) continue;
    ++waiting;
    if (!next || branch.group < next->group) next = &branch;
  }
  if (!next || used >= breadth_ || (next->group > group_ && rings)) return std::nullopt;
  group_ = std::max(group_, next->group);
  next->breadth = (breadth_ - used + waiting - 1) / waiting;
  return Turn{static_cast<std::size_t>(next - branches_.data()), next->breadth};
}

void Fork::open_next_group() {
  std::optional<std::uint32_t> next;
  for (Branch& branch : branches_) {
    branch.past |= branch.breadth != 0;
    if (branch.waits() && branch.group > group_ && (!next || branch.group < *next)) next = branch.group;
  }
  group_ = next.value_or(group_);
}

bool Fork::has_waiting_group() const {
  return std::ranges::any_of(branches_,
                             [this](const Branch& each) { return each.waits() && each.group > group_; });
}

bool Fork::is_finished() const {
  return std::ranges::all_of(branches_, [](const Branch& each) { return each.status >= 200; });
}

bool Fork::is_better(int status) const { return best_status_ == 0 || rank(status) < rank(best_status_); }

Fork::Actions Fork::on_response(std::size_t branch, int status) {
  const bool was_open = is_open(branch);
  if (was_open) branches_[branch].status = status;
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

void Fork::leave_out(std::size_t branch) {
  if (is_open(branch)) branches_[branch].status = left_out;
}

}  // namespace beckon::server::proxy
