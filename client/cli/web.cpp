#include "client/cli/web.hpp"

#include "protocol/base/text.hpp"

namespace beckon::client::cli {
namespace {

beckon::xcap::Response to_xcap(net::HttpsResponse&& reply) {
  beckon::xcap::Response response;
  response.status = static_cast<unsigned>(reply.status);
  response.content_type = reply.header("Content-Type");
  std::string_view etag = reply.header("ETag");
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  response.etag = etag;
  response.headers = std::move(reply.headers);
  response.body = std::move(reply.body);
  return response;
}

ErrorCode to_xcap(const ErrorCode& error) {
  return net::is_distrust(error) ? ErrorCode(xcap::Errc::untrusted) : error;
}

}  // namespace

Web::Web(net::Loop& loop, net::TlsContextPtr tls, locate::Locator& locator, std::string origin)
    : loop_(loop), client_(loop, std::move(tls), locator), origin_(std::move(origin)) {}

void Web::send(beckon::xcap::Request request, Done done) {
  net::HttpsRequest out;
  out.method = beckon::xcap::to_string(request.method);
  out.url = origin_ + request.target;
  out.headers = std::move(request.headers);
  out.body = std::move(request.body);
  out.body_limit = xcap::Http::answer_max;
  client_.request(std::move(out), [this, done = std::move(done)](Result<net::HttpsResponse> reply) {
    reply ? done(to_xcap(std::move(*reply)), loop_.now()) : done(to_xcap(reply.error()), loop_.now());
  });
}

std::pair<std::string, std::string> split_url(std::string_view url) {
  const auto scheme_end = url.find("://");
  const auto slash = url.find('/', scheme_end == std::string_view::npos ? 0 : scheme_end + 3);
  std::string_view path = slash == std::string_view::npos ? std::string_view() : url.substr(slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  return {std::string(url.substr(0, slash)), std::string(path)};
}

}  // namespace beckon::client::cli
