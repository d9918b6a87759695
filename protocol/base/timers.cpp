#include "protocol/base/timers.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "protocol/base/block_pool.hpp"

namespace beckon {
namespace {

std::uint64_t number_of(Time when) {
  return static_cast<std::uint64_t>(std::max<Time::rep>(when.time_since_epoch().count(), 0));
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
  const auto time = number_of(node.when);
  if (time < position_)
    place_ready(node);
  else if (is_moving(time))
    append(*moving_, node);  // behind those of the same time that have still to move
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

void TimerQueue::append(Slot& slot, Node& node) {
  slot.earliest = slot.is_empty() ? node.when : std::min(slot.earliest, node.when);
  node.previous = slot.previous;
  node.next = &slot;
  slot.previous->next = &node;
  slot.previous = &node;
}

/// Into the wheel; its time is not before the wheel's.
void TimerQueue::place(Node& node) {
  const auto time = number_of(node.when);
  const auto differs = (time ^ position_) | (slots_per_level - 1);
  const auto level = (static_cast<unsigned>(std::bit_width(differs)) - 1) / digit_bits;
  const auto index = (time >> (level * digit_bits)) & (slots_per_level - 1);
  occupied_[level] |= std::uint64_t{1} << index;
  append(slots_[level * slots_per_level + index], node);
}

/// Does the time belong to the slot whose timers move?
bool TimerQueue::is_moving(std::uint64_t time) const {
  if (moving_ == nullptr) return false;
  const auto level = static_cast<std::size_t>(moving_ - slots_.data()) / slots_per_level;
  return (time ^ position_) >> (level * digit_bits) == 0;
}

void TimerQueue::unlink(Node& node) {
  --size_;
  Link* next = std::exchange(node.next, nullptr);
  node.previous->next = next;
  next->previous = node.previous;
  if (next != node.previous || next == &ready_) return;
  // It was alone: what is left is the head of its slot.
  auto* slot = static_cast<Slot*>(next);
  if (slot == moving_) moving_ = nullptr;
  const auto at = static_cast<std::size_t>(slot - slots_.data());
  occupied_[at / slots_per_level] &= ~(std::uint64_t{1} << at % slots_per_level);
}

std::optional<Time> TimerQueue::next() const {
  if (!ready_.is_empty()) return static_cast<const Node*>(ready_.next)->when;
  if (moving_ != nullptr) return Time(Duration(static_cast<Time::rep>(position_)));
  for (std::size_t level = 0; level < levels; ++level) {
    if (occupied_[level] == 0) continue;
    const auto index = static_cast<std::size_t>(std::countr_zero(occupied_[level]));
    return slots_[level * slots_per_level + index].earliest;
  }
  return std::nullopt;
}

bool TimerQueue::step(Time now) {
  if (ready_.is_empty()) return turn(number_of(now));
  Node& first = *static_cast<Node*>(ready_.next);
  if (first.when > now) return false;
  fire(first, now);
  return true;
}

/// Turns the wheel to the next slot that is not empty, if that begins by `now`, and begins to move its timers
/// down, or goes on with it: from the lowest level to `ready_`, which is empty. False when nothing begins by
/// then.
bool TimerQueue::turn(std::uint64_t now) {
  if (moving_ != nullptr) {
    move_part();
    return true;
  }
  for (unsigned level = 0; level < levels; ++level) {
    if (occupied_[level] == 0) continue;
    const auto index = static_cast<unsigned>(std::countr_zero(occupied_[level]));
    const unsigned shift = level * digit_bits;
    const auto upper = position_ >> shift >> digit_bits << digit_bits;
    const auto start = (upper | index) << shift;
    if (start > now) break;
    position_ = start;
    Slot& slot = slots_[level * slots_per_level + index];
    if (level != 0) {
      moving_ = &slot;
      move_part();
      return true;
    }
    // All are of one time, in the order they were set in.
    occupied_[0] &= ~(std::uint64_t{1} << index);
    ready_.next = std::exchange(slot.next, &slot);
    ready_.previous = std::exchange(slot.previous, &slot);
    ready_.next->previous = ready_.previous->next = &ready_;
    return true;
  }
  position_ = std::max(position_, now);
  return false;
}

/// From the front, so that timers of one time keep their order.
void TimerQueue::move_part() {
  for (unsigned moves = 0; moves < moves_per_step && moving_ != nullptr; ++moves) {
    Node& node = *static_cast<Node*>(moving_->next);
    unlink(node);
    ++size_;
    place(node);
  }
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
