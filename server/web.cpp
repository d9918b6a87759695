#include "server/web.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/sip/uri.hpp"
#include "server/shard/digest_uri.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server {

namespace {

/// A bucket of shard 0, whose loop HTTP runs on.
constexpr Bucket here = 0;

beckon::xcap::Request to_xcap(http::HttpRequest& request) {
  return {beckon::xcap::parse_method(request.method), request.target, request.headers,
          std::move(request.body)};
}

http::HttpResponse to_http(const beckon::xcap::Response& response) {
  http::HttpResponse out{
      .status = static_cast<int>(response.status), .headers = response.headers, .body = response.body};
  if (!response.content_type.empty()) out.headers.emplace_back("Content-Type", response.content_type);
  if (!response.etag.empty()) out.headers.emplace_back("ETag", '"' + response.etag + '"');
  return out;
}

http::HttpResponse refusal(const Verdict& verdict) {
  http::HttpResponse out;
  switch (verdict.kind) {
    case Verdict::Kind::challenge:
      out.status = 401;
      break;
    case Verdict::Kind::malformed:
      out.status = 400;
      break;
    case Verdict::Kind::overload:
      out.status = 503;
      break;
    case Verdict::Kind::refused:
    case Verdict::Kind::accepted:
      out.status = 403;
      break;
  }
  for (const std::string& value : verdict.challenges) out.headers.emplace_back("WWW-Authenticate", value);
  return out;
}

/// Adds Authentication-Info to a 2xx (RFC 7616 3.5).
http::Respond with_info(const http::Respond& respond, const std::string& info) {
  if (info.empty()) return respond;
  return [respond, info](http::HttpResponse response) {
    if (response.status / 100 == 2) response.headers.emplace_back("Authentication-Info", info);
    respond(std::move(response));
  };
}

}  // namespace

std::optional<std::string> Web::owner_of(std::string_view target) const {
  for (const Tree& tree : trees_) {
    const auto read = beckon::xcap::parse_user_target(target, tree.root);
    if (!read) continue;
    std::string aor = xcap::aor_of(read->user);
    if (!aor.empty()) return aor;
  }
  return xcap::owner_of(target);
}

void Web::handle(http::HttpRequest request, http::Respond respond) {
  const auto owner = owner_of(request.target);
  if (!owner) {
    const bool is_trusted = std::ranges::any_of(
        shard_.settings().trust_domain, [&](const Network& each) { return each.contains(request.peer.ip); });
    return respond(to_http(xcap::handle_global(to_xcap(request), documents_.services(), is_trusted)));
  }
  const auto uri = sip::parse_uri(*owner);
  if (!uri || !shard_.settings().serves(uri->host)) return respond({.status = 404});
  Credentials credentials{.method = request.method,
                          .realm = uri->host,
                          .claimed = *owner,
                          .given = auth::Errc::not_digest,
                          .agent = {},
                          .body = request.body,
                          .source = request.peer.ip};
  const auto authorization = request.header("Authorization");
  if (!authorization.empty()) credentials.given = auth::parse_credentials(authorization);
  const auto& given = credentials.given;
  if (given && !is_covered(given->uri, request.target)) return respond({.status = 400});
  // A proof for auth-int covers the answer's body, which is not there yet.
  const bool proves = given && given->qop == auth::Qop::auth;
  auto kept = std::make_shared<http::HttpRequest>(std::move(request));
  const auto judged = [this, owner = *owner, kept, respond, proves](const Verdict& verdict, Now) {
    if (verdict.kind != Verdict::Kind::accepted) return respond(refusal(verdict));
    ask(owner, *kept, verdict.identity, proves ? with_info(respond, verdict.authentication_info) : respond);
  };
  shard_.authenticate(std::move(credentials), judged);
}

void Web::ask(const std::string& owner, http::HttpRequest& request, Identity who, http::Respond respond) {
  Query query{.ticket = ++last_ticket_, .request = to_xcap(request), .who = std::move(who)};
  if (!shard_.post<Web>(bucket_of(owner), std::move(query))) return respond({.status = 503});
  waiting_.emplace(last_ticket_, std::move(respond));
}

void Web::on(Query query, Bucket, Now) {
  const auto done = [this, ticket = query.ticket](beckon::xcap::Response response) {
    shard_.post_back<Web>(here, Reply{ticket, std::move(response)});
  };
  if (!answer(query, done)) documents_.handle(std::move(query.request), query.who, done);
}

/// False: it is for no tree of `serve`.
bool Web::answer(const Query& query, const Done& done) {
  for (const Tree& tree : trees_) {
    const auto target = beckon::xcap::parse_user_target(query.request.target, tree.root);
    if (!target) continue;
    const std::string aor = xcap::aor_of(target->user);
    // A stranger learns nothing, not even whether there is such a user.
    query.who.aor == aor ? tree.handler(aor, *target, query.request.method, done)
                         : done(beckon::xcap::make_response(403));
    return true;
  }
  return false;
}

void Web::on(const Reply& reply, Bucket, Now) {
  const auto waiting = waiting_.extract(reply.ticket);
  if (waiting) waiting.mapped()(to_http(reply.response));
}

}  // namespace beckon::server
