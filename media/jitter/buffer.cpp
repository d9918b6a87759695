#include "media/jitter/buffer.hpp"

#include <algorithm>

namespace beckon::jitter {
namespace {

constexpr std::size_t measured_packets = 128;  // 2.6 s: follows drift and forgets one bad moment
constexpr std::size_t least_measured = 16;     // before that the start delay stands
constexpr std::size_t outliers_percent = 3;    // packets that may come too late; concealing is cheaper
constexpr unsigned strays_to_restart = 5;      // in a row: the sender's clock has jumped
constexpr unsigned dry_to_idle = 25;           // 0.5 s without packets: the sender pauses
constexpr unsigned grow_pause = 5;             // frames between two lengthenings in running speech
constexpr unsigned shrink_pause = 50;          // frames before each shortening: 1 s of waiting in vain
constexpr Duration grow_threshold = 10ms;      // half a frame, so that one change does not call for the other
constexpr Duration shrink_threshold =
    40ms;  // what the start delay may exceed the least: a good network skips nothing

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

Buffer::Buffer(const Options& options) : options_(options), slots_(capacity), target_(options.start_delay) {
  transits_.reserve(measured_packets);
}

void Buffer::put(std::uint32_t timestamp, ByteView payload, Time arrival) {
  const auto index = floor_divide(timestamps_.unwrap(timestamp), options_.ticks_per_frame);
  if (state_ == State::idle) begin(index, arrival);
  if (is_stray(index)) {
    ++counters_.stray;
    if (++strays_ < strays_to_restart) return;
    begin(index, arrival);
  }
  strays_ = 0;
  Slot& place = slot(index);
  if (place.index == index && (place.state == SlotState::filled || place.state == SlotState::played)) {
    ++counters_.duplicate;
    return;
  }
  measure(index, arrival);
  if (state_ == State::playing && index < next_) {
    ++counters_.late;
    // Remembered, so that a second copy is counted as a duplicate.
    place.index = index;
    place.state = SlotState::played;
    return;
  }
  store(index, payload);
}

/// Starts with this frame: what is in the buffer belongs to a stream that has ended.
void Buffer::begin(std::int64_t index, Time arrival) {
  for (Slot& old : slots_) old.index = -1, old.state = SlotState::empty;
  transits_.clear();
  transit_count_ = 0;
  strays_ = 0;
  dry_ = 0;
  since_change_ = 0;
  next_ = index;
  highest_ = index;
  start_ = arrival + target_;
  state_ = State::buffering;
}

bool Buffer::is_stray(std::int64_t index) {
  constexpr auto reach = static_cast<std::int64_t>(capacity);
  return index >= next_ + reach || index < next_ - reach + 1 || index <= highest_ - reach;
}

void Buffer::store(std::int64_t index, ByteView payload) {
  if (state_ == State::buffering) next_ = std::min(next_, index);
  highest_ = std::max(highest_, index);
  Slot& place = slot(index);
  place.index = index;
  place.state = SlotState::filled;
  place.payload.assign(payload.begin(), payload.end());
}

/// The delay aimed at is what all but the slowest few packets need, counted from the fastest, and one frame.
void Buffer::measure(std::int64_t index, Time arrival) {
  const Duration transit = arrival.time_since_epoch() - index * options_.frame;
  if (transits_.size() < measured_packets) {
    transits_.push_back(transit);
  } else {
    transits_[transit_count_ % measured_packets] = transit;
  }
  ++transit_count_;
  fastest_ = *std::min_element(transits_.begin(), transits_.end());
  if (transits_.size() < least_measured) return;
  std::array<Duration, measured_packets> sorted;
  const auto end = std::copy(transits_.begin(), transits_.end(), sorted.begin());
  const auto nth = end - 1 - static_cast<std::ptrdiff_t>(transits_.size() * outliers_percent / 100);
  std::nth_element(sorted.begin(), nth, end);
  target_ = std::clamp(*nth - fastest_ + options_.min_delay, options_.min_delay, options_.max_delay);
}

/// How long the fastest packets wait.
Duration Buffer::delay() const { return origin_.time_since_epoch() - fastest_; }

bool Buffer::must_grow(bool missing) const {
  return delay() + grow_threshold <= target_ && (missing || since_change_ >= grow_pause);
}

bool Buffer::may_shrink() const {
  return delay() >= target_ + shrink_threshold && since_change_ >= shrink_pause;
}

Playout Buffer::get(Time now) {
  if (state_ == State::idle || (state_ == State::buffering && now < start_)) return {};
  state_ = State::playing;
  origin_ = now - next_ * options_.frame;
  ++since_change_;
  if (must_grow(find_filled(next_) == nullptr)) {
    since_change_ = 0;
    ++counters_.concealed;
    return {.kind = Playout::Kind::lost, .payload = {}, .next = {}};
  }
  if (may_shrink()) {
    since_change_ = 0;
    ++counters_.skipped;
    slot(next_).state = SlotState::played;
    ++next_;
  }
  Slot* const due = find_filled(next_);
  return due != nullptr ? play(*due) : conceal();
}

Buffer::Slot* Buffer::find_filled(std::int64_t index) {
  Slot& place = slot(index);
  return place.index == index && place.state == SlotState::filled ? &place : nullptr;
}

Playout Buffer::play(Slot& due) {
  due.state = SlotState::played;
  ++next_;
  dry_ = 0;
  ++counters_.played;
  return {.kind = Playout::Kind::frame, .payload = due.payload, .next = {}};
}

Playout Buffer::conceal() {
  Slot& place = slot(next_);
  place.index = next_;
  place.state = SlotState::missed;
  ++next_;
  dry_ = highest_ < next_ ? dry_ + 1 : 0;
  if (dry_ >= dry_to_idle) {
    state_ = State::idle;
    return {};
  }
  ++counters_.concealed;
  const Slot* const after = find_filled(next_);
  return {.kind = Playout::Kind::lost,
          .payload = {},
          .next = after != nullptr ? ByteView(after->payload) : ByteView{}};
}

}  // namespace beckon::jitter
