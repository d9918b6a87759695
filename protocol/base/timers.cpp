#include "protocol/base/timers.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "protocol/base/block_pool.hpp"

namespace beckon {
namespace {

constexpr unsigned tick_bits = 10;  // a tick is 1024 µs

std::uint64_t tick_of(Time when) {
  return static_cast<std::uint64_t>(std::max<Time::rep>(when.time_since_epoch().count(), 0)) >> tick_bits;
}

}  // namespace

TimerQueue::TimerQueue() {
  for (Slot& slot : slots_) slot.previous = slot.next = &slot;
  ready_.previous = ready_.next = &ready_;
}

void TimerQueue::set(Time when, Callback callback) {
  Node* node = new (take_block(sizeof(Node))) Node(nullptr);
  node->when = when;
  node->callback = std::move(callback);
  link(*node);
}

void TimerQueue::link(Node& node) {
  ++size_;
  if (tick_of(node.when) <= position_)
    place_ready(node);
  else
    place(node);
}

/// Behind those of the same time. Most come last.
void TimerQueue::place_ready(Node& node) {
  Link* before = ready_.previous;
  while (before != &ready_ && static_cast<Node*>(before)->when > node.when) before = before->previous;
  node.previous = before;
  node.next = before->next;
  node.next->previous = &node;
  before->next = &node;
}

/// Into the wheel; its tick is not before the wheel's.
void TimerQueue::place(Node& node) {
  const auto tick = tick_of(node.when);
  const auto differs = (tick ^ position_) | (slots_per_level - 1);
  const auto level = (static_cast<unsigned>(std::bit_width(differs)) - 1) / digit_bits;
  const auto index = (tick >> (level * digit_bits)) & (slots_per_level - 1);
  Slot& slot = slots_[level * slots_per_level + index];
  if (slot.is_empty()) {
    occupied_[level] |= std::uint64_t{1} << index;
    slot.earliest = node.when;
  } else {
    slot.earliest = std::min(slot.earliest, node.when);
  }
  node.previous = slot.previous;
  node.next = &slot;
  slot.previous->next = &node;
  slot.previous = &node;
}

void TimerQueue::unlink(Node& node) {
  --size_;
  Link* next = std::exchange(node.next, nullptr);
  node.previous->next = next;
  next->previous = node.previous;
  if (next != node.previous || next == &ready_) return;
  // It was alone: what is left is the head of its slot.
  const auto at = static_cast<std::size_t>(static_cast<Slot*>(next) - slots_.data());
  occupied_[at / slots_per_level] &= ~(std::uint64_t{1} << at % slots_per_level);
}

std::optional<Time> TimerQueue::next() const {
  if (!ready_.is_empty()) return static_cast<const Node*>(ready_.next)->when;
  for (std::size_t level = 0; level < levels; ++level) {
    if (occupied_[level] == 0) continue;
    const auto index = static_cast<std::size_t>(std::countr_zero(occupied_[level]));
    return slots_[level * slots_per_level + index].earliest;
  }
  return std::nullopt;
}

void TimerQueue::advance(Time now) {
  const auto tick = tick_of(now);
  do {
    while (!ready_.is_empty() && static_cast<Node*>(ready_.next)->when <= now)
      fire(*static_cast<Node*>(ready_.next), now);
  } while (ready_.is_empty() && turn(tick));
}

/// Turns the wheel to the next slot that is not empty, if that begins by `tick`, and moves its timers down:
/// from the lowest level to `ready_`, which is empty. False when nothing begins by then.
bool TimerQueue::turn(std::uint64_t tick) {
  for (unsigned level = 0; level < levels; ++level) {
    if (occupied_[level] == 0) continue;
    const auto index = static_cast<unsigned>(std::countr_zero(occupied_[level]));
    const unsigned shift = level * digit_bits;
    const auto upper = position_ >> shift >> digit_bits << digit_bits;
    const auto start = (upper | index) << shift;
    if (start > tick) break;
    position_ = start;
    occupied_[level] &= ~(std::uint64_t{1} << index);
    Node* chain = take_all(slots_[level * slots_per_level + index]);
    if (level == 0) chain = sort(chain);
    while (chain != nullptr) {
      Node* node = std::exchange(chain, static_cast<Node*>(chain->next));
      if (level == 0)
        place_ready(*node);
      else
        place(*node);
    }
    return true;
  }
  position_ = std::max(position_, tick);
  return false;
}

/// The nodes of a slot as a chain that ends with null.
TimerQueue::Node* TimerQueue::take_all(Slot& slot) {
  Node* first = static_cast<Node*>(slot.next);
  slot.previous->next = nullptr;
  slot.previous = slot.next = &slot;
  return first;
}

/// Of nodes of the same time those of `a` come first.
TimerQueue::Node* TimerQueue::merge(Node* a, Node* b) {
  Link head;
  Link* last = &head;
  while (a != nullptr && b != nullptr) {
    Node*& from = b->when < a->when ? b : a;
    last = last->next = from;
    from = static_cast<Node*>(from->next);
  }
  last->next = a != nullptr ? a : b;
  return static_cast<Node*>(head.next);
}

/// Stable: nodes of one time stay in the order they were set in.
TimerQueue::Node* TimerQueue::sort(Node* chain) {
  std::array<Node*, 48> runs{};  // the n-th is null or has 2^n nodes, which come before those of lower ones
  while (chain != nullptr) {
    Node* run = std::exchange(chain, static_cast<Node*>(chain->next));
    run->next = nullptr;
    std::size_t n = 0;
    for (; runs[n] != nullptr; ++n) run = merge(std::exchange(runs[n], nullptr), run);
    runs[n] = run;
  }
  Node* all = nullptr;
  for (Node* run : runs) all = run != nullptr ? merge(run, all) : all;
  return all;
}

/// Takes it out of the queue. The callback is the caller's to destroy, which may destroy the owner of the
/// node.
TimerQueue::Callback TimerQueue::drop(Node& node) {
  unlink(node);
  Callback callback = std::move(node.callback);
  if (node.queue == nullptr) {
    node.~Node();
    give_block(&node, sizeof(Node));
  }
  return callback;
}

void TimerQueue::fire(Node& node, Time now) {
  const Callback callback = drop(node);
  callback(now);
}

void TimerQueue::clear() {
  while (size_ > 0) {  // what a callback owned may set others as it goes
    for (Slot& slot : slots_)
      while (!slot.is_empty()) drop(*static_cast<Node*>(slot.next));
    while (!ready_.is_empty()) drop(*static_cast<Node*>(ready_.next));
  }
}

void Timer::set(Time when, TimerQueue::Callback callback) {
  const TimerQueue::Callback old = std::move(node_.callback);  // destroyed last: it may own us
  if (is_set()) node_.queue->unlink(node_);
  node_.when = when;
  node_.callback = std::move(callback);
  node_.queue->link(node_);
}

void Timer::cancel() {
  if (is_set()) node_.queue->drop(node_);
}

}  // namespace beckon
