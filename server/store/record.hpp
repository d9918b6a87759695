#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/time.hpp"
#include "protocol/transaction/transport.hpp"
#include "server/store/time_scale.hpp"

/// The one encoding of what rooms keep in the store: typed fields, one after the other, without names.
///
/// A value begins with the octet `1`. Numbers are LEB128, texts carry their length. A later version of a
/// room adds fields at the end only: an older reader leaves them unread, and a field that is absent reads as
/// zero or empty.
namespace beckon::store {

/// How long a state lives. `granted` is what its owner was promised; `left` is what remains of it.
struct Lifetime {
  Duration granted{};
  Duration left{};
};

class RecordWriter {
 public:
  RecordWriter();
  RecordWriter& number(std::uint64_t value);
  RecordWriter& text(std::string_view value);
  RecordWriter& flag(bool value) { return number(value ? 1 : 0); }
  RecordWriter& time(Time value, const TimeScale& scale);
  RecordWriter& lifetime(Duration granted, Time ends, const TimeScale& scale);
  /// Without flow, which ends with the process, and name: whether there was a flow is kept.
  RecordWriter& hop(const transaction::Hop& hop);
  /// Ends the writing.
  std::string finish() { return fmt::to_string(out_); }

 private:
  fmt::memory_buffer out_;
};

/// Reads what RecordWriter wrote. After a field that is malformed every further one reads as zero or empty,
/// and `ok()` is false.
class RecordReader {
 public:
  explicit RecordReader(std::string_view value);
  std::uint64_t number();
  template <class T>
  T number_as() {
    const std::uint64_t value = number();
    if (value != static_cast<std::uint64_t>(static_cast<T>(value))) ok_ = false;
    return static_cast<T>(value);
  }
  std::string_view text();
  bool flag() { return number() != 0; }
  /// A time in the past: not after `now`, and not more than ten years before it.
  Time time(Time now, const TimeScale& scale);
  /// `left` as `TimeScale::left`.
  Lifetime lifetime(Time now, const TimeScale& scale, Duration grace);
  struct KeptHop {
    transaction::Hop hop;  ///< Without flow.
    bool had_flow = false;
  };
  KeptHop hop();
  bool ok() const { return ok_; }

 private:
  WallTime wall_time();

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace beckon::store
