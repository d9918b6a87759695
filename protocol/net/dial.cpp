#include <boost/asio/io_context.hpp>

#include "protocol/net/channel.hpp"
#include "protocol/net/stream_channel.hpp"

namespace beckon::net {

void dial(Loop& loop, DialOptions options, std::function<void(Result<ChannelPtr>)> done) {
  auto channel = std::make_shared<StreamChannel>(loop, StreamChannel::Socket(loop.context()), options.remote,
                                                 options.tls, options.limits);
  const Address remote = options.remote;
  auto on_opened = [channel, done](const ErrorCode& error) {
    if (!error) return done(ChannelPtr(channel));
    channel->close(error);
    done(error == Errc::timed_out ? ErrorCode(Errc::no_handshake) : error);
  };
  auto on_connected = [channel, done, on_opened, options = std::move(options)](const ErrorCode& error) {
    if (error) return done(error);
    channel->dial_handshake(options.server_name, options.identity, on_opened);
  };
  channel->connect(remote, std::move(on_connected));
}

}  // namespace beckon::net
