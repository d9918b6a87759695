#include "server/store/record.hpp"

#include <algorithm>

namespace beckon::store {

namespace {

constexpr char format = 1;
constexpr unsigned number_octets_max = 10;  ///< Of 64 bits, seven in an octet.

std::string_view octets_of(const IpAddress& ip) { return as_text(ip.bytes()); }

std::optional<IpAddress> read_ip(std::string_view octets) {
  IpAddress ip;
  if (octets.size() != 4 && octets.size() != 16) return std::nullopt;
  ip.family = octets.size() == 4 ? IpAddress::Family::v4 : IpAddress::Family::v6;
  std::ranges::copy(octets, ip.octets.begin());
  return ip;
}

}  // namespace

RecordWriter::RecordWriter() { out_.push_back(format); }

RecordWriter& RecordWriter::number(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>(value | 0x80));
  out_.push_back(static_cast<char>(value));
  return *this;
}

RecordWriter& RecordWriter::text(std::string_view value) {
  number(value.size());
  out_.append(value);
  return *this;
}

RecordWriter& RecordWriter::time(Time value, const TimeScale& scale) {
  return number(static_cast<std::uint64_t>(scale.at(value).time_since_epoch().count()));
}

RecordWriter& RecordWriter::lifetime(Duration granted, Time ends, const TimeScale& scale) {
  using std::chrono::milliseconds;
  number(static_cast<std::uint64_t>(std::chrono::ceil<milliseconds>(granted).count()));
  return time(ends, scale);
}

RecordWriter& RecordWriter::hop(const transaction::Hop& hop) {
  number(static_cast<std::uint64_t>(hop.protocol) << 1 | (hop.flow != 0 ? 1U : 0U));
  text(octets_of(hop.remote.ip)).number(hop.remote.port);
  return text(octets_of(hop.local.ip)).number(hop.local.port);
}

RecordReader::RecordReader(std::string_view value) : rest_(value), ok_(value.starts_with(format)) {
  if (ok_) rest_.remove_prefix(1);
}

std::uint64_t RecordReader::number() {
  std::uint64_t value = 0;
  if (!ok_ || rest_.empty()) return 0;
  for (unsigned i = 0; i < rest_.size() && i < number_octets_max; ++i) {
    const auto octet = static_cast<std::uint8_t>(rest_[i]);
    value |= std::uint64_t{octet & 0x7fU} << (7 * i);
    if (octet >= 0x80) continue;
    rest_.remove_prefix(i + 1);
    return value;
  }
  ok_ = false;
  return 0;
}

std::string_view RecordReader::text() {
  const std::uint64_t size = number();
  if (size > rest_.size()) ok_ = false;
  if (!ok_) return {};
  const std::string_view value = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return value;
}

WallTime RecordReader::wall_time() {
  return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(number())));
}

Time RecordReader::time(Time now, const TimeScale& scale) {
  constexpr std::chrono::years age_max{10};
  const WallTime here = scale.at(now);
  return now - (here - std::clamp<WallTime>(wall_time(), here - age_max, here));
}

Lifetime RecordReader::lifetime(Time now, const TimeScale& scale, Duration grace) {
  // More would overflow when it is added to a time; none of ours is granted for years.
  constexpr std::uint64_t granted_max = std::chrono::milliseconds(std::chrono::years(100)).count();
  const std::uint64_t milliseconds = number();
  const WallTime ends = wall_time();
  if (milliseconds > granted_max) ok_ = false;
  if (!ok_) return {};
  const Duration granted = std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds));
  // A damaged time must not overflow either.
  const WallTime here = scale.at(now);
  const WallTime near =
      std::clamp<WallTime>(ends, here - std::chrono::years(1000), here + std::chrono::years(1000));
  return {granted, scale.left(granted, near, now, grace)};
}

RecordReader::KeptHop RecordReader::hop() {
  const std::uint64_t head = number();
  const auto remote = read_ip(text());
  const auto remote_port = number_as<std::uint16_t>();
  const auto local = read_ip(text());
  const auto local_port = number_as<std::uint16_t>();
  if (!remote || !local || head >> 1 > static_cast<std::uint64_t>(transaction::Protocol::wss)) ok_ = false;
  if (!ok_) return {};
  return {{.protocol = static_cast<transaction::Protocol>(head >> 1),
           .remote = {*remote, remote_port},
           .local = {*local, local_port}},
          (head & 1) != 0};
}

}  // namespace beckon::store
