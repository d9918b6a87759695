#include "client/xcap/rules.hpp"

namespace beckon::client::xcap {

using beckon::xcap::Method;
using beckon::xcap::Request;
using beckon::xcap::Response;

namespace {

/// How often an edit is tried because another device changes the document meanwhile.
constexpr int tries_max = 4;

Result<documents::Rules> read_rules(const Response& response) {
  if (response.status == 404) return documents::Rules{};
  return documents::parse_pres_rules(response.body);
}

}  // namespace

Rules::Rules(const account::Account& account, std::string_view root, Http& http, Random& random)
    : path_(Requester::path_of(account, "pres-rules", root)), requester_(account, http, random) {}

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

void Rules::send(Request request, std::function<void(const Response&, Now)> done) {
  requester_.send(std::move(request),
                  [this, done = std::move(done)](const Result<Response>& response, Now now) {
                    response ? done(*response, now)
                             : end(Requester::status_of(response.error()), response.error().message(), now);
                  });
}

}  // namespace beckon::client::xcap
