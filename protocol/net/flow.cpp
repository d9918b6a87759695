#include "protocol/net/flow.hpp"

#include "protocol/base/log.hpp"

namespace beckon::net {
namespace {

const SharedText& line_end() {
  static const SharedText text = share("\r\n");
  return text;
}
const SharedText& two_line_ends() {
  static const SharedText text = share("\r\n\r\n");
  return text;
}

}  // namespace

Flow::Flow(transaction::Hop hop, ChannelPtr channel, std::shared_ptr<void> dialled, Duration message_time)
    : hop_(hop),
      channel_(std::move(channel)),
      dialled_(std::move(dialled)),
      peer_names_(channel_->peer_names()),
      unfinished_(channel_->loop().unfinished(), channel_->loop().timers(), hop_.remote, message_time,
                  [this](ErrorCode reason) { channel_->close(reason); }),
      ping_(channel_->loop().timers()),
      pong_(channel_->loop().timers()) {}

void Flow::start(Events events) {
  events_ = std::move(events);
  // The channel holds the flow while it is open; its last call ends that.
  channel_->start({.on_octets =
                       [self = shared_from_this()](std::string_view octets) {
                         if (transaction::is_websocket(self->hop_.protocol)) return self->on_whole(octets);
                         self->on_octets(octets);
                       },
                   .on_closed = [self = shared_from_this()](ErrorCode reason) { self->on_closed(reason); }});
}

void Flow::on_octets(std::string_view octets) {
  framer_.push(octets);
  while (channel_->is_open()) {
    auto item = framer_.next();
    if (!item) {
      log::debug("net", "{}: {}", print(hop_.remote), item.error().message());
      events_.on_malformed(hop_, item.error(), *framer_.refused());
      unfinished_.end();
      framer_ = sip::Framer();
      channel_->finish();
      return;
    }
    if (!*item) return watch_unfinished();
    unfinished_.end();
    if (!take(std::move(**item))) return;
  }
}

void Flow::watch_unfinished() {
  if (framer_.held() == 0) return unfinished_.end();
  unfinished_.hold(framer_.held(), channel_->loop().now().mono);
}

// A WebSocket keeps the bounds of messages, and Content-Length is not needed (RFC 7118 5).
void Flow::on_whole(std::string_view octets) {
  if (octets == "\r\n\r\n") channel_->send(line_end());
  const auto begin = octets.find_first_not_of("\r\n");
  if (begin == std::string_view::npos) return;
  octets.remove_prefix(begin);
  auto message = sip::Message::parse(share(octets), {.message = octets.size()});
  if (message) return events_.on_message(hop_, std::move(*message));
  log::debug("net", "{}: {}", print(hop_.remote), message.error().message());
  events_.on_malformed(hop_, message.error(), octets);
}

bool Flow::take(sip::Framer::Item item) {
  switch (item.kind) {
    case sip::Framer::Item::Kind::message:
      events_.on_message(hop_, std::move(*item.message));
      return true;
    case sip::Framer::Item::Kind::ping:
      // Only this side pings a dialled flow: CRLF CRLF from the peer is two pongs in one packet.
      return is_dialled() || channel_->send(line_end());
    case sip::Framer::Item::Kind::pong:
      return true;  // the channel has noted that something came
  }
  return true;
}

void Flow::on_closed(ErrorCode reason) {
  log::debug("net", "flow {:x} to {} closed: {}", hop_.flow, print(hop_.remote), reason.message());
  unfinished_.end();
  ping_.cancel();
  pong_.cancel();
  forget_written();
  for (auto& each : pending_) fail_later(std::move(each.failed), reason);
  pending_.clear();
  const auto events = std::move(events_);
  events.on_closed(hop_);
}

void Flow::send(transaction::Outgoing message, Failed failed) {
  const std::size_t size = message.size();
  forget_written();
  if (!channel_->is_open()) return fail_later(std::move(failed), Errc::flow_gone);
  if (!channel_->send(std::move(message.head), std::move(message.body)))
    return fail_later(std::move(failed), Errc::queue_full);
  octets_sent_ += size;
  if (failed) pending_.push_back({octets_sent_, std::move(failed)});
}

void Flow::forget_written() {
  // Pongs and pings are queued, too, but not counted; messages are only forgotten a little later for it.
  const std::uint64_t queued = channel_->queued();
  while (!pending_.empty() && pending_.front().end + queued <= octets_sent_) pending_.pop_front();
}

void Flow::fail_later(Failed failed, ErrorCode error) {
  if (!failed) return;
  channel_->loop().post([failed = std::move(failed), error] { failed(error); });
}

void Flow::keep_alive(Duration longest, Duration wait, Random* random) {
  const double share = random != nullptr ? (5 + random->unit()) / 6 : 1;
  const Duration pause(static_cast<Duration::rep>(share * static_cast<double>(longest.count())));
  ping_.set(channel_->loop().now().mono + pause, [this, longest, wait, random](Time) {
    ping(wait);
    if (channel_->is_open()) keep_alive(longest, wait, random);
  });
}

void Flow::ping(Duration wait) {
  const Time pinged = channel_->loop().now().mono;
  if (!channel_->send(two_line_ends()) || wait == Duration::zero() || pong_.is_set()) return;
  pong_.set(pinged + wait, [this, pinged](Time) {
    if (channel_->last_received() < pinged) channel_->close(Errc::idle);
  });
}

}  // namespace beckon::net
