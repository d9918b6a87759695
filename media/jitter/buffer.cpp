#include "media/jitter/buffer.hpp"

#include <algorithm>
#include <utility>

namespace beckon::jitter {
namespace {

constexpr unsigned strays_to_restart = 5;  // in a row: the sender's clock has jumped
constexpr unsigned waits_to_idle = 25;     // 0.5 s without packets: the sender pauses
constexpr unsigned frames_to_stretch = 3;  // from one change of the delay to the next: 60 ms
constexpr unsigned urgent_frames_to_stretch = 1;
constexpr unsigned hold_after_wait = 25;     // 0.5 s, until it is known what the network needs now
constexpr Duration shrink_threshold = 15ms;  // a pitch period, so that one change does not call for the other
constexpr Duration grow_threshold = 10ms;
constexpr Duration urgent_threshold = 40ms;
constexpr std::size_t usual_payload = 256;  // Opus at 64 kbit/s: 160 on average

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

Buffer::Buffer(const Options& options)
    : options_(options),
      slots_(capacity),
      estimate_({.start = options.start_delay, .least = options.min_delay, .most = options.max_delay}) {
  for (Slot& each : slots_) each.payload.reserve(usual_payload);
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
  estimate_.on_packet(arrival.time_since_epoch() - index * options_.frame, index < highest_);
  if (state_ == State::playing && index < next_) {
    ++counters_.late;
    // Remembered, so that a second copy is counted as a duplicate.
    place.index = index;
    place.state = SlotState::played;
    return;
  }
  store(index, payload, arrival);
}

/// Starts with this frame: what is in the buffer belongs to a stream that has ended.
void Buffer::begin(std::int64_t index, Time arrival) {
  for (Slot& old : slots_) old.index = -1, old.state = SlotState::empty;
  estimate_.restart();
  strays_ = 0;
  waited_frames_ = 0;
  calm_frames_ = 0;
  hold_frames_ = 0;
  next_ = index;
  highest_ = index;
  start_ = arrival + estimate_.target();
  state_ = State::buffering;
}

bool Buffer::is_stray(std::int64_t index) const {
  constexpr auto reach = static_cast<std::int64_t>(capacity);
  return index >= next_ + reach || index < next_ - reach + 1 || index <= highest_ - reach;
}

void Buffer::store(std::int64_t index, ByteView payload, Time arrival) {
  if (state_ == State::buffering) next_ = std::min(next_, index);
  highest_ = std::max(highest_, index);
  Slot& place = slot(index);
  place.index = index;
  place.state = SlotState::filled;
  place.arrival = arrival;
  place.payload.assign(payload.begin(), payload.end());
}

void Buffer::on_stretched(Duration change) {
  calm_frames_ = 0;
  (change < Duration(0) ? counters_.shortened : counters_.lengthened) += std::chrono::abs(change);
}

Playout Buffer::get(Time now, Duration queued) {
  if (state_ == State::idle || (state_ == State::buffering && now + queued < start_)) return {};
  state_ = State::playing;
  pass_concealed();
  if (Slot* const due = find_filled(next_)) return play(*due, now, queued);
  return next_ <= highest_ ? conceal() : wait();
}

Buffer::Slot* Buffer::find_filled(std::int64_t index) {
  Slot& place = slot(index);
  return place.index == index && place.state == SlotState::filled ? &place : nullptr;
}

/// The frames that were waited for in vain have had their time when one after them has come.
void Buffer::pass_concealed() {
  for (; waited_frames_ > 0 && next_ <= highest_ && find_filled(next_) == nullptr; --waited_frames_) miss();
}

void Buffer::miss() {
  Slot& place = slot(next_);
  place.index = next_;
  place.state = SlotState::missed;
  ++next_;
}

Playout Buffer::play(Slot& due, Time now, Duration queued) {
  Playout playout{.kind = Playout::Kind::frame, .payload = due.payload, .next = {}};
  // What was waited for has come: from now on everything is later.
  if (std::exchange(waited_frames_, 0) > 0) hold_frames_ = hold_after_wait;
  delay_ = now.time_since_epoch() - next_ * options_.frame - estimate_.fastest();
  set_pace(playout);
  due.state = SlotState::played;
  ++next_;
  ++calm_frames_;
  if (hold_frames_ > 0) --hold_frames_;
  ++counters_.played;
  counters_.waited += now + queued - due.arrival;
  return playout;
}

void Buffer::set_pace(Playout& playout) {
  const Duration excess = delay_ - estimate_.target();
  playout.urgent = std::chrono::abs(excess) >= urgent_threshold;
  const unsigned pause = playout.urgent ? urgent_frames_to_stretch : frames_to_stretch;
  if (calm_frames_ < pause || !estimate_.is_known()) return;
  if (excess <= -grow_threshold) playout.pace = Playout::Pace::slower;
  if (excess >= shrink_threshold && hold_frames_ == 0 && is_complete(excess / options_.frame))
    playout.pace = Playout::Pace::faster;
}

/// Have the frames after the next one come? What overtook them is no reason to hurry.
bool Buffer::is_complete(std::int64_t frames) {
  std::int64_t index = next_ + 1;
  const std::int64_t end = next_ + std::min<std::int64_t>(frames, capacity - 1);
  while (index <= end && find_filled(index) != nullptr) ++index;
  return index > end;
}

Playout Buffer::conceal() {
  miss();
  ++counters_.concealed;
  const Slot* const after = find_filled(next_);
  return {.kind = Playout::Kind::lost,
          .payload = {},
          .next = after != nullptr ? ByteView(after->payload) : ByteView{}};
}

/// The buffer is empty: whether the next frame is lost or late will show.
Playout Buffer::wait() {
  if (++waited_frames_ >= waits_to_idle) {
    state_ = State::idle;
    return {};
  }
  ++counters_.concealed;
  return {.kind = Playout::Kind::lost, .payload = {}, .next = {}};
}

}  // namespace beckon::jitter
