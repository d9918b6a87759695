#include "protocol/net/unfinished.hpp"

#include "protocol/base/log.hpp"
#include "protocol/net/error.hpp"
#include "protocol/net/source_address.hpp"

namespace beckon::net {
namespace {

constexpr Duration log_pause = 1s;  // a flood does not fill the log

}  // namespace

void Unfinished::set(UnfinishedMessage& message, std::size_t octets) {
  if (message.octets_ == octets) return;
  Source& source = sources_[message.source_];
  source.messages.erase({message.octets_, &message});
  largest_.erase({source.octets, message.source_});
  octets_ += octets - message.octets_;
  source.octets += octets - message.octets_;
  message.octets_ = octets;
  if (octets > 0) source.messages.emplace(octets, &message);
  if (source.octets > 0) {
    largest_.emplace(source.octets, message.source_);
  } else {
    sources_.erase(message.source_);
  }
}

void Unfinished::close_largest(Time now) {
  const IpAddress source = largest_.rbegin()->second;
  UnfinishedMessage& message = *sources_.at(source).messages.rbegin()->second;
  ++closed_;
  if (now >= next_log_) {
    next_log_ = now + log_pause;
    log::warn(
        "net",
        "{}: connection closed with {} octets of an unfinished message: all unfinished messages together "
        "hold {}, the limit is {} ({} connections closed for it so far)",
        print(message.peer_), message.octets_, octets_, limit_, closed_);
  }
  message.end();
  const auto close = message.close_;  // outlives the message, which the call may destroy
  close(Errc::crowded_out);
}

UnfinishedMessage::UnfinishedMessage(Unfinished& sum, TimerQueue& timers, const Address& peer, Duration time,
                                     Close close)
    : sum_(sum),
      peer_(peer),
      source_(counted_as(peer.ip)),
      time_(time),
      close_(std::move(close)),
      deadline_(timers) {}

void UnfinishedMessage::hold(std::size_t octets, Time now) {
  if (!deadline_.is_set()) {
    deadline_.set(now + time_, [this](Time) {
      log::debug("net", "{}: a message of {} octets so far did not end in time", print(peer_), octets_);
      end();
      const auto close = close_;  // outlives this, which the call may destroy
      close(Errc::timed_out);
    });
  }
  sum_.set(*this, octets);
  Unfinished& sum = sum_;
  while (sum.octets_ > sum.limit_) sum.close_largest(now);
}

void UnfinishedMessage::end() {
  deadline_.cancel();
  sum_.set(*this, 0);
}

}  // namespace beckon::net
