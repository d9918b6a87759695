#include "media/stream/calls.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "media/stream/quality.hpp"
#include "protocol/base/log.hpp"

namespace beckon::stream {

CallStatistics make_statistics(const session::Statistics& rtp, const Pump& pump,
                               const std::filesystem::path& record) {
  CallStatistics figures{.rtp = rtp, .playout = pump.counters(), .record = record};
  figures.codec = pump.codec();
  const auto& playout = figures.playout;
  if (playout.played == 0) return figures;
  figures.buffered = playout.waited / static_cast<Duration::rep>(playout.played);
  const auto frames = static_cast<double>(playout.played + playout.concealed);
  // The way there is half of the way there and back; a frame is 20 ms old when it leaves.
  figures.mos =
      mean_opinion_score({.delay = tick + rtp.round_trip.value_or(Duration(0)) / 2 + figures.buffered,
                          .concealed = static_cast<double>(playout.concealed) / frames,
                          .codec = figures.codec});
  return figures;
}

Calls::Calls(direct::Identity identity, Random& random, TimerQueue& timers, direct::Trust& trust,
             Network& network, User& user)
    : timers_(timers),
      network_(network),
      user_(user),
      endpoint_(std::move(identity), random, timers, trust, static_cast<direct::Sink&>(*this)) {}

Calls::~Calls() {
  while (!calls_.empty()) finish(calls_.begin()->first);
}

Result<direct::CallId> Calls::call(const direct::Offer& offer, const AudioCodec& codec, const Files& files,
                                   Time now) {
  // A call that is refused must not empty the file of an earlier recording.
  if (const auto possible = endpoint_.check(offer, now); !possible) return possible.error();
  auto pump = make_pump(codec, files, now);
  if (!pump) return pump.error();
  const auto call = endpoint_.call(offer, now);
  if (!call) return call;
  start(*call, std::move(*pump), files, now);
  on_tick(*call, now);
  return call;
}

void Calls::start(direct::CallId call, Pump pump, const Files& files, Time now) {
  auto entry = std::make_unique<Call>(std::move(pump), files, timers_, now);
  entry->meter = listening_;
  set_timer(call, *entry);
  calls_[call] = std::move(entry);
}

/// What is played is in step with what arrives, what is sent with the beginning of the call.
void Calls::on_tick(direct::CallId call, Time now) {
  // Sending and what the user does may end the call, so each turn looks it up again.
  for (Call* due = find(call); due != nullptr && due->playing; due = find(call)) {
    const auto turn = due->playing->take(now);
    if (!turn) break;
    play(call, *due, *turn);
  }
  for (Call* due = find(call); due != nullptr && due->sending.take(now); due = find(call))
    send_frame(call, now);
  if (Call* const next = find(call); next != nullptr) set_timer(call, *next);
}

void Calls::set_timer(direct::CallId id, Call& call) {
  const Time next = call.playing ? std::min(call.sending.next, call.playing->next) : call.sending.next;
  call.timer.set(next, [this, id](Time when) { on_tick(id, when); });
}

void Calls::play(direct::CallId id, Call& call, Time due) {
  const codec::Frame* const played = call.pump.play(due);
  if (played == nullptr) return;
  for (const int hertz : call.meter.push(*played)) user_.on_tone(id, hertz);
}

void Calls::listen_for(int hertz) {
  listening_.listen_for(hertz);
  for (const auto& [id, call] : calls_) call->meter.listen_for(hertz);
}

void Calls::send_frame(direct::CallId call, Time now) {
  const bool open = endpoint_.may_send(call, direct::MediaKind::audio);
  const auto frame = calls_.at(call)->pump.send(open);
  if (!frame) return;
  const bool sent = endpoint_.send_media(call, direct::MediaKind::audio, frame->payload, frame->timestamp,
                                         frame->marker, now);
  const auto statistics = sent ? endpoint_.statistics(call) : std::nullopt;
  if (!statistics) return;
  if (Call* const entry = find(call); entry != nullptr) entry->pump.adapt(*statistics);
  if (statistics->packets_sent > 1) return;
  user_.on_first_media(call, User::Direction::sent, *statistics->first_sent - statistics->began);
}

void Calls::send(const Address& to, ByteView datagram) { network_.send(to, datagram); }

void Calls::on_media(direct::CallId call, direct::MediaKind kind, const rtp::Packet& packet, Time now) {
  Call* const entry = find(call);
  if (entry == nullptr || kind != direct::MediaKind::audio) return;
  entry->pump.receive(packet, now);
  if (const auto begins = entry->pump.begins(); begins && !entry->playing) {
    entry->playing = Beat{*begins};
    set_timer(call, *entry);
  }
  const auto statistics = endpoint_.statistics(call);
  if (!statistics || statistics->packets_received > 1) return;
  user_.on_first_media(call, User::Direction::received, *statistics->first_received - statistics->began);
}

void Calls::on_event(const direct::Event& event, Time now) {
  if (const auto* const incoming = std::get_if<direct::Incoming>(&event)) expect(*incoming);
  if (const auto* const answer = std::get_if<direct::Answered>(&event)) answered(answer->call, now);
  user_.on_event(event, now);
  if (const auto* const ended = std::get_if<direct::Ended>(&event)) finish(ended->call);
}

/// The line carries a payload type of the own published list.
void Calls::expect(const direct::Incoming& incoming) {
  auto files = hand_over(incoming.instead_of);
  const auto audio = [](const direct::MediaLine& line) { return line.kind == direct::MediaKind::audio; };
  const auto line = std::find_if(incoming.media.begin(), incoming.media.end(), audio);
  if (line == incoming.media.end()) return;
  const auto same = [&](const AudioCodec& codec) { return codec.payload_type == line->payload_type; };
  const auto codec = std::find_if(codecs_.begin(), codecs_.end(), same);
  if (codec == codecs_.end()) return;
  expected_[incoming.call] = {*codec, std::move(files)};
}

/// The files of an own call, which another one is to play and record from now on: nothing was heard in it.
std::optional<Files> Calls::hand_over(direct::CallId call) {
  const auto entry = calls_.extract(call);
  if (entry.empty()) return std::nullopt;
  entry.mapped()->timer.cancel();
  if (const auto closed = entry.mapped()->pump.finish(); !closed) {
    log::warn("stream", "{}: {}", entry.mapped()->files.record.string(), closed.error().message());
  }
  return std::move(entry.mapped()->files);
}

/// Two calls never write one file.
std::filesystem::path Calls::free_path(const std::filesystem::path& record) const {
  const auto is_used = [&](const std::filesystem::path& path) {
    return std::ranges::any_of(calls_, [&](const auto& entry) { return entry.second->files.record == path; });
  };
  auto path = record;
  for (int number = 2; !record.empty() && is_used(path); ++number) {
    path = record.parent_path() / record.stem();
    path += "-" + std::to_string(number);
    path += record.extension();
  }
  return path;
}

void Calls::answered(direct::CallId call, Time now) {
  const auto expected = expected_.extract(call);
  const auto statistics = endpoint_.statistics(call);
  if (expected.empty() || !statistics) return;
  Files files = expected.mapped().files.value_or(files_);
  files.record = free_path(files.record);
  auto pump = make_pump_anyway(expected.mapped().codec, files, statistics->began);
  if (!pump) {
    log::warn("stream", "call {}: {}", call, pump.error().message());
    return;
  }
  start(call, std::move(*pump), files, now);
}

void Calls::finish(direct::CallId call) {
  expected_.erase(call);
  const auto entry = calls_.extract(call);
  if (entry.empty()) return;
  Call& ended = *entry.mapped();
  ended.timer.cancel();
  close_recording(ended.pump, ended.files.record);
  user_.on_finished(call, figures(call, ended));
}

Calls::Call* Calls::find(direct::CallId call) {
  const auto found = calls_.find(call);
  return found == calls_.end() ? nullptr : found->second.get();
}

std::optional<CallStatistics> Calls::statistics(direct::CallId call) const {
  const auto found = calls_.find(call);
  if (found == calls_.end()) return std::nullopt;
  return figures(call, *found->second);
}

/// The endpoint keeps a session for some seconds after its end, so its figures are still there.
CallStatistics Calls::figures(direct::CallId id, const Call& call) const {
  return make_statistics(endpoint_.statistics(id).value_or(session::Statistics{}), call.pump,
                         call.files.record);
}

}  // namespace beckon::stream
