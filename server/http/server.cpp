#include "server/http/server.hpp"

#include <atomic>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <unordered_set>
#include <vector>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"

namespace beckon::http {
namespace {

namespace beast_http = boost::beast::http;
using Parser = beast_http::request_parser<beast_http::string_body>;

std::string print_date(WallTime now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[utc.tm_wday], utc.tm_mday,
                     months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

// A handler's header value never begins another line.
std::string one_line(std::string_view value) {
  std::string text(value);
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
  return text;
}

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

struct Answering {
  bool head = false;  ///< The request was HEAD: the length is sent, the body is not.
  bool close = false;
};

std::string write(const HttpResponse& response, const Answering& how, std::string_view server, WallTime now) {
  std::string text = fmt::format("HTTP/1.1 {} {}\r\nServer: {}\r\nDate: {}\r\n", response.status,
                                 default_reason(response.status), server, print_date(now));
  for (const auto& [name, value] : response.headers) text += one_line(name) + ": " + one_line(value) + "\r\n";
  if (has_body(response.status)) text += fmt::format("Content-Length: {}\r\n", response.body.size());
  if (how.close) text += "Connection: close\r\n";
  text += "\r\n";
  if (has_body(response.status) && !how.head) text += response.body;
  return text;
}

// RFC 9112, RFC 9110: the answer to a request that cannot be read.
int status_for(const ErrorCode& error) {
  if (error == beast_http::error::header_limit) return 431;
  if (error == beast_http::error::body_limit) return 413;
  return 400;
}

/// Whoever reads it sees the same end of the body and the same host (RFC 9112 3.2, 6.1): one Host, and no
/// coding besides "chunked", which the parser knows.
bool is_unambiguous(const Parser& parser) {
  const auto& message = parser.get();
  const auto codings = message.count(beast_http::field::transfer_encoding);
  if (codings > 1 || (codings == 1 && !parser.chunked())) return false;
  if (codings == 1 && !iequals(std::string_view(message[beast_http::field::transfer_encoding]), "chunked"))
    return false;
  const auto hosts = message.count(beast_http::field::host);
  return message.version() < 11 ? codings == 0 && hosts <= 1 : hosts == 1;
}

HttpRequest read(Parser& parser, const net::Channel& channel) {
  auto& message = parser.get();
  HttpRequest request;
  request.method = message.method_string();
  request.target = message.target();
  for (const auto& field : message) request.headers.emplace_back(field.name_string(), field.value());
  request.body = std::move(message.body());
  request.peer = channel.remote();
  request.secure = channel.is_secure();
  return request;
}

}  // namespace

/// One connection: reads a request, has it handled, writes the answer, reads the next.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(HttpServer::Impl& server, net::ChannelPtr channel);
  void start();
  /// Closes; the server is going.
  void drop();

 private:
  // Answers 500 when every copy of a Respond was dropped unused, on whatever thread the last one is
  // destroyed.
  struct Ticket {
    Ticket(std::weak_ptr<HttpServer::Impl> home, std::weak_ptr<HttpConnection> of, std::uint64_t request)
        : server(std::move(home)), connection(std::move(of)), number(request) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket();
    std::weak_ptr<HttpServer::Impl> server;
    std::weak_ptr<HttpConnection> connection;
    std::uint64_t number;
    std::atomic<bool> used = false;
  };

  void begin_request();
  void on_octets(std::string_view octets);
  void parse();
  void send_continue();
  void on_request();
  void refuse(int status);
  void respond(std::uint64_t number, HttpResponse response);
  void take_next();
  void on_closed();

  HttpServer::Impl* server_;
  net::ChannelPtr channel_;
  std::optional<Parser> parser_;
  std::string in_;            ///< What the parser has not taken.
  std::size_t received_ = 0;  ///< Octets of the request that the parser has taken.
  std::uint64_t request_number_ = 0;
  bool busy_ = false;  ///< A request is being handled.
  bool continue_sent_ = false;
  Answering answering_;
  net::UnfinishedMessage unfinished_;
};

struct HttpServer::Impl : std::enable_shared_from_this<Impl> {
  Impl(net::Loop& owner, std::string header, Handler chosen, HttpLimits bounds)
      : loop(owner), server_header(std::move(header)), handler(std::move(chosen)), limits(bounds) {}

  void add(net::ChannelPtr channel) {
    auto connection = std::make_shared<HttpConnection>(*this, std::move(channel));
    connections.insert(connection);
    connection->start();
  }

  net::Loop& loop;
  std::string server_header;
  Handler handler;
  HttpLimits limits;
  std::vector<std::unique_ptr<net::Acceptor>> acceptors;
  std::unordered_set<std::shared_ptr<HttpConnection>> connections;
};

HttpConnection::HttpConnection(HttpServer::Impl& server, net::ChannelPtr channel)
    : server_(&server),
      channel_(std::move(channel)),
      unfinished_(server.loop.unfinished(), server.loop.timers(), channel_->remote(), server.limits.request,
                  [this](ErrorCode reason) { refuse(reason == net::Errc::timed_out ? 408 : 503); }) {}

void HttpConnection::start() {
  begin_request();
  channel_->start(
      {.on_octets = [self = shared_from_this()](std::string_view octets) { self->on_octets(octets); },
       .on_closed = [self = shared_from_this()](ErrorCode) { self->on_closed(); },
       .on_written = [self = shared_from_this()] { self->take_next(); }});
}

void HttpConnection::drop() {
  server_ = nullptr;
  unfinished_.end();
  channel_->close(net::Errc::closed);
}

void HttpConnection::begin_request() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(server_->limits.header));
  parser_->body_limit(server_->limits.body);
  parser_->eager(true);
  received_ = 0;
  continue_sent_ = false;
  answering_ = {};
}

void HttpConnection::on_octets(std::string_view octets) {
  if (!server_) return;
  in_.append(octets);
  parse();
}

void HttpConnection::parse() {
  if (busy_ || !server_ || in_.empty()) return;
  while (!in_.empty() && !parser_->is_done()) {
    ErrorCode error;
    const std::size_t used = parser_->put(boost::asio::buffer(in_), error);
    in_.erase(0, used);
    received_ += used;
    if (error == beast_http::error::need_more) break;
    if (error) return refuse(status_for(error));
    if (used == 0) break;
  }
  if (parser_->is_done()) return on_request();
  send_continue();
  unfinished_.hold(received_ + in_.size(), server_->loop.now().mono);
}

void HttpConnection::send_continue() {
  if (!parser_->is_header_done() || continue_sent_) return;
  if (!iequals(std::string_view(parser_->get()[beast_http::field::expect]), "100-continue")) return;
  continue_sent_ = true;
  channel_->send(share("HTTP/1.1 100 Continue\r\n\r\n"));
}

void HttpConnection::on_request() {
  if (!is_unambiguous(*parser_)) return refuse(400);
  unfinished_.end();
  channel_->pause();
  channel_->set_idle(Duration::zero());
  busy_ = true;
  answering_ = {.head = parser_->get().method() == beast_http::verb::head,
                .close = !parser_->get().keep_alive()};
  auto ticket = std::make_shared<Ticket>(server_->weak_from_this(), weak_from_this(), ++request_number_);
  HttpRequest request = read(*parser_, *channel_);
  const auto handler = server_->handler;
  handler(std::move(request), [ticket](HttpResponse response) {
    ticket->used = true;
    if (const auto self = ticket->connection.lock()) self->respond(ticket->number, std::move(response));
  });
}

void HttpConnection::refuse(int status) {
  unfinished_.end();
  parser_.reset();
  in_ = std::string();
  busy_ = true;
  answering_ = {.head = false, .close = true};
  respond(++request_number_, {.status = status});
}

void HttpConnection::respond(std::uint64_t number, HttpResponse response) {
  if (!server_ || !busy_ || number != request_number_) return;
  busy_ = false;
  channel_->send(share(write(response, answering_, server_->server_header, server_->loop.now().wall)));
  if (answering_.close) {
    std::exchange(server_, nullptr)->connections.erase(shared_from_this());
    return channel_->finish();
  }
  begin_request();
  channel_->set_idle(server_->limits.idle);
}

/// The answer has left, so that a client that reads none has one of them queued at most.
void HttpConnection::take_next() {
  if (!server_ || busy_ || !parser_) return;
  parse();
  if (server_ && !busy_) channel_->resume();
}

void HttpConnection::on_closed() {
  unfinished_.end();
  if (auto* server = std::exchange(server_, nullptr)) server->connections.erase(shared_from_this());
}

HttpConnection::Ticket::~Ticket() {
  if (used) return;
  const auto home = server.lock();
  if (!home) return;
  home->loop.post([of = connection, request = number] {
    if (const auto self = of.lock()) self->respond(request, {.status = 500});
  });
}

HttpServer::HttpServer(net::Loop& loop, std::string server_header, Handler handler, HttpLimits limits)
    : impl_(std::make_shared<Impl>(loop, std::move(server_header), std::move(handler), limits)) {}

HttpServer::~HttpServer() {
  impl_->acceptors.clear();
  for (const auto& connection : std::exchange(impl_->connections, {})) connection->drop();
}

Result<Address> HttpServer::listen(const Address& address, net::TlsContextPtr tls) {
  auto acceptor = std::make_unique<net::Acceptor>(impl_->loop);
  const HttpLimits& limits = impl_->limits;
  net::Acceptor::Options options{.tls = std::move(tls),
                                 .limits = {.queue = limits.body + limits.header + (std::size_t{64} << 20),
                                            .idle = limits.idle,
                                            .handshake = limits.handshake},
                                 .connections = limits.connections,
                                 .connections_per_address = limits.connections_per_address,
                                 .trusted = {}};
  const auto bound =
      acceptor->listen(address, std::move(options), [weak = std::weak_ptr(impl_)](net::ChannelPtr channel) {
        if (const auto impl = weak.lock()) {
          impl->add(std::move(channel));
        } else {
          channel->close(net::Errc::closed);
        }
      });
  if (bound) impl_->acceptors.push_back(std::move(acceptor));
  return bound;
}

std::size_t HttpServer::connections() const { return impl_->connections.size(); }

}  // namespace beckon::http
