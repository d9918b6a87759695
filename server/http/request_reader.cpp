#include "server/http/request_reader.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "protocol/base/result.hpp"
#include "protocol/base/text.hpp"

namespace beckon::http {
namespace {

namespace beast_http = boost::beast::http;
using Parser = beast_http::request_parser<beast_http::string_body>;

/// The end of a body in chunks: "0", CRLF, CRLF (RFC 9112 7.1). Beast takes it for granted that it is given
/// no fewer once it has seen the "0".
constexpr std::size_t last_chunk_octets = 5;

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

RequestReader::Arrival take(Parser& parser) {
  auto& message = parser.get();
  RequestReader::Arrival arrival{.request = {},
                                 .is_head = message.method() == beast_http::verb::head,
                                 .keeps_alive = parser.keep_alive()};
  HttpRequest& request = arrival.request;
  request.method = message.method_string();
  request.target = message.target();
  for (const auto& field : message) request.headers.emplace_back(field.name_string(), field.value());
  request.body = std::move(message.body());
  return arrival;
}

}  // namespace

struct RequestReader::Impl {
  std::size_t header_max, body_max;
  std::optional<Parser> parser{};
  std::string in{};           ///< What the parser has not taken.
  std::size_t received = 0;   ///< Octets of the request that the parser has taken.
  bool is_continued = false;  ///< `take_continue` was true.

  void begin() {
    parser.emplace();
    parser->header_limit(static_cast<std::uint32_t>(header_max));
    parser->body_limit(body_max);
    parser->eager(true);
    received = 0;
    is_continued = false;
  }
};

RequestReader::RequestReader(std::size_t header_max, std::size_t body_max)
    : impl_(new Impl{.header_max = header_max, .body_max = body_max}) {
  impl_->begin();
}

RequestReader::~RequestReader() = default;

void RequestReader::push(std::string_view octets) { impl_->in.append(octets); }

RequestReader::Reading RequestReader::next() {
  Parser& parser = *impl_->parser;
  std::string& in = impl_->in;
  while (!in.empty() && !parser.is_done()) {
    if (parser.is_header_done() && parser.chunked() && in.size() < last_chunk_octets) break;
    ErrorCode error;
    const std::size_t used = parser.put(boost::asio::buffer(in), error);
    in.erase(0, used);
    impl_->received += used;
    if (error == beast_http::error::need_more) break;
    if (error) return {.arrival = {}, .refusal = status_for(error)};
    if (used == 0) break;
  }
  if (!parser.is_done()) return {};
  if (!is_unambiguous(parser)) return {.arrival = {}, .refusal = 400};
  Reading reading{.arrival = take(parser)};
  impl_->begin();
  return reading;
}

bool RequestReader::take_continue() {
  Parser& parser = *impl_->parser;
  if (impl_->is_continued || !parser.is_header_done()) return false;
  impl_->is_continued = iequals(std::string_view(parser.get()[beast_http::field::expect]), "100-continue");
  return impl_->is_continued;
}

std::size_t RequestReader::held() const { return impl_->received + impl_->in.size(); }

}  // namespace beckon::http
