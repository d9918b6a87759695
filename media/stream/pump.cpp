#include "media/stream/pump.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <fstream>

#include "media/device/wav.hpp"

namespace beckon::stream {
namespace {

constexpr double loss_kept = 0.75;    // from one report to the next
constexpr double least_loss = 0.005;  // below this redundancy costs more than it gives

int percent(double share) { return static_cast<int>(std::ceil(share * 100)); }

void add(std::vector<std::uint64_t>& list, std::uint64_t frame) {
  if (list.size() < RecordingLog::max_entries) list.push_back(frame);
}

boost::json::array to_json(const std::vector<std::uint64_t>& list) {
  return boost::json::array(list.begin(), list.end());
}

}  // namespace

Result<void> write_recording_log(const std::filesystem::path& path, const RecordingLog& log) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) return device::Errc::cannot_open;
  const boost::json::object json{
      {"sample_rate", codec::sample_rate},
      {"frame_samples", codec::frame_samples},
      {"frames", log.frames},
      {"concealed", to_json(log.concealed)},
      {"lost", to_json(log.lost)},
      {"recovered", to_json(log.recovered)},
      {"stretched", to_json(log.stretched)},
      {"start_offset_ms", std::chrono::duration<double, std::milli>(log.start_offset).count()}};
  file << boost::json::serialize(json) << '\n';
  if (!file.flush()) return device::Errc::cannot_write;
  return {};
}

Pump::Pump(Parts parts, Time began)
    : parts_(std::move(parts)),
      began_(began),
      player_(std::move(parts_.decoder), parts_.encoder->ticks_per_frame()) {}

std::optional<Pump::Outgoing> Pump::send(bool open) {
  const std::uint32_t timestamp = timestamp_;
  timestamp_ += parts_.encoder->ticks_per_frame();
  codec::Frame frame;
  if (open) parts_.source->pull(frame);
  if (!open || !parts_.encoder->encode(frame, payload_)) {
    paused_ = true;
    return std::nullopt;
  }
  return Outgoing{.payload = payload_, .timestamp = timestamp, .marker = std::exchange(paused_, false)};
}

void Pump::receive(const rtp::Packet& packet, Time arrival) {
  player_.put(packet.header.timestamp, packet.payload, arrival);
}

const codec::Frame* Pump::play(Time now) {
  const auto quality = player_.play(now, played_);
  if (!quality && log_.frames == 0) return nullptr;
  if (log_.frames == 0) log_.start_offset = now - began_;
  if (!quality) played_.fill(0);  // the player of a new codec has not begun
  note(quality.value_or(Quality::lost));
  parts_.sink->push(played_);
  return &played_;
}

void Pump::note(Quality quality) {
  const std::uint64_t frame = log_.frames++;
  switch (quality) {
    case Quality::decoded:
      break;
    case Quality::recovered:
      add(log_.recovered, frame);
      break;
    case Quality::stretched:
      add(log_.stretched, frame);
      break;
    case Quality::concealed:
      add(log_.concealed, frame);
      break;
    case Quality::lost:
      add(log_.lost, frame);
      break;
  }
}

/// It rises at once and falls slowly: loss comes in spells.
void Pump::adapt(const session::Statistics& statistics) {
  if (statistics.reports == reports_) return;
  reports_ = statistics.reports;
  loss_ = std::max(statistics.reported_loss, loss_ * loss_kept);
  if (loss_ < least_loss) loss_ = 0;
  parts_.encoder->expect_loss(percent(loss_));
}

void Pump::change_codec(std::unique_ptr<codec::AudioEncoder> encoder,
                        std::unique_ptr<codec::AudioDecoder> decoder) {
  parts_.encoder = std::move(encoder);
  parts_.encoder->expect_loss(percent(loss_));
  player_ = Player(std::move(decoder), parts_.encoder->ticks_per_frame());
  paused_ = true;
}

Result<void> Pump::finish() { return parts_.sink->finish(); }

}  // namespace beckon::stream
