#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "protocol/base/address.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"

namespace beckon::net {

class UnfinishedMessage;

/// The sum of the octets that one loop's connections hold of messages whose end has not arrived, and its
/// bound. When the sum exceeds the bound, the source address that holds the most loses its largest message:
/// that connection is closed. A peer in the middle of an ordinary message is therefore not closed for a flood
/// from elsewhere. Sources are counted as `counted_as` says.
class Unfinished {
 public:
  explicit Unfinished(std::size_t limit = std::size_t{64} << 20) : limit_(limit) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;

  void set_limit(std::size_t octets) { limit_ = octets; }
  std::size_t octets() const { return octets_; }
  /// Connections closed because of the bound, since the start.
  std::size_t closed() const { return closed_; }

 private:
  friend class UnfinishedMessage;
  using Messages = std::set<std::pair<std::size_t, UnfinishedMessage*>>;
  struct Source {
    std::size_t octets = 0;
    Messages messages;  ///< Those that hold anything, by size.
  };
  void set(UnfinishedMessage& message, std::size_t octets);
  void close_largest(Time now);

  std::size_t limit_;
  std::size_t octets_ = 0;
  std::size_t closed_ = 0;
  std::map<IpAddress, Source> sources_;
  std::set<std::pair<std::size_t, IpAddress>> largest_;  ///< Sources by their sum.
  Time next_log_{};
};

/// The message in progress of one connection: its deadline, and its part of the sum. Pure; lives on the
/// loop's thread and must not outlive the `Unfinished`.
class UnfinishedMessage {
 public:
  /// Errc::timed_out: the end did not arrive in time. Errc::crowded_out: the sum exceeded its bound. The
  /// message counts as ended when this is called. It may be called from inside `hold` of any connection of
  /// the loop.
  using Close = std::function<void(ErrorCode reason)>;

  /// `time` is how long one message may take from its first octet to its last.
  UnfinishedMessage(Unfinished& sum, TimerQueue& timers, const Address& peer, Duration time, Close close);
  UnfinishedMessage(const UnfinishedMessage&) = delete;
  UnfinishedMessage& operator=(const UnfinishedMessage&) = delete;
  ~UnfinishedMessage() { end(); }

  /// A message is in progress and `octets` of it are held. The first call after `end` starts the deadline.
  void hold(std::size_t octets, Time now);
  /// No message is in progress.
  void end();
  bool is_begun() const { return deadline_.is_set(); }

 private:
  friend class Unfinished;
  Unfinished& sum_;
  Address peer_;
  IpAddress source_;
  Duration time_;
  Close close_;
  std::size_t octets_ = 0;
  Timer deadline_;
};

}  // namespace beckon::net
