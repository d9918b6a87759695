#include "client/xcap/rules.hpp"

#include "client/control/cause.hpp"
#include "protocol/base/text.hpp"
#include "protocol/xcap/target.hpp"

namespace beckon::client::xcap {

using beckon::xcap::Method;
using beckon::xcap::Request;
using beckon::xcap::Response;

namespace {

/// How often an edit is tried because another device changes the document meanwhile.
constexpr int tries_max = 4;

}  // namespace

const char* to_string(Errc) { return "the server's certificate is not trusted, or is for another name"; }

namespace {

Result<documents::Rules> read_rules(const Response& response) {
  if (response.status == 404) return documents::Rules{};
  return documents::parse_pres_rules(response.body);
}

}  // namespace

Rules::Rules(const account::Account& account, std::string root, Http& http, Random& random)
    : account_(account),
      path_(beckon::xcap::print(beckon::xcap::Target{.auid = "pres-rules",
                                                     .tree = beckon::xcap::Target::Tree::users,
                                                     .user = account.aor,
                                                     .document = "index",
                                                     .node_selector = {},
                                                     .query = {}},
                                root)),
      http_(http),
      random_(random) {}

void Rules::set(std::string watcher, std::optional<documents::Verdict> verdict, Done done) {
  edits_.push_back({std::move(watcher), verdict, std::move(done)});
  if (edits_.size() == 1) begin();
}

void Rules::begin() {
  if (!edits_.empty()) read();
}

void Rules::read() {
  ++edits_.front().tries;
  send({.method = Method::get, .target = path_, .headers = {}, .body = {}},
       [this](const Response& response, Now now) { on_read(response, now); });
}

void Rules::on_read(const Response& response, Now now) {
  if (response.status != 200 && response.status != 404) {
    return end(static_cast<int>(response.status), "reading the rules", now);
  }
  auto rules = read_rules(response);
  if (!rules) return end(500, "the rules cannot be read: " + rules.error().message(), now);
  const Edit& edit = edits_.front();
  if (!edit.verdict) {
    documents::forget_watcher(*rules, edit.watcher);
  } else if (const auto done = documents::set_watcher(*rules, edit.watcher, *edit.verdict); !done) {
    return end(409, done.error().message(), now);
  }
  write(std::move(*rules), response.status == 200 ? response.etag : std::string());
}

void Rules::write(documents::Rules rules, std::string etag) {
  Request request{.method = Method::put, .target = path_, .headers = {}, .body = documents::print(rules)};
  request.headers.emplace_back("Content-Type", documents::pres_rules_type);
  if (etag.empty()) {
    request.headers.emplace_back("If-None-Match", "*");
  } else {
    request.headers.emplace_back("If-Match", '"' + etag + '"');
  }
  send(std::move(request),
       [this](const Response& response, Now now) { on_written(static_cast<int>(response.status), now); });
}

void Rules::on_written(int status, Now now) {
  if (status == 412 && edits_.front().tries < tries_max) return read();
  end(status, status >= 200 && status < 300 ? "" : "writing the rules", now);
}

void Rules::end(int status, std::string reason, Now now) {
  const Edit edit = std::move(edits_.front());
  edits_.pop_front();
  begin();
  edit.done(status, std::move(reason), now);
}

std::string Rules::authorization(const Request& request) {
  return auth::answer(*challenge_, {.user = account_.user,
                                    .password = account_.password,
                                    .method = beckon::xcap::to_string(request.method),
                                    .uri = request.target,
                                    .body = request.body,
                                    .cnonce = random_.token(8),
                                    .count = ++count_});
}

void Rules::send(Request request, std::function<void(const Response&, Now)> done, bool again) {
  Request sent = request;
  if (challenge_) sent.headers.emplace_back("Authorization", authorization(request));
  http_.send(std::move(sent), [this, life = life_.watch(), request = std::move(request),
                               done = std::move(done), again](Result<Response> response, Now now) {
    if (life.expired()) return;
    if (!response) {
      const int status = response.error() == Errc::untrusted ? control::unproven : 0;
      return end(status, response.error().message(), now);
    }
    if (response->status != 401 || again) return done(*response, now);
    std::vector<std::string> values;
    for (const auto& [name, value] : response->headers) {
      if (iequals(name, "WWW-Authenticate")) values.push_back(value);
    }
    challenge_ = auth::choose(values);
    count_ = 0;
    if (!challenge_) return done(*response, now);
    send(request, done, true);
  });
}

}  // namespace beckon::client::xcap
