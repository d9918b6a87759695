#include "protocol/net/https_client.hpp"

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <unordered_set>

#include "protocol/base/text.hpp"
#include "protocol/net/channel.hpp"

namespace beckon::net {
namespace {

namespace beast_http = boost::beast::http;
using Parser = beast_http::response_parser<beast_http::string_body>;

constexpr std::uint32_t header_limit = 16384;  // octets of status line and headers
constexpr std::uint16_t https_port = 443;

struct Url {
  std::string host;  ///< Without brackets.
  std::uint16_t port = https_port;
  std::string authority;  ///< As written, for the Host header.
  std::string target;
};

// host[:port], brackets around IPv6; user information is refused.
bool read_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) return false;
  const auto close = authority.starts_with('[') ? authority.find(']') : 0;
  if (close == std::string_view::npos) return false;
  const auto colon = authority.find(':', close);
  std::string_view host = authority.substr(0, colon);
  if (close > 0) host = authority.substr(1, close - 1);
  if (colon != std::string_view::npos) {
    const auto port = parse_number<std::uint16_t>(authority.substr(colon + 1));
    if (!port) return false;
    url.port = *port;
  }
  url.host = host;
  url.authority = authority;
  return !host.empty();
}

Result<Url> parse_url(std::string_view text) {
  constexpr std::string_view scheme = "https://";
  if (!iequals(text.substr(0, scheme.size()), scheme)) return ErrorCode(Errc::bad_url);
  text.remove_prefix(scheme.size());
  text = text.substr(0, text.find('#'));
  const auto path = std::min(text.find_first_of("/?"), text.size());
  Url url;
  if (!read_authority(text.substr(0, path), url)) return ErrorCode(Errc::bad_url);
  url.target = text.substr(path);
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  return url;
}

// A line end or blank in one of these would begin another header or request.
bool is_line_text(std::string_view text, bool blanks_allowed) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    const auto value = static_cast<unsigned char>(c);
    return value > ' ' ? value != 0x7f : blanks_allowed && is_blank(c);
  });
}

bool is_clean(const HttpsRequest& request) {
  return !request.method.empty() && is_line_text(request.method, false) && is_line_text(request.url, false) &&
         std::all_of(request.headers.begin(), request.headers.end(), [](const auto& header) {
           return is_line_text(header.first, false) && is_line_text(header.second, true);
         });
}

std::string write(const HttpsRequest& request, const Url& url) {
  std::string text = request.method + " " + url.target + " HTTP/1.1\r\nHost: " + url.authority +
                     "\r\nUser-Agent: beckon/" BECKON_VERSION "\r\nConnection: close\r\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
  if (!request.body.empty() || request.method == "PUT" || request.method == "POST")
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return text + "\r\n" + request.body;
}

HttpsResponse read(Parser& parser) {
  auto& message = parser.get();
  HttpsResponse response;
  response.status = static_cast<int>(message.result_int());
  for (const auto& field : message) response.headers.emplace_back(field.name_string(), field.value());
  response.body = std::move(message.body());
  return response;
}

ErrorCode explain(const ErrorCode& error) {
  const bool too_large = error == beast_http::error::body_limit || error == beast_http::error::header_limit;
  return too_large ? Errc::too_large : Errc::bad_reply;
}

using Done = std::function<void(Result<HttpsResponse>)>;

// One request from name to answer. Kept by the client until it is over.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  using OnEnd = std::function<void(const std::shared_ptr<Exchange>&)>;

  Exchange(Loop& loop, TlsContextPtr tls, HttpsRequest request, Done done, OnEnd on_end)
      : loop_(loop),
        tls_(std::move(tls)),
        request_(std::move(request)),
        done_(std::move(done)),
        on_end_(std::move(on_end)),
        timer_(loop.timers()) {}

  void start(locate::Locator& locator) {
    timer_.set(loop_.now().mono + request_.timeout, [this](Time) { end(ErrorCode(Errc::timed_out)); });
    auto url = parse_url(request_.url);
    if (!url || !is_clean(request_)) {
      loop_.post([self = shared_from_this()] { self->end(ErrorCode(Errc::bad_url)); });
      return;
    }
    url_ = std::move(*url);
    locator.locate({.host = to_lower(url_.host), .port = url_.port, .transport = transaction::Protocol::tcp},
                   [weak = weak_from_this()](const locate::Locator::Hops& found) {
                     const auto self = weak.lock();
                     if (!self || self->over()) return;
                     if (!found) return self->end(found.error());
                     for (const auto& hop : *found) self->addresses_.push_back(hop.remote);
                     self->dial_next(ErrorCode(Errc::closed));
                   });
  }

  /// Ends without a call.
  void drop() {
    done_ = nullptr;
    finish();
  }

 private:
  bool over() const { return !done_; }

  void dial_next(ErrorCode error) {
    if (next_ == addresses_.size()) return end(error);
    DialOptions how{.remote = addresses_[next_++],
                    .tls = tls_,
                    .server_name = url_.host,
                    .identity = Identity::https,
                    .limits = {.queue = request_.body.size() + header_limit * 4, .idle = Duration::zero()}};
    dial(loop_, std::move(how), [weak = weak_from_this()](Result<ChannelPtr> channel) {
      const auto self = weak.lock();
      if (!self || self->over()) {
        if (channel) (*channel)->close(Errc::closed);
        return;
      }
      // A certificate for another name ends the request: trying the next address would only hide that.
      if (channel.has_error() && is_distrust(channel.error())) return self->end(channel.error());
      if (!channel) return self->dial_next(channel.error());
      self->talk(std::move(*channel));
    });
  }

  void talk(ChannelPtr channel) {
    channel_ = std::move(channel);
    parser_.header_limit(header_limit);
    parser_.body_limit(request_.body_limit);
    parser_.eager(true);
    parser_.skip(request_.method == "HEAD");
    channel_->start(
        {.on_octets = [self = shared_from_this()](std::string_view octets) { self->on_octets(octets); },
         .on_closed = [self = shared_from_this()](ErrorCode reason) { self->on_closed(reason); }});
    channel_->send(share(write(request_, url_)));
  }

  void on_octets(std::string_view octets) {
    if (over()) return;
    in_.append(octets);
    while (!in_.empty() && !parser_.is_done()) {
      ErrorCode error;
      const std::size_t used = parser_.put(boost::asio::buffer(in_), error);
      in_.erase(0, used);
      if (error == beast_http::error::need_more) return;
      if (error) return end(explain(error));
    }
    if (!parser_.is_done()) return;
    const int status = static_cast<int>(parser_.get().result_int());
    if (status < 200) return end(ErrorCode(Errc::bad_reply));  // we ask for no interim answer
    end(read(parser_));
  }

  void on_closed(const ErrorCode& reason) {
    channel_ = nullptr;
    if (over()) return;
    ErrorCode error;
    if (parser_.is_header_done()) parser_.put_eof(error);  // a body without length ends with the connection
    if (error || !parser_.is_done()) return end(reason);
    end(read(parser_));
  }

  void end(Result<HttpsResponse> result) {
    const auto self = shared_from_this();
    const auto done = std::exchange(done_, nullptr);
    if (!done) return;
    finish();
    if (on_end_) on_end_(self);
    done(std::move(result));
  }

  void finish() {
    timer_.cancel();
    if (const auto channel = std::exchange(channel_, nullptr)) channel->close(Errc::closed);
  }

  Loop& loop_;
  TlsContextPtr tls_;
  HttpsRequest request_;
  Done done_;
  OnEnd on_end_;
  Timer timer_;
  Url url_;
  std::vector<Address> addresses_;
  std::size_t next_ = 0;
  ChannelPtr channel_;
  Parser parser_;
  std::string in_;
};

}  // namespace

std::string_view HttpsResponse::header(std::string_view name) const {
  for (const auto& [each, value] : headers)
    if (iequals(each, name)) return value;
  return {};
}

struct HttpsClient::Impl {
  Loop& loop;
  TlsContextPtr tls;
  locate::Locator& locator;
  std::unordered_set<std::shared_ptr<Exchange>> running{};
};

HttpsClient::HttpsClient(Loop& loop, TlsContextPtr tls, locate::Locator& locator)
    : impl_(std::make_shared<Impl>(Impl{.loop = loop, .tls = std::move(tls), .locator = locator})) {}

HttpsClient::~HttpsClient() {
  for (const auto& exchange : std::exchange(impl_->running, {})) exchange->drop();
}

void HttpsClient::request(HttpsRequest request, std::function<void(Result<HttpsResponse>)> done) {
  auto on_end = [weak = std::weak_ptr(impl_)](const std::shared_ptr<Exchange>& exchange) {
    if (const auto impl = weak.lock()) impl->running.erase(exchange);
  };
  auto exchange = std::make_shared<Exchange>(impl_->loop, impl_->tls, std::move(request), std::move(done),
                                             std::move(on_end));
  impl_->running.insert(exchange);
  exchange->start(impl_->locator);
}

}  // namespace beckon::net
