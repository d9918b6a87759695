#pragma once

#include <deque>

#include "protocol/base/random.hpp"
#include "protocol/net/channel.hpp"
#include "protocol/sip/framer.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::net {

/// One SIP stream connection: a channel, its framer, and the callbacks of messages that may fail to leave.
class Flow : public std::enable_shared_from_this<Flow> {
 public:
  using Failed = transaction::OnFailed;
  struct Events {
    std::function<void(const transaction::Hop&, sip::Message)> on_message;
    std::function<void(const transaction::Hop&, ErrorCode, std::string_view)> on_malformed;
    std::function<void(const transaction::Hop&)> on_closed;
  };

  /// `dialled` counts a flow that we dialled, as long as it is held; null for one we accepted. `message_time`
  /// is how long one message may take to arrive.
  Flow(transaction::Hop hop, ChannelPtr channel, std::shared_ptr<void> dialled, Duration message_time);

  void start(Events events);
  /// `failed` is called later if the message is known not to have been written.
  void send(transaction::Outgoing message, Failed failed);
  /// Sends CRLF CRLF every 5/6 to 1 of `longest` from now on, and closes when nothing at all comes within
  /// `wait` (RFC 5626 4.4.1; zero: no answer is expected). Without `random` every `longest`.
  void keep_alive(Duration longest, Duration wait, Random* random);
  void finish() { channel_->finish(); }
  void close() { channel_->close(Errc::closed); }

  const transaction::Hop& hop() const { return hop_; }
  bool is_open() const { return channel_->is_open(); }
  bool is_dialled() const { return dialled_ != nullptr; }
  std::size_t queued() const { return channel_->queued(); }
  /// Whom the peer's certificate is for (RFC 5922 7.1); empty without one we trust.
  const std::vector<std::string>& peer_names() const { return peer_names_; }

 private:
  struct Pending {
    std::uint64_t end;  ///< Octets sent on the flow up to the message's end.
    Failed failed;
  };
  void on_octets(std::string_view octets);
  void on_whole(std::string_view octets);
  bool take(sip::Framer::Item item);
  void watch_unfinished();
  void on_closed(ErrorCode reason);
  void forget_written();
  void fail_later(Failed failed, ErrorCode error);
  void ping(Duration wait);

  transaction::Hop hop_;
  ChannelPtr channel_;
  std::shared_ptr<void> dialled_;
  std::vector<std::string> peer_names_;
  sip::Framer framer_;
  Events events_;
  std::uint64_t octets_sent_ = 0;
  std::deque<Pending> pending_;
  UnfinishedMessage unfinished_;
  Timer ping_, pong_;
};

}  // namespace beckon::net
