#include "protocol/net/websocket.hpp"

#include <algorithm>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"
#include "protocol/net/websocket_framer.hpp"

namespace beckon::net {
namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::empty_body>;
using Request = http::request<http::empty_body>;

constexpr std::uint32_t header_limit = 16384;  // octets; browsers send cookies too
constexpr std::size_t key_octets = 16;         // RFC 6455 4.1
constexpr std::string_view subprotocol = "sip";
constexpr std::string_view key_suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3

bool lists(std::string_view value, std::string_view token) {
  const auto tokens = split(value, ',');
  return std::any_of(tokens.begin(), tokens.end(), [&](auto each) { return iequals(each, token); });
}

// Of all lines of that name.
bool lists(const Request& request, http::field name, std::string_view token) {
  const auto [first, last] = request.equal_range(name);
  return std::any_of(first, last, [&](const auto& line) { return lists(line.value(), token); });
}

struct Refusal {
  int status;
  std::string_view reason, headers;
};

// Why a request does not open a WebSocket for SIP (RFC 6455 4.2.1, 4.2.2; RFC 7118 4.1).
std::optional<Refusal> refusal_of(const Request& request, const WebSocketOptions& options) {
  constexpr Refusal bad{400, "Bad Request", {}};
  constexpr Refusal upgrade{426, "Upgrade Required", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"};
  if (request.method() != http::verb::get) return Refusal{405, "Method Not Allowed", "Allow: GET\r\n"};
  if (request.version() < 11 || !lists(request, http::field::upgrade, "websocket") ||
      !lists(request, http::field::connection, "upgrade") ||
      trim(request[http::field::sec_websocket_version]) != "13")
    return upgrade;
  const auto key = from_base64(request[http::field::sec_websocket_key]);
  if (request[http::field::host].empty() || !key || key->size() != key_octets) return bad;
  if (!lists(request, http::field::sec_websocket_protocol, subprotocol))
    return Refusal{400, "Subprotocol sip Required", {}};
  const std::string_view origin = request[http::field::origin];
  const auto allowed = [&](const std::string& each) { return iequals(each, origin); };
  if (!options.origins.empty() && std::none_of(options.origins.begin(), options.origins.end(), allowed))
    return Refusal{403, "Origin Not Allowed", {}};
  return std::nullopt;
}

std::string print(const Refusal& refusal) {
  return fmt::format("HTTP/1.1 {} {}\r\n{}Content-Length: 0\r\nConnection: {}close\r\n\r\n", refusal.status,
                     refusal.reason, refusal.headers, refusal.status == 426 ? "upgrade, " : "");
}

std::string print_acceptance(std::string_view key) {
  std::string text(trim(key));
  text += key_suffix;
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         to_base64(crypto::hash(crypto::Hash::sha1, as_bytes(text))) +
         "\r\nSec-WebSocket-Protocol: " + std::string(subprotocol) + "\r\n\r\n";
}

/// A WebSocket over a Channel, from the first octet of the handshake on. The channel below keeps it alive.
class WebSocketChannel final : public Channel, public std::enable_shared_from_this<WebSocketChannel> {
 public:
  using Done = std::function<void(Result<ChannelPtr>)>;

  WebSocketChannel(ChannelPtr below, WebSocketOptions options, Done done)
      : below_(std::move(below)),
        options_(std::move(options)),
        done_(std::move(done)),
        framer_(options_.message),
        unfinished_(below_->loop().unfinished(), below_->loop().timers(), below_->remote(),
                    options_.message_time, [this](ErrorCode reason) { below_->close(reason); }),
        timer_(below_->loop().timers()) {
    parser_.header_limit(header_limit);
  }

  void begin();

  void start(Handler handler) override;
  bool send(SharedText octets, SharedText rest) override;
  void pause() override { below_->pause(); }
  void resume() override { below_->resume(); }
  void finish() override { say_goodbye(WebSocketClose::normal); }
  void close(ErrorCode reason) override;
  void set_idle(Duration idle) override { below_->set_idle(idle); }

  bool is_open() const override { return state_ == State::open && below_->is_open(); }
  bool is_secure() const override { return below_->is_secure(); }
  std::size_t queued() const override { return below_->queued(); }
  Time last_received() const override { return below_->last_received(); }
  const Address& local() const override { return below_->local(); }
  const Address& remote() const override { return below_->remote(); }
  std::vector<std::string> peer_names() override { return below_->peer_names(); }
  Loop& loop() override { return below_->loop(); }

 private:
  enum class State { handshake, open, closing };

  void on_octets(std::string_view octets);
  void shake_hands(std::string_view octets);
  void refuse(const Refusal& refusal);
  void take_frames();
  void watch_unfinished();
  void take(const WebSocketFramer::Item& item);
  void deliver(const WebSocketFramer::Item& item);
  void say_goodbye(WebSocketClose code);
  void watch();
  void on_closed(ErrorCode reason);

  ChannelPtr below_;
  WebSocketOptions options_;
  Done done_;
  Handler handler_;
  State state_ = State::handshake;
  Parser parser_;
  std::string head_;                ///< Octets of the handshake that the parser has not taken.
  std::size_t handshake_size_ = 0;  ///< Octets of the handshake so far.
  WebSocketFramer framer_;
  bool binary_ = false;  ///< The kind the last message came in.
  UnfinishedMessage unfinished_;
  Time pinged_{};
  Timer timer_;
};

void WebSocketChannel::begin() {
  timer_.set(loop().now().mono + options_.handshake, [this](Time) { below_->close(Errc::timed_out); });
  below_->start(
      {.on_octets = [self = shared_from_this()](std::string_view octets) { self->on_octets(octets); },
       .on_closed = [self = shared_from_this()](ErrorCode reason) { self->on_closed(reason); }});
}

void WebSocketChannel::on_octets(std::string_view octets) {
  if (state_ == State::handshake) return shake_hands(octets);
  framer_.push(octets);
  take_frames();
}

void WebSocketChannel::shake_hands(std::string_view octets) {
  head_.append(octets);
  handshake_size_ += octets.size();
  ErrorCode error;
  const std::size_t used = parser_.put(boost::asio::buffer(head_), error);
  head_.erase(0, used);
  if (error == http::error::need_more) return unfinished_.hold(handshake_size_, loop().now().mono);
  unfinished_.end();
  if (error == http::error::header_limit) return refuse({431, "Request Header Fields Too Large", {}});
  if (error) return refuse({400, "Bad Request", {}});
  if (!parser_.is_done()) return refuse({400, "Bad Request", {}});  // a body
  if (const auto refusal = refusal_of(parser_.get(), options_)) return refuse(*refusal);
  timer_.cancel();
  state_ = State::open;
  if (!below_->send(share(print_acceptance(parser_.get()[http::field::sec_websocket_key])))) return;
  framer_.push(std::exchange(head_, {}));
  const auto done = std::exchange(done_, nullptr);
  done(ChannelPtr(shared_from_this()));
}

void WebSocketChannel::refuse(const Refusal& refusal) {
  log::debug("net", "{}: no WebSocket: {} {}", beckon::print(remote()), refusal.status, refusal.reason);
  timer_.cancel();
  state_ = State::closing;
  below_->send(share(print(refusal)));
  below_->finish();
}

void WebSocketChannel::start(Handler handler) {
  handler_ = std::move(handler);
  watch();
  // What the client sent right behind its handshake.
  loop().post([self = shared_from_this()] { self->take_frames(); });
}

void WebSocketChannel::take_frames() {
  while (is_open() && handler_.on_octets) {
    auto item = framer_.next();
    if (!item) {
      log::debug("net", "{}: WebSocket: {}", beckon::print(remote()), item.error().message());
      return say_goodbye(close_code(item.error()));
    }
    if (!*item) return watch_unfinished();
    take(**item);
  }
}

void WebSocketChannel::watch_unfinished() {
  if (!framer_.is_begun()) return unfinished_.end();
  unfinished_.hold(framer_.held(), loop().now().mono);
}

void WebSocketChannel::deliver(const WebSocketFramer::Item& item) {
  unfinished_.end();
  binary_ = item.kind == WebSocketOpcode::binary;
  const auto on_octets = handler_.on_octets;  // outlives a close from inside it
  on_octets(item.octets);
}

void WebSocketChannel::take(const WebSocketFramer::Item& item) {
  switch (item.kind) {
    case WebSocketOpcode::text:
    case WebSocketOpcode::binary:
      return deliver(item);
    case WebSocketOpcode::ping:
      below_->send(print_frame(WebSocketOpcode::pong, item.octets));
      return;
    case WebSocketOpcode::close:
      return say_goodbye(WebSocketClose::normal);
    case WebSocketOpcode::pong:  // the channel below has noted that something came
    case WebSocketOpcode::continuation:
      return;
  }
}

bool WebSocketChannel::send(SharedText octets, SharedText rest) {
  if (!is_open()) return false;
  const std::string_view more = rest ? *rest : std::string_view();
  const bool is_text = !binary_ && is_utf8(*octets) && is_utf8(more);
  const auto kind = is_text ? WebSocketOpcode::text : WebSocketOpcode::binary;
  SharedText head = print_frame_head(kind, octets->size() + more.size(), *octets);
  return below_->send(std::move(head), std::move(rest));
}

void WebSocketChannel::watch() {
  if (options_.ping == Duration::zero()) return;
  timer_.set(std::max(last_received(), pinged_) + options_.ping, [this](Time now) {
    if (!is_open()) return;
    if (now >= last_received() + options_.ping) {
      pinged_ = now;
      below_->send(print_frame(WebSocketOpcode::ping, {}));
    }
    watch();
  });
}

// The peer's own close frame, if it comes, is read and dropped by the channel below.
void WebSocketChannel::say_goodbye(WebSocketClose code) {
  if (state_ != State::open) return;
  timer_.cancel();
  unfinished_.end();
  below_->send(print_close(code));
  state_ = State::closing;
  below_->finish();
}

void WebSocketChannel::close(ErrorCode reason) {
  timer_.cancel();
  unfinished_.end();
  state_ = State::closing;
  below_->close(reason);
  auto handler = std::exchange(handler_, {});
  if (handler.on_closed) loop().post([handler = std::move(handler), reason] { handler.on_closed(reason); });
}

void WebSocketChannel::on_closed(ErrorCode reason) {
  timer_.cancel();
  unfinished_.end();
  state_ = State::closing;
  if (const auto done = std::exchange(done_, nullptr)) return done(reason);
  const auto handler = std::exchange(handler_, {});
  if (handler.on_closed) handler.on_closed(reason);
}

}  // namespace

void accept_websocket(ChannelPtr channel, WebSocketOptions options,
                      std::function<void(Result<ChannelPtr>)> done) {
  std::make_shared<WebSocketChannel>(std::move(channel), std::move(options), std::move(done))->begin();
}

}  // namespace beckon::net
