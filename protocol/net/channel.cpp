#include "protocol/net/channel.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include "protocol/base/log.hpp"
#include "protocol/net/asio.hpp"
#include "protocol/net/stream_channel.hpp"

namespace beckon::net {
namespace {

namespace asio = boost::asio;

const char* why_untrusted(const SSL* ssl) {
  return X509_verify_cert_error_string(SSL_get_verify_result(ssl));
}

constexpr std::size_t read_size = 8192;     // octets asked for at once; most SIP messages are smaller
constexpr std::size_t gather_at_most = 64;  // pieces of one writev
constexpr auto aborted = asio::error::operation_aborted;

bool is_end(const ErrorCode& error) {
  return error == asio::error::eof || error == asio::ssl::error::stream_truncated;
}

}  // namespace

StreamChannel::StreamChannel(Loop& loop, Socket socket, const Address& remote, TlsContextPtr tls,
                             ChannelLimits limits)
    : loop_(loop),
      tls_context_(std::move(tls)),
      socket_(std::move(socket)),
      secure_(tls_context_ != nullptr),
      limits_(limits),
      remote_(remote),
      timer_(loop.timers()) {
  if (socket_.is_open()) learn_local();
}

void StreamChannel::learn_local() {
  ErrorCode error;
  if (const auto endpoint = socket_.local_endpoint(error); !error) local_ = from_asio(endpoint);
  socket_.set_option(asio::ip::tcp::no_delay(true), error);
}

// ---- opening

// Ends an opening step that takes too long: `done` is called for whichever happens first.
void StreamChannel::limit_opening(const std::shared_ptr<Done>& done) {
  timer_.set(loop_.now().mono + limits_.handshake, [this, self = shared_from_this(), done](Time) {
    ErrorCode ignored;
    socket_.close(ignored);
    if (auto call = std::exchange(*done, nullptr)) call(Errc::timed_out);
  });
}

void StreamChannel::connect(const Address& remote, Done done) {
  const auto shared = std::make_shared<Done>(std::move(done));
  limit_opening(shared);
  remote_ = remote;
  socket_.async_connect(to_tcp(remote), [self = shared_from_this(), shared](const ErrorCode& error) {
    auto call = std::exchange(*shared, nullptr);
    if (!call) return;
    self->timer_.cancel();
    if (!error) self->learn_local();
    call(error);
  });
}

void StreamChannel::handshake(asio::ssl::stream_base::handshake_type type, Done done) {
  const auto shared = std::make_shared<Done>(std::move(done));
  limit_opening(shared);
  tls_->async_handshake(type, [self = shared_from_this(), shared](const ErrorCode& error) {
    auto call = std::exchange(*shared, nullptr);
    if (!call) return;
    self->timer_.cancel();
    call(error);
  });
}

void StreamChannel::accept_handshake(Done done) {
  if (!secure_) return done({});
  tls_in_use_ = tls_context_->impl().current();
  tls_.emplace(socket_, *tls_in_use_);
  auto check = [this, done = std::move(done)](const ErrorCode& error) {
    const SSL* ssl = tls_->native_handle();
    if (!error && SSL_get_verify_result(ssl) != X509_V_OK && tls_context_->impl().may_log(loop_.now().mono))
      log::info("net", "{}: the client's certificate is not trusted: {}", print(remote_), why_untrusted(ssl));
    done(error);
  };
  handshake(asio::ssl::stream_base::server, std::move(check));
}

/// Who shows the pinned certificate has its key: the handshake proves that.
ErrorCode StreamChannel::check_pin(const SSL* ssl, const std::string& pinned) {
  X509* certificate = SSL_get0_peer_certificate(ssl);
  const std::string shown = certificate ? fingerprint(certificate) : "no certificate";
  if (shown == pinned) return {};
  log::info("net", "{}: the server shows the certificate {}, and {} is expected", print(remote_), shown,
            pinned);
  return Errc::other_certificate;
}

void StreamChannel::dial_handshake(const std::string& server_name, Identity identity, Done done) {
  if (!secure_) return done({});
  tls_in_use_ = tls_context_->impl().current();
  tls_.emplace(socket_, *tls_in_use_);
  SSL* ssl = tls_->native_handle();
  if (!parse_ip(server_name)) SSL_set_tlsext_host_name(ssl, server_name.c_str());
  auto check = [this, ssl, server_name, identity, done = std::move(done)](const ErrorCode& error) {
    if (const std::string& pinned = tls_context_->impl().pinned; !pinned.empty())
      return done(error ? error : check_pin(ssl, pinned));
    if (SSL_get_verify_result(ssl) != X509_V_OK) {
      log::info("net", "{}: the certificate for {} is not trusted: {}", print(remote_), server_name,
                why_untrusted(ssl));
      return done(Errc::untrusted);
    }
    if (error) return done(error);
    X509* certificate = SSL_get0_peer_certificate(ssl);
    if (!certificate) return done(Errc::untrusted);
    if (is_for(certificate, server_name, identity)) return done({});
    log::info("net", "{}: the certificate is not for {}, but for {}", print(remote_), server_name,
              fmt::join(identities(certificate), ", "));
    done(Errc::wrong_name);
  };
  handshake(asio::ssl::stream_base::client, std::move(check));
}

std::vector<std::string> StreamChannel::peer_names() {
  if (!tls_) return {};
  SSL* ssl = tls_->native_handle();
  X509* certificate = SSL_get0_peer_certificate(ssl);
  return certificate && SSL_get_verify_result(ssl) == X509_V_OK ? identities(certificate)
                                                                : std::vector<std::string>();
}

// ---- open

void StreamChannel::start(Handler handler) {
  handler_ = std::move(handler);
  if (state_ != State::opening) return;
  state_ = State::open;
  self_ = shared_from_this();
  in_.resize(read_size);
  last_received_ = loop_.now().mono;
  watch_idle();
  read();
}

void StreamChannel::set_idle(Duration idle) {
  limits_.idle = idle;
  if (state_ == State::open) watch_idle();
}

// One timer that is set again when octets have arrived meanwhile, so that traffic sets no timer.
void StreamChannel::watch_idle() {
  timer_.cancel();
  if (limits_.idle == Duration::zero()) return;
  timer_.set(last_received_ + limits_.idle, [this](Time now) {
    if (now >= last_received_ + limits_.idle) return close(Errc::idle);
    watch_idle();
  });
}

void StreamChannel::read() {
  if (reading_ || paused_ || state_ != State::open) return;
  reading_ = true;
  auto on_done = [self = shared_from_this()](const ErrorCode& error, std::size_t size) {
    self->reading_ = false;
    self->on_read(error, size);
  };
  if (tls_) {
    tls_->async_read_some(asio::buffer(in_), std::move(on_done));
  } else {
    socket_.async_read_some(asio::buffer(in_), std::move(on_done));
  }
}

void StreamChannel::on_read(const ErrorCode& error, std::size_t size) {
  if (state_ != State::open) return;
  if (size > 0) {
    last_received_ = loop_.now().mono;
    const auto handler = handler_.on_octets;  // outlives a close from inside it
    handler({in_.data(), size});
  }
  if (state_ != State::open) return;
  // A peer that has closed its side still receives what is queued for it.
  if (is_end(error)) return queued_ > 0 ? finish() : close(Errc::closed);
  if (error) return close(error);
  read();
}

void StreamChannel::resume() {
  paused_ = false;
  last_received_ = loop_.now().mono;
  read();
}

bool StreamChannel::send(SharedText octets, SharedText rest) {
  if (state_ != State::open) return false;
  const std::size_t size = octets->size() + (rest ? rest->size() : 0);
  if (queued_ + size > limits_.queue) {
    close(Errc::queue_full);
    return false;
  }
  queued_ += size;
  out_.push_back(std::move(octets));
  if (rest) out_.push_back(std::move(rest));
  write();
  return true;
}

void StreamChannel::write() {
  if (writing_ || out_.empty()) return;
  writing_ = true;
  gather_.clear();
  for (const auto& each : out_) {
    gather_.push_back(asio::buffer(*each));
    if (gather_.size() == gather_at_most) break;
  }
  auto on_done = [self = shared_from_this()](const ErrorCode& error, std::size_t) {
    self->on_written(error);
  };
  if (tls_) {
    asio::async_write(*tls_, gather_, std::move(on_done));
  } else {
    asio::async_write(socket_, gather_, std::move(on_done));
  }
}

void StreamChannel::on_written(const ErrorCode& error) {
  writing_ = false;
  if (state_ == State::closed) return;
  if (error) return close(error);
  for (std::size_t i = 0; i < gather_.size(); ++i) {
    queued_ -= out_.front()->size();
    out_.pop_front();
  }
  if (!out_.empty()) return write();
  if (state_ == State::finishing) return say_goodbye();
  if (const auto on_written = handler_.on_written) on_written();  // it may close the channel
}

// ---- closing

void StreamChannel::finish() {
  if (state_ != State::open) return;
  state_ = State::finishing;
  timer_.set(loop_.now().mono + limits_.linger, [this](Time) { close(Errc::closed); });
  if (!writing_) say_goodbye();
}

// What the peer still sends is read and dropped until it closes too: closing on unread octets would reset the
// connection and take our last answer with it.
void StreamChannel::say_goodbye() {
  if (std::exchange(saying_goodbye_, true)) return;
  ErrorCode ignored;
  socket_.cancel(ignored);  // the read
  if (!tls_) return drain();
  tls_->async_shutdown([self = shared_from_this()](const ErrorCode&) { self->drain(); });
}

void StreamChannel::drain() {
  if (state_ != State::finishing) return;
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  if (in_.empty()) in_.resize(read_size);
  socket_.async_read_some(asio::buffer(in_),
                          [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                            if (error && error != aborted) return self->close(Errc::closed);
                            self->drain();
                          });
}

void StreamChannel::close(ErrorCode reason) {
  if (state_ == State::closed) return;
  state_ = State::closed;
  timer_.cancel();
  ErrorCode ignored;
  socket_.close(ignored);
  if (!writing_) out_.clear();
  held_.reset();
  auto handler = std::move(handler_);
  handler_ = {};
  if (!handler.on_closed) return;
  loop_.post([self = std::move(self_), handler = std::move(handler), reason] { handler.on_closed(reason); });
}

}  // namespace beckon::net
