#include "client/xcap/requester.hpp"

#include <vector>

#include "client/control/cause.hpp"
#include "protocol/base/text.hpp"
#include "protocol/xcap/target.hpp"

namespace beckon::client::xcap {

using beckon::xcap::Request;
using beckon::xcap::Response;
using beckon::xcap::Target;

const char* to_string(Errc) { return "the server's certificate is not trusted, or is for another name"; }

int Requester::status_of(const ErrorCode& error) { return error == Errc::untrusted ? control::unproven : 0; }

std::string Requester::path_of(const account::Account& account, std::string_view auid,
                               std::string_view root) {
  return beckon::xcap::print(Target{.auid = std::string(auid),
                                    .tree = Target::Tree::users,
                                    .user = account.aor,
                                    .document = "index",
                                    .node_selector = {},
                                    .query = {}},
                             root);
}

std::string Requester::authorization(const Request& request) {
  return auth::answer(*challenge_, {.user = account_.user,
                                    .password = account_.password,
                                    .method = beckon::xcap::to_string(request.method),
                                    .uri = request.target,
                                    .body = request.body,
                                    .cnonce = random_.token(8),
                                    .count = ++count_});
}

void Requester::send(Request request, Done done, bool again) {
  Request sent = request;
  if (challenge_) sent.headers.emplace_back("Authorization", authorization(request));
  http_.send(std::move(sent), [this, life = life_.watch(), request = std::move(request),
                               done = std::move(done), again](Result<Response> response, Now now) {
    if (life.expired()) return;
    if (!response || response->status != 401 || again) return done(response, now);
    std::vector<std::string> values;
    for (const auto& [name, value] : response->headers) {
      if (iequals(name, "WWW-Authenticate")) values.push_back(value);
    }
    challenge_ = auth::choose(values);
    count_ = 0;
    if (!challenge_) return done(response, now);
    send(request, done, true);
  });
}

}  // namespace beckon::client::xcap
