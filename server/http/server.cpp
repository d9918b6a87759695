#include "server/http/server.hpp"

#include <atomic>
#include <optional>
#include <unordered_set>
#include <vector>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "server/http/request_reader.hpp"

namespace beckon::http {
namespace {

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

  void on_octets(std::string_view octets);
  void read_on();
  void on_request(RequestReader::Arrival arrival);
  void refuse(int status);
  void respond(std::uint64_t number, HttpResponse response);
  void take_next();
  void on_closed();

  HttpServer::Impl* server_;
  net::ChannelPtr channel_;
  std::optional<RequestReader> reader_;  ///< None: something could not be read.
  std::uint64_t request_number_ = 0;
  bool busy_ = false;  ///< A request is being handled.
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
      reader_(std::in_place, server.limits.header, server.limits.body),
      unfinished_(server.loop.unfinished(), server.loop.timers(), channel_->remote(), server.limits.request,
                  [this](ErrorCode reason) { refuse(reason == net::Errc::timed_out ? 408 : 503); }) {}

void HttpConnection::start() {
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

void HttpConnection::on_octets(std::string_view octets) {
  if (!server_ || !reader_) return;
  reader_->push(octets);
  read_on();
}

void HttpConnection::read_on() {
  if (busy_ || !server_ || reader_->held() == 0) return;
  auto [arrival, refusal] = reader_->next();
  if (refusal != 0) return refuse(refusal);
  if (arrival) return on_request(std::move(*arrival));
  if (reader_->take_continue()) channel_->send(share("HTTP/1.1 100 Continue\r\n\r\n"));
  unfinished_.hold(reader_->held(), server_->loop.now().mono);
}

void HttpConnection::on_request(RequestReader::Arrival arrival) {
  unfinished_.end();
  channel_->pause();
  channel_->set_idle(Duration::zero());
  busy_ = true;
  answering_ = {.head = arrival.is_head, .close = !arrival.keeps_alive};
  auto ticket = std::make_shared<Ticket>(server_->weak_from_this(), weak_from_this(), ++request_number_);
  arrival.request.peer = channel_->remote();
  arrival.request.secure = channel_->is_secure();
  const auto handler = server_->handler;
  handler(std::move(arrival.request), [ticket](HttpResponse response) {
    ticket->used = true;
    if (const auto self = ticket->connection.lock()) self->respond(ticket->number, std::move(response));
  });
}

void HttpConnection::refuse(int status) {
  unfinished_.end();
  reader_.reset();
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
  answering_ = {};
  channel_->set_idle(server_->limits.idle);
}

/// The answer has left, so that a client that reads none has one of them queued at most.
void HttpConnection::take_next() {
  if (!server_ || busy_ || !reader_) return;
  read_on();
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
