#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "protocol/base/time.hpp"

namespace beckon::jitter {

/// The share of each delay among those that were seen. What is older weighs less.
class Histogram {
 public:
  static constexpr Duration step = 5ms;
  static constexpr std::size_t size = 80;  ///< 0.4 s: above the longest delay that is ever aimed at.

  /// `keep`: what the weights before this one are multiplied with. The first ones are averaged evenly.
  explicit Histogram(float keep) : keep_(keep) {}

  void add(Duration delay);
  /// The delay that no more than a share of `rest` exceeds.
  Duration quantile(float rest) const;
  /// The delay d for which d + `cost` times the share above it is least.
  Duration cheapest(Duration cost) const;

 private:
  float keep_;
  std::uint32_t count_ = 0;
  std::array<float, size> shares_{};
};

/// How long packets have to wait for those that come slower. Learned from the transit times, which are
/// arrivals less nominal times: of the packets half a second ago, each against the fastest around it, so that
/// a spike counts and a path that became longer for good does not. Pure, constant work per packet.
class DelayEstimate {
 public:
  struct Limits {
    Duration start;  ///< Aimed at before anything is known.
    Duration least;
    Duration most;
  };
  explicit DelayEstimate(const Limits& limits) : limits_(limits), target_(limits.start) {}

  /// One packet, in the order of arrival. `reordered`: one that was sent later has come before.
  void on_packet(Duration transit, bool reordered);
  /// The sender's clock begins anew. What the network is like stays known.
  void restart();

  /// How long the fastest packets should wait.
  Duration target() const { return target_; }
  /// Has the target been measured?
  bool is_known() const { return known_; }
  /// The shortest transit of the last second. At least one packet has come since the last restart.
  Duration fastest() const { return fastest_; }

 private:
  struct Transit {
    Duration time{};
    bool reordered = false;
  };
  static constexpr std::size_t reach = 25;   ///< Packets to either side that one is measured against: 0.5 s.
  static constexpr std::size_t group = 10;   ///< Packets whose slowest is one sample of the histogram.
  static constexpr float keep_slow = 0.97F;  ///< A sample every 0.2 s: half is forgotten after 4.6 s.
  static constexpr float keep_reordered = 0.9993F;  ///< A sample every packet.

  const Transit& back(std::size_t age) const { return transits_[(count_ - 1 - age) % transits_.size()]; }
  Duration least(std::size_t newest, std::size_t oldest) const;
  void judge();

  Limits limits_;
  Duration target_;
  Duration fastest_{};
  bool known_ = false;
  std::array<Transit, 64> transits_{};  ///< A ring, by arrival.
  std::size_t count_ = 0;
  std::size_t grouped_ = 0;
  Duration slowest_{};  ///< Of the group that is being collected.
  Histogram slow_{keep_slow};
  Histogram reordered_{keep_reordered};
};

}  // namespace beckon::jitter
