#include "client/xcap/editor.hpp"

#include <utility>

namespace beckon::client::xcap {

using beckon::xcap::Method;
using beckon::xcap::Request;
using beckon::xcap::Response;

namespace {

/// How often an edit is tried because another device changes the document meanwhile.
constexpr int tries_max = 20;

}  // namespace

Editor::Editor(const account::Account& account, Document document, Http& http, Random& random)
    : document_(std::move(document)), requester_(account, http, random) {}

void Editor::edit(Change change, Done done) {
  edits_.push_back({std::move(change), std::move(done)});
  if (edits_.size() == 1) begin();
}

void Editor::read(Requester::Read<std::string> done) {
  requester_.send({.method = Method::get, .target = document_.path, .headers = {}, .body = {}},
                  [name = document_.name, done = std::move(done)](const Result<Response>& response, Now now) {
                    if (!response)
                      return done(Requester::status_of(response.error()),
                                  name + " cannot be read: " + response.error().message(), {}, now);
                    const int status = static_cast<int>(response->status);
                    if (status == 404) return done(200, {}, {}, now);
                    if (status != 200) return done(status, "reading " + name, {}, now);
                    done(status, {}, response->body, now);
                  });
}

void Editor::begin() {
  if (edits_.empty()) return;
  ++edits_.front().tries;
  requester_.send({.method = Method::get, .target = document_.path, .headers = {}, .body = {}},
                  [this](const Result<Response>& response, Now now) { on_read(response, now); });
}

void Editor::on_read(const Result<Response>& response, Now now) {
  if (!response)
    return end(Requester::status_of(response.error()),
               document_.name + " cannot be reached, nothing is changed: " + response.error().message(), now);
  if (response->status != 200 && response->status != 404)
    return end(static_cast<int>(response->status), "reading " + document_.name, now);
  const std::string before = response->status == 200 ? response->body : std::string();
  auto text = edits_.front().change(before);
  if (!text) return end(text.error().status, text.error().reason, now);
  if (*text == before) return end(200, {}, now);
  write(std::move(*text), *response);
}

void Editor::write(std::string text, const Response& before) {
  Request request{.method = Method::put, .target = document_.path, .headers = {}, .body = std::move(text)};
  request.headers.emplace_back("Content-Type", document_.content_type);
  // A server without entity-tags cannot tell whether another device has written.
  if (before.status == 404 || before.etag.empty())
    request.headers.emplace_back("If-None-Match", "*");
  else
    request.headers.emplace_back("If-Match", '"' + before.etag + '"');
  requester_.send(std::move(request),
                  [this](const Result<Response>& response, Now now) { on_written(response, now); });
}

void Editor::on_written(const Result<Response>& response, Now now) {
  if (!response)
    return end(Requester::status_of(response.error()),
               "it is not known whether " + document_.name + " changed: " + response.error().message(), now);
  const int status = static_cast<int>(response->status);
  if (status == 412 && edits_.front().tries < tries_max) return begin();
  if (status == 412) return end(status, "other devices keep changing " + document_.name, now);
  end(status, status / 100 == 2 ? "" : "writing " + document_.name, now);
}

void Editor::end(int status, const std::string& reason, Now now) {
  const Edit edit = std::move(edits_.front());
  edits_.pop_front();
  begin();
  edit.done(status, reason, now);
}

}  // namespace beckon::client::xcap
