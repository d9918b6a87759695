#include "media/stream/player.hpp"

#include <algorithm>

namespace beckon::stream {
namespace {

/// Two of the longest periods: with less, a low voice cannot be shortened.
constexpr std::size_t wanted_to_shorten = 2 * jitter::longest_period;

Duration duration(std::size_t samples) {
  return Duration(static_cast<Duration::rep>(samples * 1'000'000 / codec::sample_rate));
}

}  // namespace

Player::Player(std::unique_ptr<codec::AudioDecoder> decoder, std::uint32_t ticks_per_frame)
    : decoder_(std::move(decoder)),
      buffer_({.ticks_per_frame = ticks_per_frame, .frame = codec::frame_duration}) {}

std::optional<Quality> Player::play(Time now, codec::FrameSpan frame) {
  while (size_ < codec::frame_samples) {
    jitter::Playout playout;
    if (!append(now, playout)) break;
    stretch(playout, now);
  }
  if (size_ > 0) begun_ = true;
  if (!begun_) return std::nullopt;
  if (size_ < codec::frame_samples) append_silence(codec::frame_samples - size_);
  const Quality worst =
      *std::max_element(quality_.begin() + past, quality_.begin() + past + codec::frame_samples);
  take(frame);
  return worst;
}

bool Player::append(Time now, jitter::Playout& playout) {
  playout = buffer_.get(now, duration(size_));
  if (playout.kind == jitter::Playout::Kind::nothing) return false;
  codec::Sample* const begin = waiting() + size_;
  const Quality quality = decode(playout, codec::FrameSpan(begin, codec::frame_samples));
  std::fill_n(quality_.begin() + static_cast<std::ptrdiff_t>(past + size_), codec::frame_samples, quality);
  size_ += codec::frame_samples;
  return true;
}

Quality Player::decode(const jitter::Playout& playout, codec::FrameSpan frame) {
  if (playout.kind == jitter::Playout::Kind::frame)
    return decoder_->decode(playout.payload, frame) ? Quality::decoded : Quality::concealed;
  if (!playout.next.empty())
    return decoder_->recover(playout.next, frame) ? Quality::recovered : Quality::concealed;
  decoder_->conceal(frame);
  return Quality::concealed;
}

void Player::stretch(const jitter::Playout& playout, Time now) {
  using Pace = jitter::Playout::Pace;
  if (playout.pace == Pace::even) return;
  const jitter::Care care = playout.urgent ? jitter::Care::hasty : jitter::Care::careful;
  const auto marks = quality_.begin() + past;
  std::size_t period = 0;
  if (playout.pace == Pace::faster) {
    jitter::Playout second;
    if (size_ < wanted_to_shorten && buffer_.has_next()) append(now, second);
    period = jitter::shorten({waiting(), size_}, care);
    if (period == 0) return;
    std::copy(marks + static_cast<std::ptrdiff_t>(period), marks + static_cast<std::ptrdiff_t>(size_), marks);
    size_ -= period;
    buffer_.on_stretched(-duration(period));
  } else {
    period =
        jitter::lengthen({sound_.data(), past}, {waiting(), size_ + jitter::longest_period}, size_, care);
    if (period == 0) return;
    const auto end = marks + static_cast<std::ptrdiff_t>(size_);
    std::copy_backward(marks, end, end + static_cast<std::ptrdiff_t>(period));
    size_ += period;
    buffer_.on_stretched(duration(period));
  }
  for (auto mark = marks; mark != marks + static_cast<std::ptrdiff_t>(period); ++mark)
    *mark = std::max(*mark, Quality::stretched);
}

void Player::append_silence(std::size_t samples) {
  std::fill_n(waiting() + size_, samples, codec::Sample{0});
  std::fill_n(quality_.begin() + static_cast<std::ptrdiff_t>(past + size_), samples, Quality::lost);
  size_ += samples;
}

/// What was played becomes the past.
void Player::take(codec::FrameSpan frame) {
  std::copy_n(waiting(), codec::frame_samples, frame.begin());
  const auto kept = static_cast<std::ptrdiff_t>(past + size_);
  std::copy(sound_.begin() + codec::frame_samples, sound_.begin() + kept, sound_.begin());
  std::copy(quality_.begin() + codec::frame_samples, quality_.begin() + kept, quality_.begin());
  size_ -= codec::frame_samples;
}

}  // namespace beckon::stream
